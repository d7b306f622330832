"""The three hashes of every row: computed from its leaf, beside it, and in a tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from taxii_hub.ledger.findings import Report, runs
from taxii_hub.ledger.leaves import index_of, read
from taxii_hub.ledger.log import TILE, Row
from taxii_hub.ledger.merkle import HASH_BYTES, leaf_hash


class Series:
    """Filled as the rows come by; of a row only its hash is kept."""

    def __init__(self, end: int, report: Report, tiles: Mapping[int, bytes]) -> None:
        self.end = end
        self._computed = bytearray(end * HASH_BYTES)
        self._there = bytearray(end)
        self._beside: dict[int, bytes] = {}
        """Only where it differs from the computed one."""
        self._tiles = tiles
        self._report = report
        self._last = -1
        self._breaks: list[tuple[int, int]] = []
        """Rows that do not come right after the one before them by number: what came before, and they."""

    def computed(self, n: int) -> bytes | None:
        """The hash of the row's leaf, None where there is no such row."""
        if not 0 <= n < self.end or not self._there[n]:
            return None
        return bytes(self._computed[n * HASH_BYTES : (n + 1) * HASH_BYTES])

    def tile(self, n: int) -> bytes | None:
        """What the tile says of row ``n``."""
        start = n % TILE * HASH_BYTES
        found = self._tiles.get(n // TILE, b"")[start : start + HASH_BYTES]
        return found if len(found) == HASH_BYTES else None

    def take(self, row: Row) -> None:
        """One row, in the order it is stored or exported."""
        n, report = row.n, self._report
        if not 0 <= n < self.end:
            report.add("beyond", n, f"row {n} is beyond the end of the log, which has {self.end} rows")
            return
        hashed = leaf_hash(row.leaf)
        if self._there[n]:
            report.add("twice", n, f"row {n} is there twice")
            if self.tile(n) != self.computed(n):
                self._keep(n, hashed)
            return
        if n != self._last + 1:
            self._breaks.append((self._last, n))
        self._last = n
        self._keep(n, hashed)
        if row.hash != hashed:
            self._beside[n] = row.hash
        elif row.index is not None and not _indexed(row):
            report.add("index", n, f"row {n}: what it is found by differs from its leaf")

    def _keep(self, n: int, hashed: bytes) -> None:
        self._there[n] = 1
        self._computed[n * HASH_BYTES : (n + 1) * HASH_BYTES] = hashed

    def close(self) -> None:
        """After the last row: which numbers never came, and which came at the wrong place."""
        for first, last in runs([n for n, there in enumerate(self._there) if not there]):
            words = f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"
            if last == self.end - 1:
                self._report.add("truncated", first, f"{words}: the log was cut off", last)
            else:
                self._report.add("missing", first, words, last)
        for before, n in self._breaks:
            # Where all between them are missing that has been said already.
            if n < before or any(self._there[before + 1 : n]):
                after = "the beginning" if before < 0 else f"row {before}"
                self._report.add("order", n, f"row {n} comes after {after}")

    def candidates(self, low: int, high: int) -> Iterator[list[bytes]]:
        """What the hashes may truly be, the likeliest series first; only whole ones."""
        choices: tuple[Callable[[int], bytes | None], ...] = (
            lambda n: self.computed(n) or self.tile(n),
            lambda n: self.tile(n) or self.computed(n),
            self._most,
        )
        for choice in choices:
            whole = [hashed for n in range(low, high) if (hashed := choice(n)) is not None]
            if len(whole) == high - low:
                yield whole

    def _most(self, n: int) -> bytes | None:
        """What two of the three say; else the tile."""
        computed = self.computed(n)
        return computed if computed is not None and n not in self._beside else self.tile(n) or computed

    def name(self, low: int, truth: Sequence[bytes]) -> None:
        """What differs from the truth."""
        report = self._report
        for n, true in enumerate(truth, low):
            computed, tile = self.computed(n), self.tile(n)
            if computed is not None and computed != true:
                report.add("row", n, f"row {n} was changed{self._origin(n, computed)}")
            elif computed is not None and n in self._beside:
                report.add("hash", n, f"row {n}: the hash beside it was changed")
            if tile != true:
                done = "is missing" if tile is None else "was changed"
                report.add("tile", n, f"the hash of row {n} in tile {n // TILE} {done}")

    def _origin(self, n: int, computed: bytes) -> str:
        """Where a row's leaf comes from, if it is a neighbour's."""
        for near in (n - 1, n + 1):
            if near >= 0 and self.tile(near) == computed:
                return f": it holds the leaf of row {near}"
        return ""

    def name_quarrels(self, low: int, high: int) -> None:
        """What does not agree with itself, where nobody signed for the truth."""
        for n in range(low, high):
            computed, tile = self.computed(n), self.tile(n)
            if computed is None or (computed == tile and n not in self._beside):
                continue
            if n not in self._beside:
                words = f"row {n} and its hash in tile {n // TILE} differ: one of them was changed"
                self._report.add("row", n, words)
            elif computed == tile:
                self._report.add("hash", n, f"row {n}: the hash beside it was changed")
            else:
                self._report.add("row", n, f"row {n} was changed")


def _indexed(row: Row) -> bool:
    try:
        return index_of(read(row.leaf)) == row.index
    except (ValueError, KeyError, TypeError):
        return False
