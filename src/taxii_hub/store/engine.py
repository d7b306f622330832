"""The embedded MongoDB: a private mongod on a Unix socket, run by the hub for demos, tests and small sites.

A one-node replica set whose only member is the socket, so that transactions, snapshots and change
streams work as on a large one. Whoever runs it holds the lock of the data folder; others join.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from taxii_hub.errors import StoreError
from taxii_hub.settings import Settings
from taxii_hub.store.engine_files import DataLock, Holder, find_mongod, socket_for, uri_of
from taxii_hub.store.engine_process import Process

SET_NAME: Final = "hub"
_UP: Final = 120.0  # recovery of a large database after a crash takes its time
_PATIENCE: Final = 8.0  # per step of a stop
_PARAMETERS: Final = (
    "transactionLifetimeLimitSeconds=5",  # a killed committer's clock document comes free soon
    "internalQueryMaxScansToExplode=1000",
    "diagnosticDataCollectionEnabled=false",  # up to 200 MB that nobody reads here
)
_EVICTION: Final = "eviction_dirty_target=50,eviction_dirty_trigger=75,eviction_updates_target=40,eviction_updates_trigger=60"
_OPTIONS: Final = (
    *("--replSet", SET_NAME, "--oplogSize", "512", "--wiredTigerCacheSizeGB", "0.25"),
    *("--networkMessageCompressors", "disabled", "--slowms", "1000"),
    # By default a twentieth of so small a cache may wait to be written, which one large commit fills: half of the
    # processor time of publishing went into writing the same pages again and again.
    *("--wiredTigerEngineConfigString", _EVICTION),
)


class EmbeddedEngine:
    """The MongoDB in ``data_dir/db``. ``start``, ``wait`` and ``stop`` may be repeated."""

    __slots__ = ("_lock", "_process", "_program", "data_dir", "socket")

    def __init__(self, data_dir: Path, program: Path | None = None) -> None:
        self.data_dir = data_dir
        self.socket = ""
        self._program = program
        self._lock = DataLock(data_dir)
        self._process: Process | None = None

    @property
    def uri(self) -> str:
        """For everybody on this machine who may enter the socket's folder; known after ``start``."""
        return uri_of(self.socket)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.alive else None

    @property
    def log(self) -> Path:
        """The log of mongod itself; off the data disk, so that it never fills it."""
        return Path(self.socket).with_suffix(".log")

    async def start(self, patience: float = 0.5) -> str:
        """Start it, or take over one that was left behind; its URI when it is primary.

        Waits ``patience`` seconds for another process to give the data folder back. Raises
        StoreError: no program, another process runs it (named with its pid), or why mongod ended.
        """
        until = time.monotonic() + patience
        while not self._take():
            if time.monotonic() > until:
                raise self._taken()
            await asyncio.sleep(0.05)
        return await self._run()

    async def start_or_join(self) -> str:
        """Like ``start``, but where another process runs it, become one of its users."""
        until = time.monotonic() + _UP
        while not self._take():
            if time.monotonic() > until:
                raise self._taken()
            if (holder := self._lock.join()) is not None:
                with suppress(PyMongoError, OSError):
                    await _hello_of_primary(holder.socket, seconds=2)
                    self.socket = holder.socket
                    return self.uri
                self._lock.release()
            await asyncio.sleep(0.05)
        return await self._run()

    async def wait(self) -> None:
        """Until it dies (a full disk makes it abort)."""
        if self._process is not None:
            await self._process.wait()

    def last_words(self) -> str:
        """Why it died."""
        return self._process.end_in_words() if self._process else ""

    async def stop(self) -> None:
        """End it cleanly and give the data folder back; harder means only if it does not answer.

        One that was joined goes on.
        """
        if self._process is not None:
            await _end(self._process, self.socket)
            self._process = None
        self._lock.release()

    async def stop_when_unused(self) -> None:
        """Stop after the last of those who joined has left."""
        while self.pid and not self._lock.keep_users_out():  # noqa: ASYNC110 - the state is other processes'
            await asyncio.sleep(0.05)
        await self.stop()

    def _take(self) -> bool:
        if self._lock.held:
            return True
        make_data_folder(self.data_dir)
        socket = str(socket_for(self.data_dir))
        if not self._lock.take(Holder(os.getpid(), _own_name(), socket)):
            return False
        self.socket = socket
        return True

    def _taken(self) -> StoreError:
        holder = self._lock.holder()
        who = f"process {holder.pid} ({holder.command})" if holder else "another process"
        return StoreError(
            f"{self.data_dir}: {who} runs the embedded MongoDB of this data folder. Stop it first; for"
            " several hubs on one database set TAXII_HUB_MONGODB_URI, else give each its TAXII_HUB_DATA_DIR"
        )

    async def _run(self) -> str:
        process = await self._left_over()
        if process is None:
            process = Process.spawn(self._command(self._program or find_mongod()), self.log)
        self._process = process
        await _primary(self.socket, process)
        return self.uri

    def _command(self, program: Path) -> list[str]:
        parameters = [word for p in _PARAMETERS for word in ("--setParameter", p)]
        database = str(self.data_dir.resolve() / "db")
        return [str(program), "--dbpath", database, "--bind_ip", self.socket, *_OPTIONS, *parameters]

    async def _left_over(self) -> Process | None:
        """The mongod of a hub that was killed, if it goes on well; otherwise it is ended."""
        pid = await _owner_in_time(self.data_dir / "db" / "mongod.lock")
        if pid is None:
            return None
        try:
            process = Process(pid)
        except ProcessLookupError:
            return None
        # Its death signal may be on its way: only one that is still there a little later is kept.
        if not await process.wait(0.3) and os.fsencode(self.socket) in _arguments(pid):
            with suppress(PyMongoError):
                async with _client(self.socket) as client:
                    if (await client.admin.command("hello"))["isWritablePrimary"]:
                        return process
        await _end(process, self.socket)
        return None


@asynccontextmanager
async def engine_for(settings: Settings) -> AsyncIterator[str]:
    """The URI of the MongoDB to work with, for as long as the block lasts.

    The configured one; else the embedded one that a hub on this machine runs; else one that is
    started for the duration (and stays until others that joined it are done).
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri
        return
    engine = EmbeddedEngine(settings.data_dir)
    try:
        yield await engine.start_or_join()
    finally:
        await engine.stop_when_unused()


def make_data_folder(data_dir: Path) -> None:
    """Make ``data_dir`` and its ``db``; raises StoreError when they cannot be written."""
    try:
        (data_dir / "db").mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"{data_dir}: the data folder cannot be made ({error.strerror}); make it for the hub's user, or"
            " choose another one with TAXII_HUB_DATA_DIR"
        ) from None


def _own_name() -> str:
    program = Path(sys.argv[0]).name
    return " ".join(["taxii-hub" if program == "__main__.py" else program, *sys.argv[1:2]])


async def _owner_in_time(lock_file: Path) -> int | None:
    """The process that runs on the files; None when there is none.

    It takes the lock first and writes its number last, and takes the number away before the lock.
    """
    until = time.monotonic() + 2 * _PATIENCE
    while _locked(lock_file) and time.monotonic() < until:
        pid = _owner_of(lock_file)
        if pid is not None:
            return pid
        await asyncio.sleep(0.02)
    return None


def _locked(lock_file: Path) -> bool:
    try:
        with lock_file.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _owner_of(lock_file: Path) -> int | None:
    """The process that has this very lock file open (the file may have been moved with its folder)."""
    try:
        pid = int(lock_file.read_text())
        wanted = lock_file.stat()
        handles = list(Path(f"/proc/{pid}/fd").iterdir())
    except (OSError, ValueError):
        return None
    for handle in handles:
        with suppress(OSError):  # a running process opens and closes files meanwhile
            if os.path.samestat(handle.stat(), wanted):
                return pid
    return None


def _arguments(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _client(socket: str) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(uri_of(socket), serverSelectionTimeoutMS=5000, appname="taxii-hub engine")


async def _hello_of_primary(socket: str, seconds: float) -> None:
    """Returns once it is primary; raises OSError (TimeoutError too) or PyMongoError otherwise."""
    # A bare connection first: the driver would wait half a second between its attempts.
    _, writer = await asyncio.open_unix_connection(socket)
    writer.close()
    async with asyncio.timeout(seconds), _client(socket) as client:
        await _configured(client, socket)
        while not (await client.admin.command("hello"))["isWritablePrimary"]:  # noqa: ASYNC110 - its state
            await asyncio.sleep(0.01)


async def _primary(socket: str, process: Process) -> None:
    """Wait until it answers and is primary."""
    until = time.monotonic() + _UP
    while process.alive:
        try:
            await _hello_of_primary(socket, seconds=10)
        except (OSError, PyMongoError):
            if time.monotonic() > until:
                process.send(signal.SIGKILL)
            await asyncio.sleep(0.01)
        else:
            return
    raise StoreError(f"the embedded MongoDB ended: {process.end_in_words()}")


async def _configured(client: AsyncMongoClient[dict[str, Any]], socket: str) -> None:
    member = {"_id": 0, "host": socket}
    config = await client.local["system.replset"].find_one()
    if config is None:
        with suppress(OperationFailure):  # it was, a moment ago
            await client.admin.command("replSetInitiate", {"_id": SET_NAME, "members": [member]})
    elif config["members"] != [{**config["members"][0], "host": socket}]:
        # The data folder or the socket's folder moved: no member finds itself in the old configuration.
        config["members"] = [{**config["members"][0], "host": socket}]
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)


async def _end(process: Process, socket: str) -> None:
    """The shutdown command, then TERM, then KILL."""
    if not process.alive:
        return
    with suppress(PyMongoError, OSError):
        async with asyncio.timeout(_PATIENCE):
            await _ask_to_shut_down(socket)
            await process.wait()
            return
    for number in (signal.SIGTERM, signal.SIGKILL):
        process.send(number)
        if await process.wait(_PATIENCE):
            return


async def _ask_to_shut_down(socket: str) -> None:
    """Raises OSError or PyMongoError when nobody listens."""
    _, writer = await asyncio.open_unix_connection(socket)
    writer.close()
    async with _client(socket) as client:
        with suppress(AutoReconnect):  # it closes the connection instead of answering
            await client.admin.command("shutdown", force=True)
