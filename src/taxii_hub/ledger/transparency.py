"""The transparency report: how much of what was done, by framework and agency, from the audit log alone.

Who has an export of the log gets the same numbers from it without any hub. Numbers below :data:`SMALL` are
left out, and so many others with them that they cannot be found by subtraction: of what is left out of a row
any one number may still be :data:`SMALL` or more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from taxii_hub.ledger.export import ExportError
from taxii_hub.ledger.leaves import read
from taxii_hub.stix import timestamps

SMALL: Final = 5
KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "publish": ("objects published", "stored"),
    "page": ("entries read", "count"),
    "release": ("releases", None),
    "proposal-released": ("signed releases", None),
    "proposal-refused": ("refused releases", None),
    "proposal-expired": ("releases that nobody signed in time", None),
    "regrade": ("regradings", None),
    "delete": ("deletions", None),
    "withdraw": ("withdrawals", None),
    "erase": ("erasures", None),
    "expire": ("versions erased because they were over", "origins"),
    "legal-hold": ("words for a legal hold", None),
    "legal-lift": ("words for the end of a legal hold", None),
    "reviewed": ("reviews done", None),
    "subject-search": ("searches for a person", None),
    "audit-read": ("looks at the log", None),
    "audit-export": ("exports of the log", None),
}
"""What is counted of each kind of leaf, and the detail that says how many; None: the leaf is one."""
OVERDUE: Final = "reviews overdue at the end"
NOWHERE: Final = "(the hub)"


@dataclass(frozen=True, slots=True)
class Line:
    """One measure in one framework. ``agencies`` with None: left out, as is ``total`` where it is None."""

    framework: str
    measure: str
    agencies: tuple[tuple[str, int | None], ...]
    total: int | None


@dataclass(slots=True)
class Tally:
    """Takes the leaves of a log in their order, from the first one on; counts those in the time asked for.

    ``since`` and ``until`` (before it) are microseconds.
    """

    since: int | None = None
    until: int | None = None
    _frameworks: dict[int, str] = field(default_factory=dict)
    _counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _overdue: dict[int, Mapping[str, int]] = field(default_factory=dict)

    def take(self, leaf: Mapping[str, Any], at: int) -> None:
        """``at``: the leaf's moment in microseconds."""
        kind = leaf["kind"]
        if self.until is not None and at >= self.until:
            return
        if kind == "catalogue-apply":
            self._frameworks.update(
                {int(feed): root for root, feeds in leaf.get("frameworks", {}).items() for feed in feeds}
            )
        elif kind == "reviews-overdue":
            self._overdue[leaf["feed"]] = leaf["agencies"]
        elif kind in KINDS and (self.since is None or at >= self.since):
            self._count(leaf, *KINDS[kind])

    def _count(self, leaf: Mapping[str, Any], measure: str, detail: str | None) -> None:
        framework = self._framework(leaf)
        if detail == "origins":
            for agency, number in leaf.get("origins", {}).items():
                self._counts[framework, measure, agency] += number
            return
        agency = leaf["by"].get("agency", NOWHERE)
        self._counts[framework, measure, agency] += 1 if detail is None else leaf.get(detail, 0)

    def _framework(self, leaf: Mapping[str, Any]) -> str:
        feed = leaf.get("feed")
        return NOWHERE if feed is None else self._frameworks.get(feed, f"(collection {feed})")

    def lines(self) -> tuple[Line, ...]:
        """By framework, then by measure in their fixed order; zeros are left out."""
        counts = Counter(self._counts)
        for feed, agencies in self._overdue.items():
            for agency, number in agencies.items():
                counts[self._framework({"feed": feed}), OVERDUE, agency] += number
        rows: dict[tuple[str, str], dict[str, int]] = {}
        for (framework, measure, agency), number in counts.items():
            if number:
                rows.setdefault((framework, measure), {})[agency] = number
        order = [*(words for words, _ in KINDS.values()), OVERDUE]
        return tuple(
            _line(framework, measure, rows[framework, measure])
            for framework, measure in sorted(rows, key=lambda key: (key[0], order.index(key[1])))
        )


def tally_export(lines: Iterable[bytes], since: int | None, until: int | None) -> Tally:
    """The same of an export, which :func:`taxii_hub.ledger.export.verify_export` should have found sound.

    Raises ExportError where it is none.
    """
    tally = Tally(since, until)
    for number, line in enumerate(lines):
        try:
            found = orjson.loads(line)
            if number == 0 and "export" not in found:
                raise ExportError("the first line is not that of an audit export")
            if "n" in found:
                leaf = read(found["leaf"].encode())
                tally.take(leaf, timestamps.parse(leaf["at"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, ExportError):
                raise
            raise ExportError(
                f"line {number + 1} cannot be read; `audit verify --export` says more"
            ) from None
    return tally


def hidden(numbers: Sequence[int]) -> tuple[frozenset[int], bool]:
    """Which places of a row of positive numbers are left out, and whether its total is.

    Who knows what is shown, the total among it, cannot tell of any place that is left out that its number
    is below :data:`SMALL`: the others could be 1 each.
    """
    out = {place for place, number in enumerate(numbers) if number < SMALL}
    rest = sorted((number, place) for place, number in enumerate(numbers) if place not in out)
    while out and not _safe([numbers[place] for place in out]):
        if not rest:
            return frozenset(out), True
        out.add(rest.pop(0)[1])
    return frozenset(out), False


def _safe(out: Sequence[int]) -> bool:
    return len(out) > 1 and sum(out) - (len(out) - 1) >= SMALL


def _line(framework: str, measure: str, row: Mapping[str, int]) -> Line:
    agencies = sorted(row)
    out, no_total = hidden([row[agency] for agency in agencies])
    shown = tuple((agency, None if place in out else row[agency]) for place, agency in enumerate(agencies))
    return Line(framework, measure, shown, None if no_total else sum(row.values()))


def text_of(lines: Iterable[Line]) -> str:
    """For a person."""
    told: list[str] = []
    before = None
    for line in lines:
        if line.framework != before:
            told.append(f"{line.framework}")
            before = line.framework
        told.append(f"  {line.measure:<40} {_number(line.total)}")
        told += [f"      {agency:<36} {_number(number)}" for agency, number in line.agencies]
    told.append(f"'-': left out, because it or another number of its row is below {SMALL}")
    return "\n".join(told)


def _number(number: int | None) -> str:
    return "-" if number is None else str(number)
