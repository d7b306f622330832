"""Rows to records: what CSV files and sheets have in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, islice
from typing import Final

from taxii_hub.mapping.readers.options import ROW, Group, Header
from taxii_hub.mapping.record import Leaf, Record, Remark, pattern_of

SEARCHED: Final = 30
"""Among so many first rows the header is looked for."""
_NUMBERED: Final = re.compile(r"\[([0-9]+)\]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the container gives it. ``fault``: it could not be read; the only cell is its text."""

    line: int
    cells: Sequence[str]
    fault: Remark | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """``names`` of the columns (numbered where one stands twice), what stood before them, the rows."""

    names: tuple[str, ...]
    preamble: tuple[Row, ...]
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class RowRules:
    """See CsvReader. ``kind``: of a row where no column says it."""

    empty: frozenset[str]
    short_rows: bool
    kinds: frozenset[str]
    kind_column: str | None = None
    kind: str = ROW


def table(rows: Iterator[Row], header: Header) -> Table | None:
    """The table with its header found; None where no row has what is required."""
    if header.columns:
        return Table(numbered(header.columns), (), rows)
    first = list(islice(rows, SEARCHED))
    for position, row in enumerate(first):
        if row.fault is None and any(cell.strip() for cell in row.cells):
            names = named(row.cells, header.synonyms)
            if set(header.required) <= set(names):
                return Table(numbered(names), tuple(first[:position]), chain(first[position + 1 :], rows))
    return None


def named(cells: Sequence[str], synonyms: Mapping[str, str]) -> tuple[str, ...]:
    """The names of columns: one line of text, synonyms replaced; columns after the last name have none."""
    texts = [" ".join(cell.replace("_x000D_", " ").split()).lstrip("\ufeff") for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    folded = {fold(other): name for other, name in synonyms.items()}
    plain = (folded.get(fold(text), text) for text in texts)
    return tuple(
        _NUMBERED.sub(r"(\1)", text) or f"column {position}" for position, text in enumerate(plain, 1)
    )


def fold(name: str) -> str:
    """What stays equal between spellings of a column's name."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def numbered(names: Sequence[str]) -> tuple[str, ...]:
    total, seen, made = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        made.append(f"{name}[{seen[name]}]" if total[name] > 1 else name)
    return tuple(made)


def head(found: Table, remarks: tuple[Remark, ...] = ()) -> Record:
    """What stands before the header: ``preamble/1`` is its first cell."""
    rows = [row for row in found.preamble if any(cell.strip() for cell in row.cells)]
    leaves = [
        Leaf.at(f"preamble{f'[{number}]' if len(rows) > 1 else ''}/{column}", cell, row.line)
        for number, row in enumerate(rows, 1)
        for column, cell in enumerate(row.cells, 1)
        if cell.strip()
    ]
    return Record("", 1, tuple(leaves), remarks)


def records(found: Table, rules: RowRules, group: Group | None) -> Iterator[Record]:
    """A record for each row that says anything, or for each group of rows."""
    if group is not None:
        yield from _grouped(found, rules, group)
        return
    patterns = tuple(map(pattern_of, found.names))
    for row in found.rows:
        if (record := _record(row, found.names, patterns, rules)) is not None:
            yield record


def _record(row: Row, names: tuple[str, ...], patterns: tuple[str, ...], rules: RowRules) -> Record | None:
    if row.fault is not None:
        return Record(rules.kind, row.line, (Leaf("row", row.cells[0], row.line, "row"),), (row.fault,))
    leaves = cells(row, names, patterns, rules.empty)
    if not leaves:
        return None
    fault = misfit(row, names, rules.short_rows)
    kind = rules.kind
    if rules.kind_column is not None and fault is None:
        said = next((leaf.value.strip() for leaf in leaves if leaf.pattern == rules.kind_column), "")
        known = {name.casefold(): name for name in rules.kinds}
        kind = known.get(said.casefold(), rules.kind)
        fault = None if said.casefold() in known else _no_kind(said, rules)
    return Record(kind, row.line, leaves, () if fault is None else (fault,))


def _no_kind(said: str, rules: RowRules) -> Remark:
    known = ", ".join(sorted(rules.kinds))
    told = f"has {said[:60]!r} in {rules.kind_column!r}, which is no kind of record"
    return Remark("unknown-kind", told, f"known are {known}", "error", fatal=True)


def cells(
    row: Row, names: tuple[str, ...], patterns: tuple[str, ...], empty: frozenset[str]
) -> tuple[Leaf, ...]:
    """The leaves of a row; cells beyond the last column are ``column N``."""
    line, made = row.line, []
    for cell, name, pattern in zip(row.cells, names, patterns, strict=False):
        text = cell.strip()
        if text and text not in empty:
            made.append(Leaf(name, cell, line, pattern))
    beyond = range(len(names), len(row.cells)) if len(row.cells) > len(names) else ()
    made += [Leaf.at(f"column {at + 1}", row.cells[at], line) for at in beyond if row.cells[at].strip()]
    return tuple(made)


def misfit(row: Row, names: tuple[str, ...], short_rows: bool) -> Remark | None:
    """Why the row does not fit its header."""
    said = len(row.cells)
    while said > len(names) and not row.cells[said - 1].strip():
        said -= 1
    if said == len(names) or (said < len(names) and short_rows):
        return None
    return Remark(
        "row-width",
        f"has {said} cells where the header has {len(names)}",
        "look for a delimiter or quotation mark too many or too few in the row",
        "error",
        fatal=True,
    )


def _grouped(found: Table, rules: RowRules, group: Group) -> Iterator[Record]:
    held: dict[tuple[str, int], list[Row]] = {}
    begun: Counter[str] = Counter()
    alone: list[Row] = []
    above: tuple[str, int] | None = None
    for row in found.rows:
        said = _cell(row, found.names, group.by)
        if not said and group.continued and above is not None and row.fault is None:
            held[above].append(row)
            continue
        if group.number and (digits := re.match(r"[0-9]+", said)) is not None:
            said = digits[0]
        if row.fault is None and said and misfit(row, found.names, rules.short_rows) is None:
            starts = group.start is not None and fnmatchcase(
                _cell(row, found.names, group.start[0]).casefold(), group.start[1].casefold()
            )
            begun[said] += starts
            above = (said, max(begun[said], 1))
            held.setdefault(above, []).append(row)
        else:
            alone.append(row)
    patterns = tuple(map(pattern_of, found.names))
    for rows in held.values():
        yield Record(rules.kind, rows[0].line, tuple(stepped("row", rows, found.names, rules.empty)))
    for row in alone:
        if (record := _record(row, found.names, patterns, rules)) is not None:
            yield record


def _cell(row: Row, names: tuple[str, ...], column: str) -> str:
    position = names.index(column) if column in names else len(row.cells)
    return row.cells[position].strip() if position < len(row.cells) else ""


def stepped(step: str, rows: Sequence[Row], names: tuple[str, ...], empty: frozenset[str]) -> Iterable[Leaf]:
    """The rows as repeated steps of one record."""
    patterns = tuple(f"{step}/{pattern_of(name)}" for name in names)
    for number, row in enumerate(rows, 1):
        here = f"{step}[{number}]" if len(rows) > 1 else step
        yield from cells(row, tuple(f"{here}/{name}" for name in names), patterns, empty)
