"""Logs in memory, as a hub would have written them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from taxii_hub.ledger.checkpoint import Checkpoint, Signer
from taxii_hub.ledger.export import checkpoint_line, header_line, row_line, tile_line
from taxii_hub.ledger.leaves import Actor, leaf_of
from taxii_hub.ledger.log import TILE, Kept, Row, Tree, tile_writes
from taxii_hub.ledger.merkle import Frontier, Head, leaf_hash
from taxii_hub.ledger.verify import Evidence

ORIGIN = "taxii-hub/test"
SIGNER = Signer(ORIGIN, b"s" * 32)
AT = 1_763_856_000_000_000


@dataclass
class Log:
    rows: list[Row] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    tiles: dict[int, bytes] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier.empty)

    def add(self, count: int) -> None:
        first = len(self.rows)
        for n in range(first, first + count):
            leaf = leaf_of("page", AT + n, Actor(f"siem-{n % 3}", "gb-owl"), {"count": n, "feed": 1})
            self.rows.append(Row(n, leaf_hash(leaf), leaf))
        new = [row.hash for row in self.rows[first:]]
        self.tiles.update(tile_writes(first, self.tiles.get(first // TILE, b""), new))
        self.frontier.extend(new)

    def sign(self) -> str:
        number = len(self.kept) + 1
        head = Head(len(self.rows), self.frontier.root())
        note = SIGNER.sign(Checkpoint(ORIGIN, head, number, AT + len(self.rows)))
        self.kept.append(Kept(number, note, tuple(self.frontier.nodes)))
        return note

    @property
    def tree(self) -> Tree:
        return Tree(self.frontier.size, tuple(self.frontier.nodes), len(self.kept))

    def evidence(self, *outside: str) -> Evidence:
        return Evidence([SIGNER.verifier], self.tree, self.tiles, self.kept, outside, ORIGIN)

    def lines(self) -> list[bytes]:
        return [
            header_line(ORIGIN, self.tree),
            *map(checkpoint_line, self.kept),
            *(tile_line(index, data) for index, data in sorted(self.tiles.items())),
            *map(row_line, self.rows),
        ]


@lru_cache
def lines_of_a_log() -> tuple[bytes, ...]:
    """310 rows under three checkpoints."""
    return tuple(a_log(40, 220, 50).lines())


def a_log(*parts: int) -> Log:
    log = Log()
    for part in parts or (40, 216, 100, 264):
        log.add(part)
        log.sign()
    return log
