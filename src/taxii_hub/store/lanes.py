"""Reads of the feed over the driver's connections, past the rest of the driver.

A find through the driver's own cursor costs five times the CPU that it needs (411 µs against 81 in the same
minute): two tasks and a timer to wait for an answer, one more of each to send, pool, session and server selection
for each command. Here a connection is taken out of the driver's pool and kept: a *lane*, which carries one
command at a time and waits for its answer with one future.

The driver goes on doing all that is difficult. It connects, secures, authenticates and watches the servers,
chooses the primary, and is told of each error as of its own (``_ClientCheckout``). What is left to be done
here as the driver does it: one more try of what it calls retryable; no use of a connection of a pool that was
cleared since; giving up what a frozen server owes when the driver interrupts it; and a connection on which
something may still arrive (its reader was cancelled, or waited too long) is closed.

Left out, because reads of the primary with a read concern of their own have no use for them: sessions,
cluster times, compression of what is sent, and what listeners are told of the end of a command.

Parts of this are not promised by the driver. The lock file pins it, ``tests/unit/store/test_lanes.py`` says
what is used of it, and nothing outside this file is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from struct import Struct
from types import TracebackType
from typing import Any, Final, Protocol, Self, cast

import bson
from pymongo import ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.asynchronous.pool import AsyncConnection
from pymongo.asynchronous.server import Server
from pymongo.errors import (
    AutoReconnect,
    ConnectionFailure,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ProtocolError,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.helpers_shared import _RETRYABLE_ERROR_CODES, _check_command_response
from pymongo.read_preferences import _ServerMode

MOST: Final = 50
"""Lanes of one process, and half of the driver's connections at the most: commits need some too."""
IDLE_SECONDS: Final = 10.0
"""After which a lane that is not needed goes back to the pool."""
WATCH_SECONDS: Final = 0.5
"""Between two looks at whether the driver has given up the server; as often as it looks itself."""

_HEADER: Final = Struct("<iiiiIB")
_OP_MSG: Final = 2013
_NO_ANSWER: Final = 2  # the flag moreToCome: the server sends none
_FIRST_BYTES: Final = 64 * 1024
_LARGEST: Final = 48_000_000  # of one message, as the protocol has it
_ANSWERED: Final = (OperationFailure, NotPrimaryError)

Document = dict[str, Any]


class _Checkout(Protocol):
    """A connection that the driver has lent; its end tells the driver what went wrong."""

    async def __aenter__(self) -> tuple[AsyncConnection, _ServerMode]: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Lane(asyncio.BufferedProtocol):
    """One connection to one server, one command at a time."""

    def __init__(
        self, checkout: _Checkout, server: Server, lent: tuple[AsyncConnection, _ServerMode]
    ) -> None:
        self._checkout, self._server = checkout, server
        self._connection, preference = lent
        self.address = (self._connection.address, self._connection.server_connection_id)
        # to be sent where the driver would: to a server that was named in the URI, whatever it is
        self.preference = preference.document if preference.mode else None
        self._driver = self._connection.conn.get_conn
        self._transport = self._driver.transport
        self._loop = asyncio.get_running_loop()
        self._first = self._buffer = memoryview(bytearray(_FIRST_BYTES))
        self._got = self._size = 0
        self._answer: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.used = self._loop.time()
        self._transport.set_protocol(self)
        self._transport.resume_reading()

    def fit(self, server: Server, idle: float | None) -> bool:
        """Whether it leads to that server, and the driver would use it. ``idle``: seconds it may have lain."""
        connection = self._connection
        return (
            server is self._server
            and not self._transport.is_closing()
            and not server.pool.stale_generation(connection.generation, connection.service_id)
            and (idle is None or self._loop.time() - self.used < idle)
        )

    def send(self, message: bytes) -> None:
        """Send what is not answered."""
        self._transport.write(message)

    async def ask(self, message: bytes, number: int, seconds: float | None) -> Document:
        """The answer to one command. Raises what the driver would."""
        if self._transport.is_closing():
            raise self._broken("connection closed")
        self._answer = self._loop.create_future()
        self._transport.write(message)
        until = None if seconds is None else self._loop.time() + seconds
        self._watch = self._loop.call_later(WATCH_SECONDS, self._look, until)
        try:
            await self._answer
        finally:
            self._watch.cancel()
        size, _, answered, operation, flags, kind = _HEADER.unpack_from(self._buffer)
        if (answered, operation, flags, kind) != (number, _OP_MSG, 0, 0):
            raise ProtocolError(f"Got a message ({answered}, {operation}, {flags}) to command {number}")
        reply: Document = bson.decode(self._buffer[_HEADER.size : size])
        self._answer = None
        self._got, self._size, self._buffer = 0, 0, self._first
        _check_command_response(reply, self._connection.max_wire_version)
        self.used = self._loop.time()
        return reply

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            await self.leave(error)

    async def leave(self, error: BaseException | None = None, *, closed: bool = False) -> None:
        """Go back to the driver's pool; be closed where something may still come over it, or if ``closed``."""
        self._transport.set_protocol(self._driver)
        try:
            if closed or not (error is None or isinstance(error, _ANSWERED)):
                await self._connection.close_conn(None)
        finally:
            trace = None if error is None else error.__traceback__
            await self._checkout.__aexit__(None if error is None else type(error), error, trace)

    def _look(self, until: float | None) -> None:
        if self._connection.cancel_context.cancelled:
            self._fail(self._broken("the driver has given up this server"))
        elif until is not None and self._loop.time() >= until:
            self._fail(NetworkTimeout(f"{self.address[0]}: timed out"))
        else:
            self._watch = self._loop.call_later(WATCH_SECONDS, self._look, until)

    def _broken(self, why: str) -> AutoReconnect:
        return AutoReconnect(f"{self.address[0]}: {why}")

    def _fail(self, error: PyMongoError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where asyncio puts what arrives."""
        return self._buffer[self._got :]

    def buffer_updated(self, nbytes: int) -> None:
        """So much more has arrived."""
        self._got += nbytes
        if not self._size:
            if self._got < _HEADER.size:
                return
            self._size = size = int.from_bytes(self._buffer[:4], "little", signed=True)
            if not _HEADER.size < size <= _LARGEST:
                self._transport.abort()
                return
            if size >= len(self._buffer):  # never full: uvloop takes a full buffer for an error
                whole = memoryview(bytearray(size + 1))
                whole[: self._got] = self._buffer[: self._got]
                self._buffer = whole
        if self._got > self._size or self._answer is None:
            self._transport.abort()  # more than was asked for
        elif self._got == self._size and not self._answer.done():
            self._answer.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told, and the driver."""
        self._fail(self._broken(str(exc or "connection closed")))
        self._driver.connection_lost(exc)


class Lanes:
    """The lanes of one database. To be closed before its client is."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._client = client = database.client
        self._database = database.name
        pool = client.options.pool_options
        self._seconds = client.options.timeout or pool.socket_timeout
        self._idle = pool.max_idle_time_seconds
        self._room = asyncio.Semaphore(max(1, int(min(MOST, pool.max_pool_size / 2))))
        self._free: list[Lane] = []
        self._known: tuple[object, Server] | None = None
        self._number = 0
        self._keeps = pool.max_pool_size > 1  # with a single one there would be none for commits

    async def ask(self, command: Mapping[str, Any], *, again: bool = True) -> Document:
        """The answer to a reading command, asked a second time where the driver would (``again``).

        Raises what the driver raises: OperationFailure, AutoReconnect, ServerSelectionTimeoutError …
        """
        try:
            return await self._once(command)
        except ServerSelectionTimeoutError:
            raise
        except (ConnectionFailure, OperationFailure) as error:
            if not (again and self._client.options.retry_reads and _worth_another(error)):
                raise
            first = error
        try:
            return await self._once(command)
        except ServerSelectionTimeoutError:
            raise first from None

    def tell(self, command: Mapping[str, Any]) -> None:
        """Send a command that nobody waits for, if a lane is free."""
        if self._free:
            lane = self._free[-1]
            lane.send(self._message(command, lane, _NO_ANSWER))

    async def close(self) -> None:
        """Give all lanes back; those in use go when they are ready."""
        self._keeps = False
        while self._free:
            await self._free.pop().leave()

    async def _once(self, command: Mapping[str, Any]) -> Document:
        async with self._room:
            async with await self._take() as lane:
                message = self._message(command, lane)
                reply = await lane.ask(message, self._number, self._seconds)
            self._free.append(lane)
            oldest = self._free[0]
            if not self._keeps or lane.used - oldest.used > IDLE_SECONDS:
                self._free.remove(oldest)
                await oldest.leave()
        return reply

    async def _take(self) -> Lane:
        server = await self._primary()
        while self._free:
            lane = self._free.pop()
            if lane.fit(server, self._idle):
                return lane
            await lane.leave(closed=True)
        lending = self._client._conn_from_server  # noqa: SLF001 - see the head of this file
        checkout = cast("_Checkout", lending(ReadPreference.PRIMARY, server, None))
        return Lane(checkout, server, await checkout.__aenter__())

    async def _primary(self) -> Server:
        """The server to read from; asked for anew whenever the driver has heard of one of them."""
        heard: object = self._client.topology_description
        if self._known is None or self._known[0] is not heard:
            choosing = self._client._select_server  # noqa: SLF001 - see the head of this file
            server = await choosing(ReadPreference.PRIMARY, None, "find")
            self._known = heard, server
        return self._known[1]

    def _message(self, command: Mapping[str, Any], lane: Lane, flags: int = 0) -> bytes:
        self._number = number = self._number % 0x7FFFFFFF + 1
        whole = {**command, "$db": self._database}
        if lane.preference is not None:
            whole["$readPreference"] = lane.preference
        body = bson.encode(whole)
        listeners = self._client._event_listeners  # noqa: SLF001 - see the head of this file
        if listeners is not None and listeners.enabled_for_commands:
            listeners.publish_command_start(whole, self._database, number, *lane.address)
        return _HEADER.pack(_HEADER.size + len(body), number, 0, _OP_MSG, flags, 0) + body


def _worth_another(error: PyMongoError) -> bool:
    return not isinstance(error, OperationFailure) or error.code in _RETRYABLE_ERROR_CODES
