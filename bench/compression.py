"""What packing a page costs, and what it saves: libraries, levels, parts of pages, and how to know a page again.

    python -m bench.compression

CPU time of one process, medians over 20 pages of the invented corpus. Writes bench/measured/compression.json.
"""

from __future__ import annotations

import hashlib
import statistics
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from isal import isal_zlib

from bench import corpus
from bench.results import machine, write

PAGES, REPEATS, PART = 20, 5, 100
GZIP = 31


def main() -> None:
    """Measure, print, write."""
    lines = corpus.lines(PAGES * 1000)
    found: dict[str, Any] = {}
    for limit in (1000, 100):
        pages = [Page(lines[start : start + limit]) for start in range(0, PAGES * limit, limit)]
        found[str(limit)] = _measured(pages)
        for name, each in found[str(limit)].items():
            print(f"{limit} {name:36} {each['milliseconds']:7.3f} ms, {each['ratio']:.2f}")
    size = statistics.mean(len(corpus.envelope(lines[n : n + 1000])) for n in range(0, len(lines), 1000))
    write("compression", {"machine": machine(), "page_bytes": round(size), "ways": found})


class Page:
    """One page, whole and in parts."""

    def __init__(self, lines: list[bytes]) -> None:
        self.body = corpus.envelope(lines)
        self.parts = [b",".join(lines[n : n + PART]) for n in range(0, len(lines), PART)]


def _zlib(level: int, page: Page) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, GZIP)
    return packer.compress(page.body) + packer.flush()


def _isal(level: int, page: Page) -> bytes:
    return isal_zlib.compress(page.body, level, GZIP)


def _zstd(level: int, page: Page) -> bytes:
    return zstandard.ZstdCompressor(level=level).compress(page.body)


def _parts(page: Page) -> bytes:
    """Each part on its own, so that it could be kept and joined to others in one member."""
    packed = []
    for part in page.parts:
        packer = isal_zlib.compressobj(2, isal_zlib.DEFLATED, -15)
        packed.append(packer.compress(part) + packer.flush(isal_zlib.Z_FULL_FLUSH))
    return b"".join(packed)


def _ways() -> dict[str, Callable[[Page], bytes]]:
    mac, nonce = AESGCM(bytes(16)), bytes(12)
    return {
        **{f"zlib, gzip level {level}": partial(_zlib, level) for level in (1, 6, 9)},
        **{f"isal, gzip level {level}": partial(_isal, level) for level in (0, 1, 2, 3)},
        f"isal, parts of {PART} objects, level 2": _parts,
        **{f"zstd level {level}": partial(_zstd, level) for level in (1, 3, 9)},
        "known again by SHA-256": lambda page: hashlib.sha256(page.body).digest(),
        "known again by GMAC": lambda page: mac.encrypt(nonce, b"", page.body),
    }


def _measured(pages: list[Page]) -> dict[str, dict[str, float]]:
    """By way; the ways take turns on each page, so that a loud moment is loud for all."""
    ways = _ways()
    times: dict[str, list[float]] = {name: [] for name in ways}
    sizes = dict.fromkeys(ways, 0)
    for page in pages * REPEATS:
        for name, pack in ways.items():
            began = time.process_time_ns()
            packed = pack(page)
            times[name].append((time.process_time_ns() - began) / 1e6)
            sizes[name] += len(packed)
    whole = sum(len(page.body) for page in pages * REPEATS)
    return {
        name: {"milliseconds": statistics.median(times[name]), "ratio": whole / sizes[name]} for name in ways
    }


if __name__ == "__main__":
    main()
