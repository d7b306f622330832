"""CSV, JSON and workbooks: damage, guesses and limits are said with their place (R8)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers.dispatch import Source, opened
from taxii_hub.mapping.readers.options import (
    ROW,
    CsvReader,
    Group,
    Header,
    JsonReader,
    Part,
    Reader,
    Sheet,
    SheetReader,
)
from taxii_hub.mapping.record import Record
from taxii_hub.mapping.workbook import workbook

KINDS = frozenset({ROW})
HEADER = Header(("Ref", "Name"), {"Full name": "Name"}, ())


def read(reader: Reader, source: Source) -> list[Record]:
    with opened(reader, source, "report") as report:
        return list(report.records)


def csv(header: Header = HEADER, group: Group | None = None, parts: tuple[Part, ...] = ()) -> CsvReader:
    encodings = ("utf-8", "utf-16", "windows-1252")
    return CsvReader(KINDS, (",", ";"), encodings, header, frozenset({"-0-"}), False, group, None, parts)  # type: ignore[arg-type]


def leaves(record: Record) -> dict[str, str]:
    return {leaf.path: leaf.value for leaf in record.leaves}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_csv_in_each_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("Made on;1 May\r\nRef;Full  name\r\n1;Zoë\r\n2;-0-\r\n;\r\n".encode(encoding))
    head, first, second = read(csv(), path)
    assert leaves(head) == {"preamble/1": "Made on", "preamble/2": "1 May"}
    assert [remark.code for remark in head.remarks] == ["guessed-encoding"] * (encoding == "windows-1252")
    assert (leaves(first), first.line) == ({"Ref": "1", "Name": "Zoë"}, 3)
    assert leaves(second) == {"Ref": "2"}


def test_rows_in_quotation_marks_are_repaired_and_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('"Ref;Name\t\t"\n"1;""A; B""\t"\n', encoding="utf-8")
    head, row = read(csv(), path)
    assert [remark.code for remark in head.remarks] == ["damaged-rows"]
    assert leaves(row) == {"Ref": "1", "Name": "A; B"}


def test_bad_rows_cost_themselves(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('Ref,Name\n1\n2,b,c\n"3"x,d\n4,e\n', encoding="utf-8")
    _, *rows = read(csv(), path)
    assert [(r.line, [k.code for k in r.remarks]) for r in rows] == [
        (2, ["row-width"]), (3, ["row-width"]), (4, ["bad-row"]), (5, []),
    ]  # fmt: skip


def test_rows_of_one_group_and_files_of_one_report(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Ref,Name\n2,a\n3,b\n2a,c\n", encoding="utf-8")
    _, first, second = read(csv(group=Group("Ref", number=True)), path)
    assert leaves(first) == {"row[1]/Ref": "2", "row[1]/Name": "a", "row[2]/Ref": "2a", "row[2]/Name": "c"}
    assert leaves(second) == {"row/Ref": "3", "row/Name": "b"}
    (tmp_path / "y_add.csv").write_text("2,Rome\n9,Oslo\n", encoding="utf-8")
    parts = (
        Part("main", "x.csv", ("Ref", "Name"), None, False),
        Part("add", "*_add.csv", ("Ref", "City"), "Ref", False),
    )
    _, _, joined, *_, rest = read(csv(parts=parts), tmp_path)
    assert leaves(joined)["add/City"] == "Rome"
    assert leaves(rest) == {"add/Ref": "9", "add/City": "Oslo"}


def test_json_keeps_what_others_lose(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(
        '{"n": 1.10, "items": [{"a": 1, "a": 2, "l": [["x"]], "t": true, "u": null, "s/t": "\\ud800"}]}'
    )
    head, item = read(JsonReader(frozenset({"items"}), lines=False), path)
    assert leaves(head) == {"n": "1.10"}
    assert leaves(item) == {"a[1]": "1", "a[2]": "2", "l/item": "x", "t": "true", "s~1t": "\ufffd"}
    assert [remark.code for remark in item.remarks] == ["bad-text"]


@pytest.mark.parametrize(
    "text", ['{"items": [{]}', '{"a": 1} {"b": 2}', "[" * 200, '{"items": [1', "{1: 2}", '{"a" 1}']
)
def test_json_that_is_none_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ReportError, match="report"):
        read(JsonReader(frozenset({"items"}), lines=False), path)


def test_a_bad_line_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n{bad\n\n{"a": 2}')
    _, first, bad, last = read(JsonReader(frozenset({"."}), lines=True), path)
    assert (leaves(first), [r.code for r in bad.remarks], last.line) == ({"a": "1"}, ["bad-line"], 4)


def sheet(name: str = "*") -> SheetReader:
    return SheetReader(KINDS, (Sheet(name, ROW, HEADER),), frozenset(), None, None, False)


def test_a_workbook_as_text(tmp_path: Path) -> None:
    from datetime import date

    path = tmp_path / "x.xlsx"
    path.write_bytes(
        workbook({"List": [["Title"], ["Ref", "Name"], [1975, "=1+1"], [2.5, date(2026, 1, 2)]]})
    )
    head, first, second = read(sheet(), path)
    assert leaves(head) == {"preamble/1": "Title"}
    assert leaves(first) == {"Ref": "1975", "Name": "=1+1"}
    assert leaves(second) == {"Ref": "2.5", "Name": "2026-01-02"}
    with pytest.raises(ReportError, match="has no sheet 'Other'"):
        read(sheet("Other"), path)


def test_bombs_are_refused_before_they_grow(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (200 << 20))
    with pytest.raises(ReportError, match="grows more than 100 times"):
        read(sheet(), path)
    made = io.BytesIO(workbook({"List": [["Ref", "Name"], ["1", "a"]]}))
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'r="B2"', b'r="XFD1048576"'))
    with pytest.raises(ReportError, match="remove the cells far off"):
        read(sheet(), path)
    path.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(ReportError, match="not a workbook"):
        read(sheet(), path)
