from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import ReportError, UnknownFormatError
from taxii_hub.mapping.detect import detect, verdicts
from taxii_hub.mapping.registry import Registry, load_registry
from taxii_hub.mapping.spec import Spec
from taxii_hub.mapping.workbook import workbook
from taxii_hub.settings import shipped_dir

Make = Callable[..., Spec]
SHIPPED = load_registry(shipped_dir("mappings"))


def registry(*specs: Spec) -> Registry:
    return Registry(Path("m"), {f"{i}": spec for i, spec in enumerate(specs)})


def test_content_decides_and_the_name_does_not(make: Make) -> None:
    spec = make()
    assert detect(registry(spec), b"<LIST><ROW/>", "holiday.jpg") is spec
    (verdict,) = verdicts(registry(spec), b"<LIST><ROW/>", "x")
    assert verdict.reasons == ("root LIST", "the root is enough")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<OTHER/>", "its root is 'OTHER', not 'LIST'"),
        (b"<LIST/>", "the root has no 'date'"),
        (b"<LIST date='1'><X/></LIST>", "none of ROW among its first elements"),
        (b"", "not XML"),
        (b"%PDF-1.7", "not well-formed XML"),
        (b"<!DOCTYPE LIST><LIST/>", "carries a DOCTYPE"),
    ],
)
def test_the_reasons_against(make: Make, content: bytes, reason: str) -> None:
    spec = make(("detect: {root: LIST}", "detect: {root: LIST, attributes: date, any_of: [ROW]}"))
    (verdict,) = verdicts(registry(spec), content, "x")
    assert not verdict.claimed
    assert reason in " ".join(verdict.reasons)


@pytest.mark.parametrize(
    ("content", "nearest"),
    [
        (b"<LIST/>", "; nearest: tiny_list (the root has no 'date', none of ROW among its first elements). "),
        (b"<?xml version='1.0'?><a:LIST xmlns:a='u' day='1'>", "; nearest: tiny_list (the root has no"),
        (b"<LIST><ROW></LIST", "; nearest: tiny_list ("),
        (b"<OTHER/>", "knows this file. "),
        (b'{"LIST": 1}', "knows this file. "),
    ],
)
def test_what_no_mapping_knows_is_told_with_the_nearest(make: Make, content: bytes, nearest: str) -> None:
    spec = make(("detect: {root: LIST}", "detect: {root: LIST, attributes: date, any_of: [ROW]}"))
    with pytest.raises(UnknownFormatError, match="x: no mapping knows this file") as refused:
        detect(registry(spec), content, "x")
    assert nearest in str(refused.value)
    assert "--mapping" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "x:1: is empty; get the file again"),
        (b" \n" * 50_000, "x:1: begins with nothing but blanks; get the file again"),
        (
            b"<?xml version='1.0'?>\n<!--\n--><!DOCTYPE LIST><LIST/>",
            "x:3: carries a DOCTYPE, which is never read; ",
        ),
        (b"\n<!-- -->" * 500 + b"<!DOCTYPE LIST [" + b"x" * 90_000, "x:501: carries a DOCTYPE"),
        (b"<LIST" + b" " * 70_000, "x:1: not XML; get the file again"),
        (b"[" * 100, "x:1: nested more than 64 deep; that is no report"),
        (b"PK\x03\x04", "x: not a workbook, or a damaged one"),
    ],
)
def test_what_nothing_can_read_is_told_with_its_place(make: Make, content: bytes, told: str) -> None:
    with pytest.raises(ReportError) as refused:
        detect(registry(make()), content, "x")
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"Name 6,Name 1,DOB,Group Type,Alias Type,Regime,Group ID\nX,,,,,,1\n",
            "take the UK Sanctions List",
        ),
        (b"celex,recordId,programKey,annex,name\n1,2,3,4,5\n", "eu_fsf_xml"),
        (b"<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'/>", "is an XML schema"),
        (b'{"namespace": "n", "expanded": "e", "predicates": []}', "is a MISP taxonomy"),
    ],
)
def test_what_is_often_taken_for_a_report_is_refused_by_name(make: Make, content: bytes, told: str) -> None:
    with pytest.raises(UnknownFormatError, match=told):
        detect(registry(make()), content, "x")


@pytest.mark.parametrize(
    ("content", "nearest"),
    [
        (b"Reference;Agency;Caveat\nP-1;X;clear\n", "hub_report_csv (no rows with the columns Record, "),
        (b'{"forename": "A", "entity_id": "1"}', "interpol_notice_json ("),
        (b"<sanctionsData><x/></sanctionsData>", "us_ofac_enhanced_xml ("),
        (workbook({"Sheet1": [["Reference", "Agency", "Caveat"]]}), "hub_report_xlsx ("),
    ],
)
def test_among_those_that_travel_with_the_hub(content: bytes, nearest: str) -> None:
    with pytest.raises(UnknownFormatError, match="; nearest: ") as refused:
        detect(SHIPPED, content, "x")
    assert f"; nearest: {nearest}" in str(refused.value)
    assert len(str(refused.value)) < 600


def test_no_mappings_and_two_claims(make: Make) -> None:
    with pytest.raises(UnknownFormatError, match="there are no mappings"):
        detect(registry(), b"<LIST/>", "x")
    with pytest.raises(
        UnknownFormatError, match="could be any of tiny_list, tiny_list; say which with --mapping"
    ):
        detect(registry(make(), make()), b"<LIST/>", "x")


def test_files_are_read_at_their_beginning_only(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"<LIST>" + b"<ROW></ROW>" * 50_000 + b"broken")
    assert detect(registry(make()), path, "big").format == "tiny_list"
    with pytest.raises(ReportError, match=r"gone: cannot be read \(No such file"):
        detect(registry(make()), tmp_path / "gone", "gone")
