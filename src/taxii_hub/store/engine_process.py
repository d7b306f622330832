"""One mongod process: started as a child or found alive, its log read, its end told."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from taxii_hub.errors import StoreError

_LOG: Final = logging.getLogger("taxii_hub.mongod")
_LOG_BYTES: Final = 2_000_000
_LEVELS: Final = {"F": logging.CRITICAL, "E": logging.ERROR}


def with_death_signal(command: Sequence[str]) -> list[str]:
    """The command, told to end when the thread that starts it does; unchanged without util-linux."""
    setpriv = shutil.which("setpriv")
    return [*((setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()), *command]


class Process:
    """A mongod, our child or one that its hub left behind."""

    __slots__ = ("_child", "_gone", "_handle", "_last_words", "_reader", "pid")

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self._child = child
        self._handle = os.pidfd_open(pid)
        self._gone = asyncio.Event()
        self._last_words: deque[str] = deque(maxlen=30)
        self._reader: threading.Thread | None = None
        asyncio.get_running_loop().add_reader(self._handle, self._ended)

    @classmethod
    def spawn(cls, command: Sequence[str], log: Path) -> Process:
        """Start it in a session of its own (Ctrl-C reaches the hub first) and with a death signal.

        Only from the main thread: the kernel sends the death signal when the *thread* that forked ends.
        """
        if threading.current_thread() is not threading.main_thread():
            raise StoreError("the embedded MongoDB can only be started from the main thread of a process")
        child = subprocess.Popen(
            with_death_signal(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        process = cls(child.pid, child)
        assert child.stdout is not None  # noqa: S101 - asked for above
        process._reader = threading.Thread(
            target=_keep_log, args=(child.stdout, log, process._last_words), daemon=True, name="mongod-log"
        )
        process._reader.start()
        return process

    @property
    def alive(self) -> bool:
        return not self._gone.is_set()

    async def wait(self, seconds: float | None = None) -> bool:
        """Until it has ended; False when it has not within ``seconds``."""
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Signal it; the handle makes sure that no later process of the same number is hit."""
        if self.alive:
            try:
                signal.pidfd_send_signal(self._handle, number)
            except ProcessLookupError:
                return

    def end_in_words(self) -> str:
        """Why it ended, for a person; only after it did."""
        code = self._child.wait() if self._child else None
        if self._reader is not None:
            self._reader.join(1)
        words = list(self._last_words)
        return _known_cause(words) or _REASONS.get(code, "") or _from_log(words) or f"exit status {code}"

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        if self._child is not None:
            self._child.wait()
        self._gone.set()


_REASONS: Final[dict[int | None, str]] = {
    -signal.SIGILL: "this processor has no AVX instructions, which MongoDB needs; set TAXII_HUB_MONGODB_URI",
    128
    + signal.SIGILL: "this processor has no AVX instructions, which MongoDB needs; set TAXII_HUB_MONGODB_URI",
    48: "it could not open its socket; look at the rights of the socket folder",
    62: "the data files were made by another MongoDB version; use that version, or restore from a backup",
    100: "the data folder cannot be used: another mongod runs on it, it cannot be written, or it is damaged",
}


def _known_cause(words: Sequence[str]) -> str:
    for line in words:
        if "cannot open shared object file" in line:
            name = line.partition("libraries:")[2].partition(":")[0].strip() or "a library"
            return f"{name} is missing; install Debian's libcurl4 and libssl3 (or your system's equivalent)"
        if "No space left on device" in line:
            return "the disk is full; make room on it"
    return ""


def _from_log(words: Sequence[str]) -> str:
    """The last serious message of the log; without its attributes, which may hold data."""
    for line in reversed(words):
        level, message = _serious(line)
        if level is not None:
            return message
    return ""


def _serious(line: str) -> tuple[int | None, str]:
    """Level and message of a log line that matters; (None, "") for the others.

    COMMAND errors are clients that went away, which is their right.
    """
    try:
        entry = json.loads(line)
        return _LEVELS.get(entry["s"]) if entry["c"] != "COMMAND" else None, str(entry["msg"])
    except (ValueError, KeyError, TypeError):
        return None, ""


def _keep_log(stream: IO[bytes], path: Path, last_words: deque[str]) -> None:
    """Read mongod's log to its end: all of it into two small files, what is serious into the hub's log.

    It must never stop reading: mongod waits for a full pipe.
    """
    with stream:
        for raw in stream:
            line = raw.decode(errors="replace")
            last_words.append(line)
            level, message = _serious(line)
            if level is not None:
                _LOG.log(level, "mongod: %s", message)
            _append(path, raw)


def _append(path: Path, raw: bytes) -> None:
    """A line that cannot be written is left out: a full disk is no reason to stop the database."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, raw)
            full = os.fstat(handle).st_size > _LOG_BYTES
        finally:
            os.close(handle)
        if full:
            path.replace(path.with_suffix(".log.1"))
    except OSError:
        return
