"""Reading a request's body: streamed, cut at the API root's limit, bounded in time and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect

from taxii_hub.errors import (
    BadRequestError,
    SlowBodyError,
    TooLargeError,
    UnavailableError,
    UnsupportedMediaError,
)
from taxii_hub.web.visit import Visit

SECONDS = 60.0
SLOWEST = 32 * 1024
"""Bytes a second that buy more time: a large body over a thin line is no attack, a trickle is."""
MOST_HELD = 128 * 1024 * 1024
"""Bytes of bodies that one process holds at a time, half-open ones included."""

Take = Callable[[int], None]


@dataclass(slots=True)
class Uploads:
    """The bodies that this process holds at the moment."""

    held: int = 0

    @contextmanager
    def room(self) -> Iterator[Take]:
        """Room for one body, until it was dealt with; it grows by calling what is given.

        That raises UnavailableError where other bodies fill the process; alone, a body may always grow.
        """
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self.held > mine and self.held + size > MOST_HELD:
                raise UnavailableError("too much is being published at this moment; send it again")
            mine += size
            self.held += size

        try:
            yield take
        finally:
            self.held -= mine


async def read_body(visit: Visit, limit: int, take: Take, seconds: float = SECONDS) -> bytes:
    """The whole body, at most ``limit`` bytes of it.

    Raises UnsupportedMediaError for a coded body (decoding one is how a small request becomes a
    large one), TooLargeError before reading where Content-Length tells, else as soon as the limit
    is passed, UnavailableError where ``take`` finds no room, SlowBodyError after ``seconds`` and a second more for each ``SLOWEST`` bytes that came.
    """
    coding = (visit.header(b"content-encoding") or "").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaError("Content-Encoding: send the body as it is, this hub decodes none")
    _check_length(visit.header(b"content-length"), limit)
    started = asyncio.get_running_loop().time()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout_at(started + seconds) as deadline:
            async for chunk in _pieces(visit):
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                take(len(chunk))
                chunks.append(chunk)
                deadline.reschedule(started + seconds + size / SLOWEST)
    except TimeoutError:
        raise SlowBodyError(f"the body came too slowly: {size} bytes until now; send it again") from None
    return b"".join(chunks)


async def _pieces(visit: Visit) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises ClientDisconnect."""
    more = True
    while more:
        message = await visit.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        yield message.get("body", b"")


def _check_length(told: str | None, limit: int) -> None:
    if told is None:
        return
    if not (told.isascii() and told.isdigit() and len(told) < 20):
        raise BadRequestError("Content-Length: a number of bytes is wanted")
    if int(told) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"the body is larger than this API root's max_content_length of {limit} bytes; send fewer objects"
    )
