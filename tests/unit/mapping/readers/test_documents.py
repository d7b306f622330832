"""Documents that are one record, files that are lines or one document, and keys with dots in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers.dispatch import opened
from taxii_hub.mapping.readers.options import JsonReader, Reader, XmlReader
from taxii_hub.mapping.record import Record

EITHER = JsonReader(frozenset({"."}), lines=True, whole=True, dotted=True)


def read(reader: Reader, folder: Path, text: str) -> list[Record]:
    path = folder / "report"
    path.write_text(text, encoding="utf-8")
    with opened(reader, path, "report") as report:
        return list(report.records)


def said(record: Record) -> list[tuple[str, str]]:
    return [(leaf.path, leaf.value) for leaf in record.leaves]


def test_the_root_may_be_the_record(tmp_path: Path) -> None:
    text = '<ioc id="1"><short_description>Heron</short_description><a><ioc>inner</ioc></a></ioc>'
    head, record = read(XmlReader(frozenset({"ioc"})), tmp_path, text)
    assert (head.kind, head.leaves) == ("", ())
    assert record.kind == "ioc"
    assert said(record) == [("@id", "1"), ("short_description", "Heron"), ("a/ioc", "inner")]


def test_xinclude_in_a_document_that_is_the_record_is_refused(tmp_path: Path) -> None:
    text = '<ioc><x:include xmlns:x="http://www.w3.org/2001/XInclude" href="a"/></ioc>'
    with pytest.raises(ReportError, match="XInclude"):
        read(XmlReader(frozenset({"ioc"})), tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a.b": 1}\n\n{"a.b": 2}\n',
        '[{"a.b": 1},\n {"a": {"b": 2}}]',
        '\ufeff\n[\n{"a.b": 1}, {"a.b": 2}]',
    ],
)
def test_lines_a_list_or_one_document_give_the_same(text: str, tmp_path: Path) -> None:
    _, *records = read(EITHER, tmp_path, text)
    assert [said(record) for record in records] == [[("a/b", "1")], [("a/b", "2")]]


def test_a_document_over_several_lines_is_one_record(tmp_path: Path) -> None:
    _, record = read(EITHER, tmp_path, '{\n "a.b": {"c.d": 1},\n "..": 2, "e.": 3\n}')
    assert said(record) == [("a/b/c/d", "1"), ("..", "2"), ("e.", "3")]


def test_a_bad_line_costs_itself_only(tmp_path: Path) -> None:
    _, bad, good = read(EITHER, tmp_path, '{"a": 1\n{"a": 2}')
    assert bad.remarks[0].fatal
    assert said(good) == [("a", "2")]


def test_nothing_at_all_is_no_record(tmp_path: Path) -> None:
    assert [record.kind for record in read(EITHER, tmp_path, "\n \n")] == [""]
