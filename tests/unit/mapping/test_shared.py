"""Elements outside of records, to which records refer; and files that are a part of a list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import MappingError
from taxii_hub.mapping.constants import DESIGNATION, EDITION
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings

Make = Callable[..., Spec]
Run = Callable[..., Conversion]

SHARED = (
    ("records: [ROW]}", 'records: [ROW], shared: {TOWN: "@id"}}'),
    ("  PHONE: line\n", '  PHONE: line\n  "@id": line\n  "@at": line\n  LABEL: line\n  SINCE: day\n'),
    ("      listed_on: BORN\n", "      listed_on: BORN\n      addresses: {call: towns}\n"),
    ("ignore:\n", 'ignore:\n  "@row": Row number.\n'),
)
HOOKS = """
    def towns(view):
        number = view.get("@at")
        town = view.shared("TOWN", number) if number is not None else None
        if town is None:
            return []
        since = town.get("SINCE")
        if since is not None and since.data < "2000-01-01":
            view.warn(since, "is long ago", "look at it")
        return [{"text": town.get("LABEL"), "source": {"key": number}, "note": since}]
"""
TOWN = '<TOWN id="t1" row="9"><LABEL>Port Larch</LABEL><SINCE>1999-01-01</SINCE></TOWN>'
TWO = '<ROW at="t1"><REF>1</REF></ROW><ROW at="t1"><REF>2</REF></ROW>'


def paths(made: Conversion) -> dict[str, dict[str, int]]:
    return {entry["path"]: entry["buckets"] for entry in made.account["paths"]}


def residual(made: Conversion) -> list[tuple[str, str]]:
    (report,) = [o for o in made.objects() if o["type"] == "report"]
    return [(leaf["path"], leaf["value"]) for leaf in report["extensions"][EDITION].get("residual", [])]


def test_every_record_that_refers_to_it_has_it_and_it_is_counted_once(make: Make, run: Run) -> None:
    made = run(make(*SHARED, hooks=HOOKS), TOWN + TWO)
    said = [
        o["extensions"][DESIGNATION]["addresses"]
        for o in made.objects()
        if DESIGNATION in o.get("extensions", {})
    ]
    assert said == [
        [{"text": "Port Larch", "source": {"key": key}, "note": "1999-01-01"}] for key in ("t1", "t1")
    ]
    assert made.records == 2
    assert made.account["leaves"] == sum(made.account["buckets"].values()) == 1 + 4 + 4
    assert paths(made)["LABEL"] == {"carried": 1}
    assert paths(made)["@row"] == {"ignored": 1}


def test_a_problem_with_what_it_says_is_one_of_the_record_without_a_place_in_it(make: Make, run: Run) -> None:
    made = run(make(*SHARED, hooks=HOOKS), TOWN + TWO)
    assert [(p.record, p.path, p.message) for p in made.problems] == [
        ("1", None, "is long ago"),
        ("2", None, "is long ago"),
    ]


def test_what_no_record_uses_is_kept_with_the_edition(make: Make, run: Run) -> None:
    made = run(make(*SHARED, hooks=HOOKS), TOWN + "<ROW><REF>1</REF></ROW>")
    assert residual(made) == [("TOWN/@id", "t1"), ("TOWN/LABEL", "Port Larch"), ("TOWN/SINCE", "1999-01-01")]
    assert made.problems == ()


def test_what_the_mapping_does_not_know_of_it_is_a_problem(make: Make, run: Run) -> None:
    made = run(
        make(*SHARED, hooks=HOOKS), '<TOWN id="t1"><COLOUR2>x</COLOUR2><SINCE>soon</SINCE></TOWN>' + TWO
    )
    assert [(p.code, p.path) for p in made.problems if p.record is None] == [
        ("unlisted-field", "COLOUR2"),
        ("bad-value", "SINCE"),
    ]
    assert made.account["buckets"]["unlisted"] == 1


def test_a_reference_to_nothing_is_a_problem(make: Make, run: Run) -> None:
    made = run(make(*SHARED, hooks=HOOKS), TWO + TOWN)
    assert [(p.code, p.value) for p in made.problems] == [("no-reference", "t1"), ("no-reference", "t1")]


WHOLE_IF = (
    ("  LIST/@date: moment\n", "  LIST/@date: moment\n  LIST/@kind: line\n"),
    ("ignore:\n", "editions: {whole_if: {LIST/@kind: whole}, list: LIST/@kind}\nignore:\n"),
)


@pytest.mark.parametrize(
    ("said", "whole"),
    [(' kind="whole"', True), (' kind=" whole "', True), (' kind="part"', False), ("", False)],
)
def test_a_file_says_whether_it_is_the_whole_list(make: Make, tmp_path: Path, said: str, whole: bool) -> None:
    path = tmp_path / "list.xml"
    path.write_text(f'<LIST date="2026-01-02"{said}><ROW><REF>1</REF></ROW></LIST>')
    assert convert(make(*WHOLE_IF), path, ConvertOptions(Settings().id_namespace)).whole is whole


def test_one_path_says_it(make: Make) -> None:
    with pytest.raises(MappingError, match="one path with its text is wanted"):
        make(WHOLE_IF[0], ("ignore:\n", "editions: {whole_if: {LIST/@kind: whole, REF: x}}\nignore:\n"))
