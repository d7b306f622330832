"""Dates with an uncertain beginning or end, as the designation extension carries them (``from``, ``to``,
``precision``, ``approximate``). Shared by the hooks of mappings."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value

_NAMES: Final = ("from", "from_latest", "to_earliest", "to")
_PRECISION: Final = {4: "year", 7: "month", 10: "day"}


def joint(values: Iterable[Value], text: str) -> Value:
    """A text that all of these values together say."""
    return Value(text, frozenset().union(*(value.leaves for value in values)), derived=True)


def whole(first: str, last: str) -> str | None:
    """The year, month or day that the days ``first`` to ``last`` are exactly; None for any other window."""
    if first == last:
        return first
    if first[4:] == "-01-01" and last == f"{first[:4]}-12-31":
        return first[:4]
    days = monthrange(int(last[:4]), int(last[5:7]))[1]
    return last[:7] if first == f"{last[:7]}-01" and last[8:] == f"{days:02}" else None


def of_windows(
    corners: Sequence[Value | None], ranged: Value | None, approximate: Value | None
) -> dict[str, Tree]:
    """``corners``: first and last day of the window for the beginning, then of that for the end (a source
    that fills ``1972`` up writes the first and last day of the year twice). ``ranged`` and
    ``approximate`` are true or false. Whole years and months become what they are: no padding stays."""
    present = [corner for corner in corners if corner is not None]
    if not present:
        return {}
    said = {"approximate": approximate}
    if len(present) < len(_NAMES):
        return {**dict(zip(_NAMES, corners, strict=True)), "precision": _precision(ranged, "range"), **said}
    begin, begin_end, end_begin, end = present
    one = whole(begin.data, end.data)
    if one is not None and {begin_end.data, end_begin.data} <= {begin.data, end.data}:
        date = joint(present, one)
        return {"from": date, "to": date, "precision": _precision(ranged, _PRECISION[len(one)]), **said}
    ends = {**_end(("from", "from_latest"), begin, begin_end), **_end(("to", "to_earliest"), end, end_begin)}
    return {**ends, "precision": _precision(ranged, "range"), **said}


def _precision(ranged: Value | None, word: str) -> Tree:
    return word if ranged is None else ranged.derive("range" if ranged.data else word)


def _end(names: tuple[str, str], outer: Value, inner: Value) -> dict[str, Tree]:
    """One end: as one date where its window is a day, month or year, else with the window."""
    one = whole(*sorted((outer.data, inner.data)))
    return {names[0]: joint((outer, inner), one)} if one is not None else {names[0]: outer, names[1]: inner}


def single(name: str, made: dict[str, Tree], words: Value | None = None) -> dict[str, Tree]:
    """A span as ``<name>_on`` where it is one exact date, as ``<name>`` (with the source's words) where it
    is not."""
    approximate, precision = made.get("approximate"), made.get("precision")
    if not isinstance(approximate, Value) or not isinstance(precision, Value):
        return {name: {**made, "text": words}}
    if approximate.data or precision.data == "range":
        return {name: {**made, "text": words}}
    date: Value = made["from"]
    return {f"{name}_on": joint((date, precision, approximate), date.data)}


def of_parts(year: Value | None, month: Value | None, day: Value | None) -> str | None:
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD`` of numbers; None without a year, with a day but no month, and for
    what is no day of the calendar."""
    if year is None or (day is not None and month is None):
        return None
    known = [str(part.data) for part in (year, month, day) if part is not None]
    if not all(part.isdecimal() for part in known) or len(known[0]) != 4:
        return None
    known = [known[0], *(part.zfill(2) for part in known[1:])]
    try:
        date.fromisoformat("-".join([*known, "01", "01"][:3]))
    except ValueError:
        return None
    return "-".join(known)
