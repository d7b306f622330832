"""CSV reports: encoding, delimiter and header are found within what the mapping allows, damage is said.

The file is read twice: once whole for its hash and its encoding, once as rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers import rows
from taxii_hub.mapping.readers.encodings import Encoded, encoding_of, encoding_of_head
from taxii_hub.mapping.readers.options import (
    MAX_BLANK_ROWS,
    MAX_COLUMNS,
    MAX_LINE,
    MAX_PATH,
    ROW,
    CsvReader,
    Header,
    Part,
)
from taxii_hub.mapping.readers.rows import Row, RowRules, Table
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Leaf, Record, Remark

_OUTER: Final = ("\t", ",", ";")
_DAMAGED: Final = Remark(
    "damaged-rows",
    "has each row in quotation marks as a whole (a spreadsheet saved it so); it was read as if they were not there",
    "get the file from its publisher instead of out of a spreadsheet",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows are written. ``wrapped``: the delimiter around rows that are quoted as a whole."""

    delimiter: str
    wrapped: str | None = None


def records(files: Sequence[tuple[Part | None, SourceStream, Path]], reader: CsvReader) -> Iterator[Record]:
    """First a record of kind ``""`` (what stands before the header), then the rows, joined with those of
    the report's other files; last what could be joined to nothing. Raises ReportError."""
    (main, stream, path), *others = files
    table, remarks = _table(stream, path, reader, main)
    yield rows.head(table, remarks)
    rules = RowRules(reader.empty, reader.short_rows, reader.kinds, reader.kind_column, _kind_of(reader))
    joined = [_Joined(part, _table(s, p, reader, part), reader) for part, s, p in others if part is not None]
    for record in rows.records(table, rules, reader.group):
        yield _with(record, table.names[0] if main is not None else "", joined)
    for other in joined:
        yield other.rest()


def _kind_of(reader: CsvReader) -> str:
    return ROW if ROW in reader.kinds else min(reader.kinds)


def _table(
    stream: SourceStream, path: Path, reader: CsvReader, part: Part | None
) -> tuple[Table, tuple[Remark, ...]]:
    encoded = encoding_of(stream, reader)
    header = reader.header if part is None else Header((), {}, part.columns)
    layout = layout_of(_beginning(path, encoded.name, stream.name), reader.delimiters, header)
    if layout is None:
        wanted = ", ".join(header.required)
        raise ReportError(
            f"{stream.name}:1: none of the first {rows.SEARCHED} rows is the header ({wanted}); "
            "add it, or correct the columns' names"
        )
    found = rows.table(_rows(path, encoded, layout, stream.name), header)
    if found is None:
        found = Table((), (), iter(()))  # an empty file
    if any(len(name) > MAX_PATH for name in found.names):
        raise ReportError(
            f"{stream.name}:1: a column's name of more than {MAX_PATH} characters; that is no report"
        )
    damage = (_DAMAGED,) if layout.wrapped is not None else ()
    return found, (*damage, *encoded.remarks())


def _opened(path: Path, encoding: str, name: str) -> io.TextIOWrapper:
    try:
        return path.open(encoding=encoding, newline="")
    except OSError as error:
        raise ReportError(f"{name}: cannot be read ({error.strerror}); check name and rights") from None


def layout_of(text: str, delimiters: Sequence[str], header: Header) -> Layout | None:
    """The first layout in which the header is found; without requirements, the one with most columns."""
    plain = [Layout(delimiter) for delimiter in delimiters]
    wrapped = [Layout(inner, outer) for inner in delimiters for outer in _OUTER] if text[:1] == '"' else []
    best: tuple[int, Layout] | None = None
    for layout in (*plain, *wrapped):
        first = _first_rows(text, layout)
        if header.required:
            if rows.table(iter(first), header) is not None:
                return layout
        elif layout.wrapped is None:
            width = max((len(row.cells) for row in first), default=0)
            best = (width, layout) if best is None or width > best[0] else best
    return best[1] if best is not None else None


def _first_rows(text: str, layout: Layout) -> list[Row]:
    made = []
    for row in parsed(io.StringIO(text, newline=""), layout):
        made.append(row)
        if len(made) >= rows.SEARCHED:
            break
    return made


def _rows(path: Path, encoded: Encoded, layout: Layout, name: str) -> Iterator[Row]:
    blank = 0
    with _opened(path, encoded.name, name) as file, _decoded(encoded.name, name):
        for row in parsed(encoded.lines(file), layout):
            if any(row.cells) and not "".join(row.cells).isspace():
                yield row
            elif (blank := blank + 1) > MAX_BLANK_ROWS:
                raise ReportError(f"{name}:{row.line}: more than {MAX_BLANK_ROWS} blank rows; remove them")


def _beginning(path: Path, encoding: str, name: str) -> str:
    with _opened(path, encoding, name) as file, _decoded(encoding, name):
        return file.read(1 << 16)


@contextmanager
def _decoded(encoding: str, name: str) -> Iterator[None]:
    """Windows-1252 is a guess that may fail: five bytes mean nothing in it."""
    try:
        yield
    except UnicodeError:
        raise ReportError(f"{name}: not {encoding} text to its end; save the file as UTF-8") from None


def parsed(file: Iterator[str], layout: Layout) -> Iterator[Row]:
    """Row by row; one that is no CSV costs itself."""
    lines = _Remembered(file)
    reader = csv.reader(lines, delimiter=layout.wrapped or layout.delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        lines.last.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raw = "".join(lines.last).strip() or "?"
            fault = Remark("bad-row", f"is no CSV row ({error})", "look for a quotation mark", "error", True)
            yield Row(line, [raw], fault)
            continue
        if cells == ["\x1a"]:  # the end mark of old systems
            continue
        if len(cells) > MAX_COLUMNS:
            fault = Remark("bad-row", f"has more than {MAX_COLUMNS} cells", "look for damage", "error", True)
            yield Row(line, ["".join(lines.last).strip()], fault)
            continue
        yield Row(line, cells) if layout.wrapped is None else _unwrapped(line, cells, layout.delimiter)


class _Remembered:
    """Lines, keeping those of the current row: what is shown where it cannot be read. A row that is too
    long (a quotation mark that nobody closes) ends as one that is no CSV."""

    def __init__(self, file: Iterator[str]) -> None:
        self._file = file
        self.last: list[str] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self._size = self._size + len(line) if self.last else len(line)
        self.last.append(line)
        if self._size > MAX_LINE:
            raise csv.Error(f"a row of more than {MAX_LINE} characters")
        return line


def _unwrapped(line: int, cells: list[str], delimiter: str) -> Row:
    if any(cell.strip() for cell in cells[1:]):
        return Row(line, cells)
    text = cells[0] if cells else ""
    inner = list(parsed(io.StringIO(text.rstrip("\t "), newline=""), Layout(delimiter)))
    if len(inner) == 1 and inner[0].fault is None:
        return Row(line, inner[0].cells)
    fault = inner[0].fault if inner and inner[0].fault else None
    if not inner:
        return Row(line, [])
    told = Remark("bad-row", "is several rows inside one", "get the file from its publisher", "error", True)
    return Row(line, [text], fault or told)


class _Joined:
    """The rows of another file of the report, by the text that joins them to the main file."""

    def __init__(self, part: Part, found: tuple[Table, tuple[Remark, ...]], reader: CsvReader) -> None:
        self._part, (table, self._remarks), self._reader = part, found, reader
        self._names = table.names
        self._rows: dict[str, list[Row]] = {}
        self._alone: list[Row] = []
        position = table.names.index(part.join) if part.join in table.names else len(table.names)
        for row in table.rows:
            fits = row.fault is None and position < len(row.cells)
            if fits and rows.misfit(row, table.names, reader.short_rows) is None:
                self._rows.setdefault(row.cells[position].strip(), []).append(row)
            elif any(cell.strip() for cell in row.cells):
                self._alone.append(row)

    def of(self, key: str) -> Iterator[Leaf]:
        """The leaves of what is joined to that text, each row once."""
        found = self._rows.pop(key, [])
        return iter(rows.stepped(self._part.step, found, self._names, self._reader.empty))

    def rest(self) -> Record:
        """What nothing asked for."""
        left = [row for found in self._rows.values() for row in found] + self._alone
        leaves = tuple(rows.stepped(self._part.step, left, self._names, self._reader.empty))
        return Record("", 1, leaves, self._remarks)


def _with(record: Record, key_column: str, joined: list[_Joined]) -> Record:
    if not joined:
        return record
    keys = (leaf.value.strip() for leaf in record.leaves if leaf.pattern == key_column)
    key = next(keys, "")
    more = tuple(leaf for other in joined for leaf in other.of(key)) if key else ()
    return Record(record.kind, record.line, record.leaves + more, record.remarks)


def parts(given: Path | Sequence[Path], reader: CsvReader, name: str) -> list[tuple[Part | None, Path]]:
    """The files of the report, the main one first. Raises ReportError where one is missing or twice."""
    if not reader.parts:
        return [(None, path) for path in ([given] if isinstance(given, Path) else given)]
    files = (
        sorted(given.iterdir()) if isinstance(given, Path) and given.is_dir()
        else [given] if isinstance(given, Path) else list(given)
    )  # fmt: skip
    found: list[tuple[Part | None, Path]] = []
    for part in sorted(reader.parts, key=lambda part: part.join is not None):
        fitting = [file for file in files if fnmatchcase(file.name.casefold(), part.name.casefold())]
        if len(fitting) > 1:
            told = ", ".join(file.name for file in fitting)
            raise ReportError(f"{name}: {told} could all be {part.name}; keep one of them")
        if not fitting and not part.optional:
            wanted = ", ".join(each.name for each in reader.parts if not each.optional)
            raise ReportError(f"{name}: has no file {part.name}; the report is {wanted} together")
        found += [(part, file) for file in fitting]
    return found


def sniff(head: bytes, delimiters: Sequence[str], header: Header) -> list[Row]:
    """The first rows as the header says they are (or as they may be); never raises."""
    encoding = encoding_of_head(head)
    try:
        text = head.decode(encoding or "utf-8", "ignore" if encoding else "strict")
    except UnicodeDecodeError:
        text = head.decode("windows-1252", "replace")
    if text.lstrip()[:1] in {"<", "{", "["} or text.startswith("PK\x03\x04"):
        return []
    layout = layout_of(text, delimiters, header)
    return _first_rows(text, layout) if layout is not None else []
