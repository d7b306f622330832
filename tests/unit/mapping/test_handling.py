"""Records with caveats of their own (R4, R5): nothing is marked weaker than its source says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taxii_hub.errors import MappingError
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.spec import Spec
from taxii_hub.stix.markings import TLP_2_IDS, TLP_WORDS

Make = Callable[..., Spec]
Run = Callable[..., Conversion]

COLOURS = ("{red: warm, blue: cold, grey: null}", "{red: red, blue: clear, grey: null}")
NO_TITLE = ("      titles: [{lookup: colours, of: COLOUR}]\n", "")
BY = ("markings: {tlp: green,", "markings: {tlp: green, by: {lookup: colours, of: COLOUR},")
WANTED = (
    "markings: {tlp: green,",
    "markings: {tlp: green, required: true, by: {lookup: colours, of: COLOUR},",
)
PLACE = "<PLACE><TOWN>Larch</TOWN><LAND>France</LAND></PLACE>"
RELATED = (
    "  - {from: subject, type: located-at, to: place}",
    "  - {from: subject, type: related-to, to: subject, keys: PHONE}",
)


def row(key: str, colour: str = "", more: str = "") -> str:
    said = f"<COLOUR>{colour}</COLOUR>" if colour else ""
    return f"<ROW><REF>{key}</REF>{said}{more}</ROW>"


def word(item: dict[str, Any]) -> str:
    (found,) = [TLP_WORDS[ref] for ref in item["object_marking_refs"] if ref in TLP_WORDS]
    return found


def of_type(made: Conversion, object_type: str) -> list[dict[str, Any]]:
    return [o for o in made.objects() if o["type"] == object_type]


def test_each_record_is_marked_as_it_says_and_the_report_as_the_strictest(make: Make, run: Run) -> None:
    made = run(make(COLOURS, NO_TITLE, BY), row("1", "blue") + row("2", "red") + row("3"))
    named = {o["name"]: word(o) for o in of_type(made, "identity")}
    assert (named["1"], named["2"], named["3"], named["Atlantis"]) == ("clear", "red", "green", "green")
    assert [word(o) for o in of_type(made, "report")] == ["red"]
    ids = {o["id"] for o in made.objects()}
    assert {TLP_2_IDS["clear"], TLP_2_IDS["red"], TLP_2_IDS["green"]} <= ids
    assert made.account["buckets"]["mapped"] == made.account["leaves"]


def test_a_shared_place_is_never_marked_weaker_than_a_record_that_names_it(make: Make, run: Run) -> None:
    made = run(make(COLOURS, NO_TITLE, BY), row("1", "blue", PLACE) + row("2", "red", PLACE))
    assert sorted(word(o) for o in of_type(made, "location")) == ["clear", "red"]
    assert sorted(word(o) for o in of_type(made, "relationship")) == ["clear", "red"]
    assert made.failed_records == 0


def test_what_relates_two_records_is_marked_like_the_stricter(make: Make, run: Run) -> None:
    rows = row("1", "blue", "<PHONE>2</PHONE>") + row("2", "red", "<PHONE>1</PHONE>")
    made = run(make(COLOURS, NO_TITLE, BY, RELATED), rows)
    assert [word(o) for o in of_type(made, "relationship")] == ["red", "red"]


def test_nobody_but_the_origin_reads_of_a_record_that_is_not_here(make: Make, run: Run) -> None:
    made = run(make(COLOURS, NO_TITLE, BY, RELATED), row("1", "blue", "<PHONE>9</PHONE>"))
    assert [word(o) for o in of_type(made, "identity") if o["name"] == "9"] == ["red"]
    assert [word(o) for o in of_type(made, "relationship")] == ["clear"]


@pytest.mark.parametrize(
    ("colour", "reason"), [("pink", "nobody knows"), ("", "says no caveat"), ("grey", "says no")]
)
def test_a_record_without_a_known_caveat_is_not_converted(
    make: Make, run: Run, colour: str, reason: str
) -> None:
    made = run(make(COLOURS, NO_TITLE, WANTED), row("1", colour) + row("2", "red"))
    assert made.failed == ("1",)
    assert reason in made.problems[0].message
    assert made.problems[0].line


def test_a_refused_record_names_the_value_and_what_the_record_was(make: Make, run: Run) -> None:
    made = run(make(COLOURS, NO_TITLE, WANTED), row("1", "pink"))
    (problem,) = made.problems
    assert (problem.path, problem.value) == ("COLOUR", "pink")
    assert "sha256:" in problem.message


def test_required_is_true_or_false(make: Make) -> None:
    with pytest.raises(MappingError, match=r"markings\.required: must be true or false"):
        make((WANTED[0], WANTED[1].replace("required: true", "required: perhaps")))
