"""Finding out what was done to a log, from its rows, its tiles, its checkpoints, and older checkpoints.

Each leaf's hash is known three times (``series.py``). Between two signed checkpoints one of these series
has to give the signed root; what differs from that series was changed and is named. Where none does, the
rows between the two checkpoints were rewritten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from taxii_hub.ledger.checkpoint import Checkpoint, CheckpointError, VerifierKey, opened
from taxii_hub.ledger.findings import Report
from taxii_hub.ledger.log import TILE, Kept, Row, Tree
from taxii_hub.ledger.merkle import HASH_BYTES, Frontier
from taxii_hub.ledger.series import Series

MOST_LOST = 1000
"""Checkpoints at the end of the log that are named one by one where they are missing."""
PLAUSIBLE = 1_000_000
"""Rows by which the tree's state may be ahead of everything else before it is not believed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything but the rows. ``outside``: signed checkpoints that were kept elsewhere."""

    keys: Sequence[VerifierKey]
    tree: Tree
    tiles: Mapping[int, bytes]
    kept: Sequence[Kept] = ()
    outside: Sequence[str] = ()
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class _Signed:
    """A checkpoint whose signature holds; ``frontier`` where one is kept that gives its root."""

    checkpoint: Checkpoint
    name: str
    frontier: Frontier | None


class Verification:
    """Takes the rows one by one, in about a hundred bytes of memory each."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._report = report = Report()
        inside = [_inside(kept, evidence, report) for kept in evidence.kept]
        outside = [_outside(note, evidence, report) for note in evidence.outside]
        signed = [each for each in (*inside, *outside) if each is not None]
        self._signed = sorted(signed, key=lambda each: each.checkpoint.head.size)
        _count_checkpoints(evidence, [each for each in outside if each is not None], report)
        report.size = _end(evidence, signed)
        self._series = Series(report.size, report, evidence.tiles)

    def take(self, row: Row) -> None:
        """The next row, in the order it is stored or exported."""
        self._series.take(row)

    def finish(self) -> Report:
        """Compare everything with everything."""
        report, series = self._report, self._series
        series.close()
        for index in sorted(self._evidence.tiles):
            if not 0 <= index * TILE < report.size:
                report.add("tile", index, f"tile {index} is beyond the end of the log")
        trusted = _walk(series, self._signed, report)
        _compare_state(series, self._evidence.tree, trusted, report)
        return report


def verify(rows: Iterable[Row], evidence: Evidence) -> Report:
    """All at once."""
    verification = Verification(evidence)
    for row in rows:
        verification.take(row)
    return verification.finish()


# --- checkpoints -------------------------------------------------------------------------------


def _inside(kept: Kept, evidence: Evidence, report: Report) -> _Signed | None:
    name = f"checkpoint {kept.number}"
    found = _opened(kept.note, name, kept.number, evidence, report)
    if found is None:
        return None
    if found.number != kept.number:
        words = f"checkpoint {found.number} is kept as number {kept.number}"
        report.add("checkpoint", kept.number, words)
    try:
        frontier: Frontier | None = Frontier.of(found.head.size, kept.frontier)
    except ValueError:
        frontier = None
    if frontier is None or frontier.root() != found.head.root:
        report.add("checkpoint", kept.number, f"{name}: the frontier kept beside it was changed")
        frontier = None
    return _Signed(found, name, frontier)


def _outside(note: str, evidence: Evidence, report: Report) -> _Signed | None:
    found = _opened(note, "the checkpoint kept elsewhere", 0, evidence, report)
    if found is None:
        return None
    return _Signed(found, f"checkpoint {found.number}, kept elsewhere,", None)


def _opened(note: str, name: str, number: int, evidence: Evidence, report: Report) -> Checkpoint | None:
    try:
        found = opened(note, evidence.keys)
    except CheckpointError as error:
        report.add("checkpoint", number, f"{name} {error}: it was changed, or the key is another log's")
        return None
    if evidence.origin is not None and found.origin != evidence.origin:
        report.add("checkpoint", number, f"{name} is of another log, {found.origin}")
        return None
    return found


def _count_checkpoints(evidence: Evidence, outside: Sequence[_Signed], report: Report) -> None:
    """They are numbered without a gap, as many as the tree's state says."""
    stated = evidence.tree.checkpoints
    times = Counter(kept.number for kept in evidence.kept)
    report.checkpoints = len(evidence.kept)
    for number in sorted(n for n, count in times.items() if count > 1):
        report.add("checkpoint", number, f"checkpoint {number} is there {times[number]} times")
    greatest = max(times, default=0)
    plausible = greatest <= stated <= greatest + MOST_LOST
    if not plausible:
        report.add("state", stated, f"the tree's state says {stated} checkpoints, the last one is {greatest}")
    wanted = {*range(1, max(greatest, stated if plausible else 0) + 1)}
    for number in sorted((wanted | {each.checkpoint.number for each in outside}) - times.keys()):
        report.add("checkpoint", number, f"checkpoint {number} is missing")


def _end(evidence: Evidence, signed: Sequence[_Signed]) -> int:
    """How many rows there should be: as many as the greatest of those who know, if it can be believed."""
    tiles = evidence.tiles
    in_tiles = sum(len(data) // HASH_BYTES for index, data in tiles.items() if 0 <= index < len(tiles))
    known = max([in_tiles, *(each.checkpoint.head.size for each in signed)])
    return max(known, evidence.tree.size) if evidence.tree.size <= known + PLAUSIBLE else known


# --- rows --------------------------------------------------------------------------------------


def _walk(series: Series, signed: Sequence[_Signed], report: Report) -> Frontier | None:
    """From checkpoint to checkpoint; the frontier that can be relied on at the last one."""
    trusted: Frontier | None = Frontier.empty()
    position, name = 0, "the beginning"
    for each in signed:
        size = each.checkpoint.head.size
        found, reached = _segment(series, trusted, position, each)
        if found and report.proved == position:
            report.proved = size
        if not found:
            series.name_quarrels(position, size)
            _say_rewritten(report, position, each, name)
        trusted = reached if found else each.frontier or reached
        position, name = size, each.name
    return trusted


def _segment(
    series: Series, trusted: Frontier | None, position: int, each: _Signed
) -> tuple[bool, Frontier | None]:
    """Whether some series of the rows before the checkpoint gives the signed root, and the frontier
    there: the one that gives it, else that of the rows as they are now."""
    reached: Frontier | None = None
    for candidate in series.candidates(position, each.checkpoint.head.size) if trusted else ():
        frontier = trusted.copy() if trusted else Frontier.empty()
        frontier.extend(candidate)
        if frontier.root() == each.checkpoint.head.root:
            series.name(position, candidate)
            return True, frontier
        reached = reached or frontier
    return False, reached


def _say_rewritten(report: Report, position: int, each: _Signed, since: str) -> None:
    last = each.checkpoint.head.size - 1
    if position > last:
        report.add("rewritten", last, f"{each.name} signed another root than {since} at the same size")
        return
    words = f"rows {position} to {last}, between {since} and {each.name}, do not give the signed root"
    report.add("rewritten", position, f"{words}: they were changed, or removed", last)


def _compare_state(series: Series, tree: Tree, trusted: Frontier | None, report: Report) -> None:
    """The rows after the last checkpoint, and the tree's own state."""
    if tree.size != series.end:
        words = f"the tree's state says {tree.size} rows, and there should be {series.end}"
        report.add("state", tree.size, words)
    try:
        stated: bytes | None = tree.grown().root()
    except ValueError:
        report.add(
            "state", tree.size, "the tree's state was changed: its size and frontier do not fit together"
        )
        stated = None
    if trusted is None:
        return
    for candidate in series.candidates(trusted.size, series.end):
        frontier = trusted.copy()
        frontier.extend(candidate)
        if frontier.root() == stated:
            series.name(trusted.size, candidate)
            return
    series.name_quarrels(trusted.size, series.end)
    if stated is not None and tree.size == series.end:
        words = "the tree's state and the rows after the last checkpoint do not fit together"
        report.add("state", trusted.size, f"{words}: one of them was changed", series.end)
