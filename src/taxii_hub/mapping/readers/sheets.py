"""Workbooks (XLSX, ODS): the values that were stored when they were saved; no formula is evaluated.

A workbook is a ZIP file that calamine unpacks as a whole, into a table that has every cell between the
first and the last one. So sizes, ratios and the extent of every sheet are looked at before.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

import python_calamine
from lxml import etree

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers import rows
from taxii_hub.mapping.readers.options import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_DOCUMENT,
    MAX_EXPANDED,
    MAX_RATIO,
    Header,
    Sheet,
    SheetReader,
)
from taxii_hub.mapping.readers.rows import Row, RowRules, Table
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.readers.xml import HARDENED, local_name
from taxii_hub.mapping.record import Leaf, Record, Remark

MAX_MEMBERS: Final = 2_000
_SMALL: Final = 1 << 20
_CELL: Final = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_MEMBER: Final = re.compile(r"xl/worksheets/[^/]+\.xml")
_TAIL: Final = 200


def records(stream: SourceStream, reader: SheetReader) -> Iterator[Record]:
    """First a record of kind ``""`` (what stands before the headers), then the rows of every sheet that
    fits, in the order of the workbook. Raises ReportError."""
    data = stream.read_all(MAX_DOCUMENT)
    name = stream.name
    workbook = opened(data, name)
    found = list(_tables(workbook, reader, name))
    if not found:
        wanted = " or ".join(repr(sheet.name) for sheet in reader.sheets if sheet.outside is None)
        raise ReportError(f"{name}: has no sheet {wanted}; it has {', '.join(workbook.sheet_names)}")
    heads = [rows.head(table) for _, _, table in found]
    unread = tuple(
        Remark("unread-sheet", f"has a sheet {other!r} that the mapping does not read", "remove it")
        for other in _others(workbook, reader)
    )
    leaves = tuple(leaf for head in heads for leaf in head.leaves) if len(heads) == 1 else _stepped(heads)
    yield Record("", 1, (*leaves, *_outside(workbook, reader, name)), unread)
    for sheet, title, table in found:
        rules = RowRules(reader.empty, True, reader.kinds, reader.kind_column, sheet.kind)
        for record in rows.records(table, rules, reader.group):
            yield record if len(found) == 1 else _titled(record, title)


def _stepped(heads: list[Record]) -> tuple[Any, ...]:
    """Preambles of several sheets, as the sheets' number says."""
    made = []
    for number, head in enumerate(heads, 1):
        for leaf in head.leaves:
            path = leaf.path.replace("preamble", f"preamble[{number}]/row", 1)
            made.append(type(leaf).at(path, leaf.value, leaf.line))
    return tuple(made)


def _titled(record: Record, title: str) -> Record:
    """Lines of several sheets are told apart by the problem's words only: the sheet stands in them."""
    remarks = tuple(
        Remark(r.code, f"(sheet {title!r}) {r.message}", r.remedy, r.severity, r.fatal)
        for r in record.remarks
    )
    return Record(record.kind, record.line, record.leaves, remarks)


def _outside(workbook: python_calamine.CalamineWorkbook, reader: SheetReader, name: str) -> Iterator[Leaf]:
    """The cells of sheets that hold no records."""
    begun: Counter[str] = Counter()
    for title in workbook.sheet_names:
        sheet = _fitting(title, reader)
        if sheet is None or sheet.outside is None:
            continue
        for row in _rows(workbook, title, name, reader.fill_merged):
            begun[sheet.outside] += 1
            for column, cell in enumerate(row.cells, 1):
                if cell.strip():
                    yield Leaf.at(f"{sheet.outside}[{begun[sheet.outside]}]/{column}", cell, row.line)


def opened(data: bytes, name: str) -> python_calamine.CalamineWorkbook:
    """The workbook, after its sizes were looked at. Raises ReportError."""
    check(data, name)
    try:
        return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    except (python_calamine.CalamineError, python_calamine.ZipError, python_calamine.XmlError) as error:
        raise ReportError(f"{name}: not a workbook that can be read ({error}); save it again") from None
    except python_calamine.PasswordError:
        raise ReportError(f"{name}: is protected by a password; save it without") from None


def _tables(
    workbook: python_calamine.CalamineWorkbook, reader: SheetReader, name: str
) -> Iterator[tuple[Sheet, str, Table]]:
    for title in workbook.sheet_names:
        sheet = _fitting(title, reader)
        if sheet is None or sheet.outside is not None:
            continue
        found = rows.table(_rows(workbook, title, name, reader.fill_merged), sheet.header)
        if found is not None:
            yield sheet, title, found
        elif any(sheet.header.required):
            wanted = ", ".join(sheet.header.required)
            told = f"none of the first {rows.SEARCHED} rows of sheet {title!r} is the header ({wanted})"
            raise ReportError(f"{name}:1: {told}; add it, or correct the columns' names")


def _fitting(title: str, reader: SheetReader) -> Sheet | None:
    folded = title.strip().casefold()
    return next((s for s in reader.sheets if fnmatchcase(folded, s.name.casefold())), None)


def _others(workbook: python_calamine.CalamineWorkbook, reader: SheetReader) -> list[str]:
    return [title for title in workbook.sheet_names if _fitting(title, reader) is None]


def _rows(workbook: Any, title: str, name: str, fill_merged: bool) -> Iterator[Row]:
    try:
        sheet = workbook.get_sheet_by_name(title)
    except python_calamine.CalamineError as error:
        raise ReportError(f"{name}: sheet {title!r} cannot be read ({error}); save it again") from None
    if sheet.start is None:
        return
    first, left = sheet.start
    if sheet.width > MAX_COLUMNS:
        raise ReportError(f"{name}: sheet {title!r} has {sheet.width} columns; remove the empty ones")
    filled = _merged(sheet) if fill_merged else {}
    values: dict[tuple[int, int], str] = {}
    for number, row in enumerate(sheet.to_python(skip_empty_area=True), first + 1):
        cells = [text_of(value) for value in row]
        for column in range(len(cells)):
            place = (number, column + left)
            if place in filled and not cells[column]:
                cells[column] = values.get(filled[place], "")
            elif place in filled.values():
                values[place] = cells[column]
        yield Row(number, cells)


def _merged(sheet: Any) -> dict[tuple[int, int], tuple[int, int]]:
    """Cell (row from 1, column from 0) → the first cell of its range."""
    made: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if (bottom - top + 1) * (right - left + 1) > MAX_COLUMNS:
            continue
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if (row, column) != (top, left):
                    made[row + 1, column] = (top + 1, left)
    return made


def text_of(value: Any) -> str:
    """A cell as text: whole numbers without a point, dates as ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return _duration(value) if isinstance(value, timedelta) else str(value)


def _duration(value: timedelta) -> str:
    return f"{value.total_seconds():g} s"


def check(data: bytes, name: str) -> None:
    """Refuse what would need too much memory: by the ZIP directory's sizes, then by the real ones."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or len({m.filename for m in members}) < len(members):
                raise ReportError(f"{name}: {len(members)} parts, or some of them twice; that is no workbook")
            for member in members:
                if member.file_size > MAX_RATIO * max(member.compress_size, _SMALL // MAX_RATIO):
                    raise ReportError(_bomb(name, member.filename))
                if member.flag_bits & 1:
                    raise ReportError(f"{name}: is protected by a password; save it without")
            _unpack(archive, members, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise ReportError(f"{name}: not a workbook, or a damaged one ({error}); get the file again") from None


def _bomb(name: str, member: str) -> str:
    return f"{name}: {member} grows more than {MAX_RATIO} times when unpacked; that is no workbook"


def _unpack(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str) -> None:
    total = 0
    for member in members:
        if member.filename == "content.xml":
            with archive.open(member) as file:
                _check_ods(file, name)
        extent, tail, size = (0, 0), b"", 0
        with archive.open(member) as file:
            while chunk := file.read(1 << 18):
                size += len(chunk)
                total += len(chunk)
                if size > MAX_RATIO * max(member.compress_size, _SMALL // MAX_RATIO) or total > MAX_EXPANDED:
                    raise ReportError(_bomb(name, member.filename))
                if _MEMBER.fullmatch(member.filename):
                    extent = _extent(tail + chunk, extent)
                    tail = chunk[-_TAIL:]
        if extent[0] * extent[1] > MAX_CELLS:
            told = f"{member.filename} reaches from its first cell to row {extent[0]}, column {extent[1]}"
            raise ReportError(f"{name}: {told}; remove the cells far off")


def _extent(data: bytes, known: tuple[int, int]) -> tuple[int, int]:
    """The last row and column among the cells of a piece of a sheet (a cell without a reference stands
    beside the one before: it cannot be far off)."""
    last_row, last_column = known
    for found in _CELL.finditer(data):
        column = 0
        for letter in found[1]:
            column = column * 26 + letter - 64
        last_row, last_column = max(last_row, int(found[2])), max(last_column, column)
    return last_row, last_column


def _check_ods(file: Any, name: str) -> None:
    """ODS repeats rows and cells by a number: what it would be when written out."""
    cells = width = 0
    for _, element in etree.iterparse(file, events=("end",), **HARDENED):
        kind = local_name(element)
        if kind == "table-cell":
            says = len(element) or any(local_name_of(key) == "value-type" for key in element.attrib)
            width += _repeat(element, "number-columns-repeated") if says else 0
        elif kind == "table-row":
            cells += width * _repeat(element, "number-rows-repeated")
            width = 0
            element.clear()
        if cells > MAX_CELLS or width > MAX_CELLS:
            raise ReportError(f"{name}: repeats cells more than {MAX_CELLS} times; that is no report")


def local_name_of(key: str) -> str:
    """An attribute's name without its namespace."""
    return key.rpartition("}")[2]


def _repeat(element: Any, attribute: str) -> int:
    said = next((v for k, v in element.attrib.items() if local_name_of(k) == attribute), "1")
    return int(said) if said.isdigit() else 1


def sniff(data: bytes, header: Header) -> dict[str, tuple[str, ...] | None]:
    """Sheet → its columns, None where none of its first rows has what the header requires; empty for
    what is no workbook. Never raises."""
    try:
        workbook = opened(data, "workbook")
        found = {}
        for title in workbook.sheet_names:
            table = rows.table(_rows(workbook, title, "workbook", fill_merged=False), header)
            found[title] = None if table is None else table.names
    except ReportError:
        return {}
    return found
