"""What a mapping leaves out by a named rule: whole records, and texts that stand for nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taxii_hub.errors import MappingError
from taxii_hub.mapping.constants import EDITION
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.document import readme_text
from taxii_hub.mapping.spec import Spec

Make = Callable[..., Spec]
Run = Callable[..., Conversion]

RULES = (
    "ignore:\n",
    (
        "leave_out:\n  cold: {when: {lookup: colours, of: COLOUR, is: cold}, reason: Cold ones are let be.}\n"
        "  nameless: {when: {call: nameless}, reason: Nobody is meant.}\nignore:\n"
    ),
)
HOOKS = """
    def nameless(view):
        return view.get("NAME") is None
"""
ROWS = (
    "<ROW><REF>1</REF><NAME>Ann</NAME></ROW><ROW><REF>2</REF><NAME>Bob</NAME><COLOUR>blue</COLOUR></ROW>"
    "<ROW><REF>3</REF><CLERK>c</CLERK></ROW>"
)


def test_records_are_left_out_and_counted(make: Make, run: Run) -> None:
    made = run(make(RULES, hooks=HOOKS), ROWS)
    assert made.problems == ()
    assert [len(ids) for ids in made.made.values()] == [1, 0, 0]
    assert made.account["left_out"] == {"cold": 1, "nameless": 1}
    assert (made.records, made.failed_records, made.account["buckets"]["ignored"]) == (3, 0, 5)
    targets = {entry["path"]: entry["targets"] for entry in made.account["paths"]}
    assert "rule cold: Cold ones are let be." in targets["NAME"]
    assert targets["CLERK"] == ["rule nameless: Nobody is meant."]
    (report,) = [o for o in made.objects() if o["type"] == "report"]
    assert report["extensions"][EDITION]["left_out"] == {"cold": 1, "nameless": 1}
    assert "3 records, 2 left out by rule, 0 of them not converted" in report["description"]
    assert "Bob" not in b"".join(made.data).decode()


def test_without_rules_nothing_is_said_of_them(make: Make, run: Run) -> None:
    made = run(make(), ROWS)
    assert "left_out" not in made.account
    assert b"left out" not in made.data[-1]


def test_a_text_may_stand_for_nothing(make: Make, run: Run) -> None:
    spec = make(("  PHONE: line\n", '  PHONE: {clean: line, nothing: {"0": "There is no telephone."}}\n'))
    made = run(spec, "<ROW><REF>1</REF><PHONE> 0 </PHONE></ROW><ROW><REF>2</REF><PHONE>05</PHONE></ROW>")
    assert made.problems == ()
    (phone,) = [entry for entry in made.account["paths"] if entry["path"] == "PHONE"]
    assert phone["buckets"] == {"mapped": 1, "ignored": 1}
    assert "There is no telephone." in phone["targets"]
    assert b"residual" not in b"".join(made.data[5:])


def test_the_readme_says_what_is_left_out(make: Make) -> None:
    nothing = ("  PHONE: line\n", '  PHONE: {clean: line, nothing: {"0": "There is no telephone."}}\n')
    page = readme_text(make(RULES, nothing, hooks=HOOKS))
    assert "| `nameless` | Nobody is meant. |" in page
    assert "| `PHONE` where it is `0` | There is no telephone. |" in page


def test_a_record_that_stands_twice_counts_once(make: Make, run: Run) -> None:
    twice = "<ROW><REF>1</REF><NAME>Ann</NAME></ROW>"
    made = run(make(), twice * 2)
    assert (made.problems, made.failed, made.records) == ((), (), 2)
    assert {bucket: n for bucket, n in made.account["buckets"].items() if n} == {
        "mapped": 2,
        "carried": 1,
        "ignored": 2,
    }
    assert len(made.made["1"]) == 1
    other = run(make(), twice + "<ROW><REF>1</REF><NAME>Bob</NAME></ROW>")
    assert [problem.code for problem in other.problems] == ["record"]
    assert other.failed == ("1",)


@pytest.mark.parametrize("rule", ["{when: {present: NAME}}", "{reason: Because.}"])
def test_a_rule_says_when_and_why(make: Make, rule: str) -> None:
    with pytest.raises(MappingError, match="is missing"):
        make(("ignore:\n", f"leave_out:\n  rule: {rule}\nignore:\n"))
