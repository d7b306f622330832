"""The parts of a log as it is stored or exported, and the tiles that keep each leaf's hash a second time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from taxii_hub.ledger.merkle import HASH_BYTES, Frontier, TreeHead, root_of

TILE: Final = 256
"""Leaf hashes in one tile."""


@dataclass(frozen=True, slots=True)
class Row:
    """One leaf with its running number (from 0) and the hash beside it. ``index``: what the database
    repeats of the leaf to find it by; None in an export."""

    n: int
    hash: bytes
    leaf: bytes
    index: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One checkpoint as kept in the log: its number, its signed text, and the frontier of the tree there."""

    number: int
    note: str
    frontier: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """Where the log stands: the tree's size and frontier, and how many checkpoints there are."""

    size: int = 0
    frontier: tuple[bytes, ...] = ()
    checkpoints: int = 0

    def grown(self) -> Frontier:
        """To append to. Raises ValueError where size and frontier do not fit together."""
        return Frontier.of(self.size, self.frontier)


def tile_writes(first: int, partial: bytes, hashes: Sequence[bytes]) -> dict[int, bytes]:
    """Tiles after appending ``hashes`` from leaf ``first`` on; ``partial`` is the content of the tile
    that leaf belongs to."""
    data = partial[: first % TILE * HASH_BYTES] + b"".join(hashes)
    start, size = first // TILE, TILE * HASH_BYTES
    return {start + i: data[i * size : (i + 1) * size] for i in range((len(data) + size - 1) // size)}


def part_of_tile(data: bytes, index: int, size: int) -> bytes:
    """What of a tile belongs to the tree of ``size`` leaves."""
    return data[: max(0, size - index * TILE) * HASH_BYTES]


def tile_root(data: bytes) -> bytes | None:
    """The root over a full tile."""
    if len(data) != TILE * HASH_BYTES:
        return None
    return root_of(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES))


def needed_tiles(size: int, *places: int) -> set[int]:
    """The tiles whose hashes a proof about these leaves or tree sizes needs one by one."""
    return {place // TILE for place in (*places, size) if 0 <= place <= size}


def head_from_tiles(roots: Mapping[int, bytes], tiles: Mapping[int, bytes]) -> TreeHead:
    """``mth`` from the roots of full tiles, and the hashes of those tiles that are looked into."""

    def head(low: int, high: int) -> bytes:
        if low % TILE == 0 and high % TILE == 0:
            return root_of(roots[index] for index in range(low // TILE, high // TILE))
        whole = (high - low) // TILE if low % TILE == 0 else 0
        if whole:
            return _joined(roots, tiles, low, high)
        return root_of(_hashes(tiles, low, high))

    return head


def _joined(roots: Mapping[int, bytes], tiles: Mapping[int, bytes], low: int, high: int) -> bytes:
    """A tree that begins with whole tiles: its frontier is theirs, then that of the rest."""
    end = high - high % TILE
    perfect = Frontier.empty()
    perfect.extend(roots[index] for index in range(low // TILE, end // TILE))
    rest = Frontier.empty()
    rest.extend(_hashes(tiles, end, high))
    return Frontier(high - low, perfect.nodes + rest.nodes).root()


def _hashes(tiles: Mapping[int, bytes], low: int, high: int) -> Iterator[bytes]:
    for n in range(low, high):
        start = n % TILE * HASH_BYTES
        yield tiles[n // TILE][start : start + HASH_BYTES]
