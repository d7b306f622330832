"""uvicorn's HTTP protocol with the limits it has not: on the head of a request, in size and in time.

What is no HTTP is answered with a TAXII error resource like everything else, and nobody works for a client
that has hung up. The overridden methods are httptools' callbacks, ``send_400_response`` and
``_start_asgi_task``, which uvicorn does not promise to keep; the lock file pins its version and tests hold
these to their work.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import TAXII
from taxii_hub.web.visit import GONE

_log = structlog.get_logger("taxii_hub.web")

LARGEST_HEAD = 128 * 1024
"""Bytes of request line and headers; a thousand ids in one ``match[id]`` take some 50,000.

As much may come in a body without being of it: extensions of one chunk, or all trailers.
"""
HEAD_SECONDS = 30.0
"""For a request's head to arrive, and for the rest of a body that was refused."""
SENDING_SECONDS, SENT = 60.0, 256 * 1024
"""A client that does not take its answers loses its connection: it must take ``SENT`` bytes in so many seconds."""
UNSENT = 256 * 1024 * 1024
"""Bytes of answers that wait for clients in one process; beyond, those that wait longest lose theirs."""
_MUCH = 1024 * 1024
_JOINED = 64 * 1024
_READING = frozenset({"GET", "HEAD"})
_OF_THE_CONNECTION = frozenset({b"connection", b"transfer-encoding"})


class TaxiiProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._head = 0
        self._in_head = True
        self._progress = False
        self._running: tuple[RequestResponseCycle, asyncio.Task[None]] | None = None
        self._unsent = 0
        self._sending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._all_sent()
        super().connection_lost(exc)
        self._give_up()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._sending = self.loop.call_later(SENDING_SECONDS, self._has_it_taken)
        if self._unsent > _MUCH:
            self._make_room()

    def resume_writing(self) -> None:
        self._all_sent()
        super().resume_writing()

    def _all_sent(self) -> None:
        self._unsent = 0
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _has_it_taken(self) -> None:
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if before - self._unsent < SENT:
            self.cut("it does not take its answer")
        else:
            self._sending = self.loop.call_later(SENDING_SECONDS, self._has_it_taken)

    def _make_room(self) -> None:
        """Those first that have taken nothing for longest."""
        waiting = [each for each in self.connections if isinstance(each, TaxiiProtocol) and each.due()]
        unsent = {each: each.transport.get_write_buffer_size() for each in waiting}
        total = sum(unsent.values())
        for each in sorted(waiting, key=TaxiiProtocol.due):
            if total <= UNSENT:
                break
            total -= unsent[each]
            each.cut("too many answers wait for clients")

    def due(self) -> float:
        """When it is looked at again whether the client takes its answer; 0 where nothing waits."""
        return 0.0 if self._sending is None else self._sending.when()

    def cut(self, why: str) -> None:
        """End the connection, whatever was not sent."""
        _log.warning("cut off", why=why)
        self._all_sent()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._progress = False
        super().data_received(data)
        if self._progress:
            self._head = 0
        elif not self.transport.is_closing():
            # httptools keeps what is not complete yet, however much that is
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.send_400_response("")
        idle = self.cycle is None or self.cycle.response_complete
        # a head that came at once, as nearly all do, needs no timer
        if self._deadline is None and (self._in_head or idle) and not self.transport.is_closing():
            self._arm()

    def on_message_begin(self) -> None:
        self._in_head = True
        if self._deadline is not None:
            self._arm()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # after the body come trailers: as headers they would pass by whoever checked those, a proxy first
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._progress = True
        self._disarm()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body:  # refused before its body was there: the rest is thrown away
            self._arm()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, and close."""
        status, title = HTTPStatus.BAD_REQUEST, "The request is no HTTP that the hub understands"
        if self._head > LARGEST_HEAD:
            status, title = (
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request line and headers are too long",
            )
        body = resources.error(title, status)
        told = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            *(f"{name.decode()}: {value.decode()}" for name, value in self.server_state.default_headers),
            f"content-type: {TAXII}",
            f"content-length: {len(body)}",
            "cache-control: no-store",
            "connection: close",
        ]
        self.transport.write("\r\n".join(told).encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        task = self.loop.create_task(cycle.run_asgi(cast("Any", _Answering(app, cycle))))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        self._running = cycle, task

    def _give_up(self) -> None:
        """Stop reading for who is not there any more; what changes something is brought to its end."""
        if self._running is None:
            return
        cycle, task = self._running
        if cycle.scope["method"] in _READING and not task.done():
            cycle.disconnected = True
            cast("dict[str, object]", cycle.scope)[GONE] = True
            task.cancel()

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@dataclass(slots=True)
class _Answering:
    """The application for one request. uvicorn checks and spells each header of each answer anew, which is the
    dearest part of a small one; here the same header is looked at once."""

    app: ASGIApp
    cycle: RequestResponseCycle
    head: bytes = b""
    """Of an answer whose body comes next: both are one call of the kernel where that is short."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, self.send)

    async def send(self, message: Message) -> None:
        """As the cycle's own; what is more than a start with a length, and a short body, is left to that."""
        cycle = self.cycle
        if self.head and not cycle.disconnected:
            head, self.head = self.head, b""
            if self._finish(head, message):
                return
            cycle.transport.write(head)
        elif not cycle.response_started and not cycle.disconnected and self._start(message):
            return
        await cycle.send(cast("Any", message))

    def _finish(self, head: bytes, message: Message) -> bool:
        cycle, body = self.cycle, message.get("body", b"")
        whole = not message.get("more_body") and len(body) == cycle.expected_content_length
        if not whole or len(body) > _JOINED or cycle.scope["method"] == "HEAD":
            return False
        cycle.transport.write(head + body)
        cycle.expected_content_length = 0
        cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _start(self, message: Message) -> bool:
        cycle = self.cycle
        if message["type"] != "http.response.start" or cycle.flow.write_paused or not cycle.keep_alive:
            return False
        length: bytes | None = None
        head = [STATUS_LINE[message["status"]]]
        for name, value in (*cycle.default_headers, *message["headers"]):
            if name == b"content-length":
                length = value
            elif name in _OF_THE_CONNECTION:
                return False
            head.append(_line(name, value))
        if length is None:
            return False
        head.append(b"\r\n")
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        cycle.chunked_encoding = False
        cycle.expected_content_length = int(length)
        self.head = b"".join(head)
        return True


@lru_cache(maxsize=1024)
def _line(name: bytes, value: bytes) -> bytes:
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError("a header that cannot be sent")
    return b"%b: %b\r\n" % (name.lower(), value)
