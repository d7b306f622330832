"""Content coding of answers: one gzip member, for those who ask for it."""

from __future__ import annotations

import asyncio
import zlib
from functools import lru_cache

SMALLEST = 1024
THREAD_FROM = 64 * 1024
_LEVEL = 1
_GZIP_WINDOW = 31


@lru_cache(maxsize=256)
def wants_gzip(accept_encoding: str | None) -> bool:
    """Whether ``Accept-Encoding`` allows gzip (RFC 9110 section 12.5.3); an unreadable weight is a no.

    gzip named explicitly decides, else ``*``; a weight of 0 forbids.
    """
    if not accept_encoding:
        return False
    weights: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.partition(";")
        weights[coding.strip()] = _allowed(parameters.strip())
    for name in ("gzip", "x-gzip", "*"):
        if name in weights:
            return weights[name]
    return False


def _allowed(parameters: str) -> bool:
    if not parameters:
        return True
    name, _, value = parameters.partition("=")
    try:
        return name.strip() == "q" and 0 < float(value) <= 1
    except ValueError:
        return False


def gzip_bytes(body: bytes) -> bytes:
    """One gzip member; the fastest level, since a page is compressed once and read once."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(body) + packer.flush()


async def coded(body: bytes, accept_encoding: str | None) -> tuple[bytes, str | None]:
    """The body as it is sent, and its Content-Encoding; a large one is packed beside the event loop."""
    if len(body) <= SMALLEST or not wants_gzip(accept_encoding):
        return body, None
    if len(body) > THREAD_FROM:
        return await asyncio.to_thread(gzip_bytes, body), "gzip"
    return gzip_bytes(body), "gzip"
