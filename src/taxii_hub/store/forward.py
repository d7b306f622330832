"""Handing commits to the lease's holder on the same host, and taking them in from others."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

from taxii_hub.errors import UnavailableError
from taxii_hub.model import Status
from taxii_hub.store.base import ChangeResult, SettleResult
from taxii_hub.store.engine_files import runtime_folder
from taxii_hub.store.gaining_base import AgainResult
from taxii_hub.store.statuses import status_document, status_of
from taxii_hub.store.wire import Job, frame, job_document, job_of, read_frame

TIMEOUT = 4.0
"""Seconds after which a forwarded commit is looked for anew (it is idempotent)."""

Result = Status | ChangeResult | SettleResult | AgainResult


class HolderGoneError(Exception):
    """The holder's socket refuses or ended: its process is dead or has let go."""


class HolderBusyError(Exception):
    """The holder lives, but did not answer in time or is no holder any more."""


def private_socket() -> str:
    """A fresh path in a folder that only this user may enter, short enough for a Unix socket."""
    return str(runtime_folder() / f"c{os.urandom(6).hex()}.sock")


class Receiver:
    """Takes commits in from other processes of this host."""

    def __init__(self, path: str, commit: Callable[[Job], Awaitable[Result]]) -> None:
        self._path = path
        self._commit = commit
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; the socket is readable by this user only."""
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        Path(self._path).chmod(0o600)

    async def stop(self) -> None:
        """Answer what was taken in, then close."""
        if self._server is None:
            return
        self._server.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=TIMEOUT)
        for writer in list(self._writers):
            writer.close()
        with contextlib.suppress(FileNotFoundError):
            Path(self._path).unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        while (document := await read_frame(reader)) is not None:
            task = asyncio.create_task(self._answer(document, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._writers.discard(writer)
        writer.close()

    async def _answer(self, document: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        answer: dict[str, Any] = {"n": document["n"]}
        try:
            result = await self._commit(job_of(document["job"]))
        except HolderBusyError:
            answer["busy"] = True
        except UnavailableError as error:
            answer.update(unavailable=str(error), retry_after=error.retry_after)
        else:
            answer["result"] = result if isinstance(result, str) else status_document(result)
        with contextlib.suppress(ConnectionError):
            writer.write(frame(answer))
            await writer.drain()


class Sender:
    """One connection to a holder; many commits may be on their way at once."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._count = 0
        self._opening = asyncio.Lock()

    async def send(self, job: Job) -> Result:
        """The holder's result. Raises HolderGoneError, HolderBusyError or UnavailableError."""
        await self._open()
        assert self._writer is not None  # noqa: S101 - set by _open
        self._count += 1
        number = self._count
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(frame({"n": number, "job": job_document(job)}))
            await self._writer.drain()
            document = await asyncio.wait_for(answer, TIMEOUT)
        except ConnectionError:
            raise HolderGoneError from None
        except TimeoutError:
            raise HolderBusyError from None
        finally:
            self._waiting.pop(number, None)
        return _result(document)

    async def _open(self) -> None:
        async with self._opening:
            if self._writer is not None and not self._writer.is_closing():
                return
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._address)
            except OSError:
                raise HolderGoneError from None
            self._listener = asyncio.create_task(self._listen(reader, self._writer))

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (document := await read_frame(reader)) is not None:
            waiting = self._waiting.get(document["n"])
            if waiting is not None and not waiting.done():
                waiting.set_result(document)
        writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())

    async def close(self) -> None:
        """End the connection; what is on its way counts as not answered."""
        if self._writer is not None:
            self._writer.close()
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener


def _result(document: Mapping[str, Any]) -> Result:
    if document.get("busy"):
        raise HolderBusyError
    if "unavailable" in document:
        raise UnavailableError(document["unavailable"], document["retry_after"])
    result = document["result"]
    return cast("ChangeResult", result) if isinstance(result, str) else status_of(result)
