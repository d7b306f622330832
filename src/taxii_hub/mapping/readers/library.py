"""Reports that are read by a mapping's own ``reader.py``, in a process with limits (docs/mappings.md)."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from taxii_hub.errors import MappingError, ReportError
from taxii_hub.mapping.readers import worker
from taxii_hub.mapping.readers.options import MAX_DOCUMENT, LibraryReader
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Leaf, Made, Record, Remark

_READER: Final = "reader.py"
_ENVIRONMENT: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": tempfile.gettempdir(),
}


def records(
    stream: SourceStream, path: Path, reader: LibraryReader, removed: tuple[str, ...]
) -> Iterator[Record]:
    """First a record of kind ``""``, then what reader.py says. Raises ReportError: the report is refused
    by it, too much for its limits, or its library is missing."""
    stream.check_size(MAX_DOCUMENT)
    asked = {"remove": list(removed), "name": stream.name}
    request = {"path": str(path.resolve()), "seconds": reader.seconds, "megabytes": reader.megabytes}
    worker_of_reader = _worker(reader.folder / _READER)
    headed = False
    with worker_of_reader.lock:
        for item in worker_of_reader.ask({**request, "asked": asked}, reader.seconds * 2 + 30):
            if item.get("end"):
                _ended(item, stream.name, reader)
                break
            if "refused" in item:
                worker_of_reader.drain()
                raise ReportError(f"{stream.name}: {item['refused']}")
            record = _record(item)
            if not headed and record.kind:
                yield Record("", 1, ())
            headed = True
            yield record
    if not headed:
        yield Record("", 1, ())


def _record(item: Mapping[str, Any]) -> Record:
    leaves = tuple(
        Leaf.at(leaf[0], leaf[1], leaf[2] if len(leaf) > 2 else item.get("line", 1))
        for leaf in item["leaves"]
    )
    made = None
    if "objects" in item:
        made = Made(
            objects=tuple(item["objects"]),
            main=item.get("main"),
            trace=tuple((t[0], t[1], t[2]) for t in item.get("trace", ())),
            faults=tuple(
                (f["code"], f["message"], f["remedy"], f.get("leaf")) for f in item.get("problems", ())
            ),
            own_markings=bool(item.get("own_markings")),
        )
    fatal = tuple(
        Remark(r["code"], r["message"], r["remedy"], "error", fatal=True) for r in item.get("failed", ())
    )
    return Record(item["record"], item.get("line", 1), leaves, fatal, made)


def _ended(end: Mapping[str, Any], name: str, reader: LibraryReader) -> None:
    folder = reader.folder
    if end.get("missing"):
        extra = f"pip install 'taxii-hub[{reader.extra}]'" if reader.extra else "install it"
        raise ReportError(
            f"{name}: {folder.name} needs the library {end['missing']}, which is not installed; {extra}"
        )
    if end["signal"] or end["exit"] == 3:
        raise ReportError(
            f"{name}: needs more than the {reader.seconds} s and {reader.megabytes} MB that {folder.name} may "
            "take (or its library crashed); cut the report into several"
        )
    if end["exit"]:
        said = (end["stderr"].strip().splitlines() or ["it gave no reason"])[-1][:300]
        raise ReportError(f"{name}: its library cannot read it ({said}); check the report at its source")


class _Worker:
    """One process for each reader.py, started when it is first needed; ``lock``: one report at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def ask(self, request: Mapping[str, Any], seconds: int) -> Iterator[dict[str, Any]]:
        """What the child says, up to and with the end. Raises ReportError after ``seconds``."""
        process = self._started()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("started with pipes")
        until = time.monotonic() + seconds
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            while True:
                item = json.loads(self._line(process, until))
                if item.get("end"):
                    until = 0  # before the reader of this may leave: the process stays for the next report
                    yield item
                    return
                yield item
        except BrokenPipeError:
            raise MappingError(f"{self._path}: its process ended; look at the code") from None
        finally:
            if until:
                self.stop()

    def drain(self) -> None:
        """The report is refused: what its child says yet is of no interest."""
        self.stop()

    def _line(self, process: subprocess.Popen[bytes], until: float) -> bytes:
        if process.stdout is None:
            raise AssertionError("started with pipes")
        pieces = [self._rest]
        while b"\n" not in pieces[-1]:
            left = until - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise ReportError(f"{self._path.parent.name}: its reader did not end in time; cut the report")
            data = os.read(process.stdout.fileno(), 1 << 20)
            if not data:
                raise MappingError(f"{self._path}: its process ended; look at the code")
            pieces.append(data)
        line, _, self._rest = b"".join(pieces).partition(b"\n")
        return line

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._rest = b""
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(Path(worker.__file__)), str(self._path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**_ENVIRONMENT, "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"},
                cwd=tempfile.gettempdir(),
                start_new_session=True,
            )
            atexit.register(self.stop)
        return self._process

    def stop(self) -> None:
        """End the process and whatever it forked."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@cache
def _worker(path: Path) -> _Worker:
    return _Worker(path)
