"""Content coding of answers: gzip (always one member) or zstd, for those who ask for it.

Packing a page takes about a quarter of the time that making it takes, so a packed body is kept and
found again by its bytes: what was packed for one reader is sent to another only where both were to
get the very same bytes, whoever they are. Levels and sizes are measured in docs/performance.md.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache, lru_cache

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from isal import isal_zlib

SMALLEST = 1024
"""Bytes from which a coding saves more than its header costs."""
THREAD_FROM = 128 * 1024
"""Bytes from which packing would hold up the event loop for longer than a thread takes to answer."""
KEPT_BYTES = 32 * 1024 * 1024
"""Of packed bodies in one process: about 130 pages of 1000 objects."""

_GZIP_LEVEL, _ZSTD_LEVEL = 2, 1
_GZIP_WINDOW = 31
_WEIGHT = re.compile(r"q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True, slots=True)
class Choice:
    """The coding that a client likes best (None: none), and whether a body may go without."""

    coding: str | None
    identity: bool = True


@lru_cache(maxsize=256)
def chosen(accept_encoding: str | None) -> Choice:
    """What ``Accept-Encoding`` asks for (RFC 9110 section 12.5.3); an unreadable weight is a no.

    Of what weighs the same zstd is taken, which packs better in the same time, but only where it is
    named: a client that says ``*`` reads gzip, and zstd perhaps. Identity is preferred only by a weight
    of its own that is greater; forbidden where nothing else is left, it is sent all the same.
    """
    if not accept_encoding:
        return Choice(None)
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.partition(";")
        weights[coding.strip()] = _weight(parameters.strip())
    rest = weights.get("*", 0.0)
    offered = {
        "zstd": weights.get("zstd", 0.0),
        "gzip": weights.get("gzip", weights.get("x-gzip", rest)),
    }
    best = max(offered, key=offered.__getitem__)
    identity = weights.get("identity", weights.get("*", 1.0)) > 0
    if not offered[best] or weights.get("identity", 0.0) > offered[best]:
        return Choice(None)
    return Choice(best, identity)


def _weight(parameters: str) -> float:
    if not parameters:
        return 1.0
    read = _WEIGHT.fullmatch(parameters)
    return float(read[1]) if read else 0.0


def pack(body: bytes, coding: str) -> bytes:
    """``body`` in that coding."""
    if coding == "gzip":
        return isal_zlib.compress(body, _GZIP_LEVEL, _GZIP_WINDOW)
    # One compressor must not be used by two threads.
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)


@dataclass(slots=True)
class Shelf:
    """Packed bodies by what they are of, the longest unused given up first.

    The key of a body is its GMAC under a secret of this process: a hash that who does not see it
    cannot make collide, at a twelfth of the time of SHA-256. It never leaves the process, which is why
    one nonce may serve for all.
    """

    most: int = KEPT_BYTES
    size: int = 0
    _packed: OrderedDict[tuple[str, bytes], bytes] = field(default_factory=OrderedDict)
    _hash: AESGCM = field(default_factory=lambda: AESGCM(secrets.token_bytes(16)))

    def key(self, body: bytes, coding: str) -> tuple[str, bytes]:
        """Under what ``body`` in that coding is kept."""
        return coding, self._hash.encrypt(bytes(12), b"", body)

    def get(self, key: tuple[str, bytes]) -> bytes | None:
        """What is kept, if it is."""
        packed = self._packed.get(key)
        if packed is not None:
            self._packed.move_to_end(key)
        return packed

    def keep(self, key: tuple[str, bytes], packed: bytes) -> None:
        """Keep it, and give up others for it."""
        if len(packed) > self.most // 4 or key in self._packed:  # one alone must not drive out all others
            return
        self._packed[key] = packed
        self.size += len(packed)
        while self.size > self.most:
            self.size -= len(self._packed.popitem(last=False)[1])


@cache
def _shelf() -> Shelf:
    return Shelf()


async def coded(body: bytes, accept_encoding: str | None) -> tuple[bytes, str | None]:
    """The body as it is sent, and its Content-Encoding; a large one is packed beside the event loop."""
    choice = chosen(accept_encoding)
    coding = choice.coding
    if coding is None or (len(body) <= SMALLEST and choice.identity):
        return body, None
    shelf = _shelf()
    key = shelf.key(body, coding)
    packed = shelf.get(key)
    if packed is None:
        large = len(body) > THREAD_FROM
        packed = await asyncio.to_thread(pack, body, coding) if large else pack(body, coding)
        shelf.keep(key, packed)
    return packed, coding
