"""What a verification says: which row, checkpoint, tile or line is not as it was, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MOST_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``what``: ``row``, ``missing``, ``order``, ``twice``, ``beyond``, ``index``,
    ``hash``, ``tile``, ``checkpoint``, ``state``, ``rewritten``, ``truncated`` or ``line``; ``first`` to
    ``last`` are the rows (or the number of the checkpoint, the tile or the line) concerned."""

    what: str
    first: int
    last: int
    words: str


@dataclass(slots=True)
class Report:
    """What a verification found. ``proved``: so many rows, from the first on, are under a signed root."""

    size: int = 0
    proved: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.findings

    def add(self, what: str, first: int, words: str, last: int | None = None) -> None:
        """Keep a finding; of very many only the first thousand."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(what, first, first if last is None else last, words))


def runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers; they ascend."""
    start = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            yield numbers[start], numbers[place - 1]
            start = place
