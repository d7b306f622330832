"""Sheets of a workbook that hold no records."""

from __future__ import annotations

from pathlib import Path

from taxii_hub.mapping.readers.options import Header, Sheet, SheetReader
from taxii_hub.mapping.readers.sheets import records
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Record
from taxii_hub.mapping.workbook import workbook

HEADER = Header(("Ref",), {}, ())
READER = SheetReader(
    kinds=frozenset({"person"}),
    sheets=(Sheet("Contents*", "row", HEADER, outside="index"), Sheet("*", "person", HEADER)),
    empty=frozenset(),
    group=None,
    kind_column=None,
    fill_merged=False,
)


def read(path: Path) -> list[Record]:
    with SourceStream(path) as stream:
        return list(records(stream, READER))


def test_their_cells_stand_outside_of_records_numbered_through_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(
        workbook(
            {
                "Contents": [["1", "Persons"], [None, "Notes"]],
                "Contents (2)": [["end"]],
                "Persons": [["Ref"], ["A1"]],
            }
        )
    )
    head, person = read(path)
    assert [(leaf.path, leaf.pattern, leaf.value) for leaf in head.leaves] == [
        ("index[1]/1", "index/1", "1"),
        ("index[1]/2", "index/2", "Persons"),
        ("index[2]/2", "index/2", "Notes"),
        ("index[3]/1", "index/1", "end"),
    ]
    assert head.remarks == ()
    assert (person.kind, [leaf.value for leaf in person.leaves]) == ("person", ["A1"])
