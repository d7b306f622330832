"""Rows that are one record, and a reference that was used again."""

from __future__ import annotations

from taxii_hub.mapping.readers.options import Group, Header
from taxii_hub.mapping.readers.rows import Row, RowRules, records, table
from taxii_hub.mapping.record import Record

START = ("Kind", "primary*")


def read(group: Group, *rows: list[str]) -> list[Record]:
    cells = [["Ref", "Kind", "Name"], *rows]
    found = table(iter([Row(n, c) for n, c in enumerate(cells, 1)]), Header(("Ref",), {}, ()))
    assert found is not None
    return list(records(found, RowRules(frozenset(), False, frozenset({"row"})), group))


def names(record: Record) -> list[str]:
    return [leaf.value for leaf in record.leaves if leaf.pattern == "row/Name"]


def test_a_second_start_of_the_same_text_is_another_record() -> None:
    found = read(
        Group("Ref", number=True, start=START),
        ["7", "Primary Name", "A"],
        ["7a", "aka", "B"],
        ["8", "PRIMARY name ", "C"],
        ["7", "primary", "D"],
        ["7b", "aka", "E"],
    )
    assert [names(record) for record in found] == [["A", "B"], ["C"], ["D", "E"]]


def test_rows_before_the_first_start_belong_to_it() -> None:
    found = read(Group("Ref", number=True, start=START), ["7a", "aka", "B"], ["7", "primary", "A"])
    assert [names(record) for record in found] == [["B", "A"]]


def test_without_a_start_equal_text_is_one_record() -> None:
    found = read(Group("Ref", number=False), ["7", "primary", "A"], ["7", "primary", "B"], ["7a", "aka", "C"])
    assert [names(record) for record in found] == [["A", "B"], ["C"]]


def test_a_start_in_a_column_that_is_not_there_starts_nothing() -> None:
    found = read(Group("Ref", number=False, start=("Colour", "*")), ["7", "x", "A"], ["7", "x", "B"])
    assert [names(record) for record in found] == [["A"], ["B"]]


def test_a_row_without_a_text_goes_on_with_the_row_above_where_that_is_said() -> None:
    rows = ["", "x", "lost"], ["7", "x", "A"], ["", "", "B"], ["8", "x", "C"], ["", "", "D"]
    found = read(Group("Ref", number=False, continued=True), *rows)
    assert [names(record) for record in found] == [["A", "B"], ["C", "D"], []]
    assert len(read(Group("Ref", number=False), *rows)) == 5
