"""Formats that carry one list in several containers, and tables that say what any other text means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taxii_hub.errors import BadValueError
from taxii_hub.mapping.cleaners import us_day
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.document import readme_text
from taxii_hub.mapping.spec import Spec

Make = Callable[..., Spec]
Run = Callable[..., Conversion]

FAMILY = ("  title: Tiny list", "  title: Tiny list\n  family: tiny")
OTHERS = ("grey: null}", 'grey: null, "*": other}')
ROW = "<ROW><REF>1</REF><NAME>Ann</NAME></ROW>"


def ids(made: Conversion) -> set[str]:
    return {item["id"] for item in made.objects() if item["type"] != "report"}


def test_a_family_shares_its_ids_and_says_so(make: Make, run: Run) -> None:
    alone, family = run(make(), ROW), run(make(FAMILY), ROW)
    assert len(ids(alone) - ids(family)) == 1
    again = run(make(FAMILY, ('version: "1"', 'version: "2"')), ROW)
    assert ids(again) == ids(family)
    assert "the family `tiny` makes the same ids" in readme_text(make(FAMILY))
    assert "family" not in readme_text(make())


def test_a_table_may_say_what_any_other_text_means(make: Make, run: Run) -> None:
    made = run(make(OTHERS), "<ROW><REF>1</REF><COLOUR>pink</COLOUR></ROW>")
    assert b'"titles":["other"]' in b"".join(made.data)
    assert made.problems == ()


def test_a_condition_looks_at_every_value_of_its_path(make: Make, run: Run) -> None:
    other = (
        "  place:\n",
        "  warm:\n    type: threat-actor\n    when: {lookup: colours, of: COLOUR, is: warm}\n    set: {name: NAME}\n  place:\n",
    )
    row = "<ROW><REF>1</REF><NAME>Ann</NAME><COLOUR>blue</COLOUR>{}</ROW>"
    made = run(make(other), row.format("<COLOUR>red</COLOUR>"))
    assert any(item["type"] == "threat-actor" for item in made.objects())
    made = run(make(other), row.format("<COLOUR>blue</COLOUR>"))
    assert not any(item["type"] == "threat-actor" for item in made.objects())


def test_a_function_knows_the_object_of_the_record(make: Make, run: Run) -> None:
    hooks = """
    def note(view, emitter):
        emitter.relate(emitter.main, "related-to", emitter.main)
    """
    made = run(make(("main: subject", "main: subject\nbuild: [note]"), hooks=hooks), ROW)
    (found,) = [item for item in made.objects() if item["type"] == "relationship"]
    assert found["source_ref"] == found["target_ref"]
    assert found["source_ref"].startswith("identity--")


def test_a_us_date_has_the_month_first() -> None:
    assert us_day(" 03/28/2025 ").data == "2025-03-28"
    for text in ("28/03/2025", "2025-03-28", "3/8/2025", "02/30/2025", ""):
        with pytest.raises(BadValueError):
            us_day(text)


def test_a_file_that_miscounts_its_records_is_a_problem(make: Make, run: Run) -> None:
    counted = (
        ("dates:", "editions: {count: LIST/COUNT}\ndates:"),
        ("  REF: line", "  LIST/COUNT: line\n  REF: line"),
    )
    assert run(make(*counted), f"<COUNT>1</COUNT>{ROW}").problems == ()
    (problem,) = run(make(*counted), f"<COUNT>2</COUNT>{ROW}").problems
    assert (problem.code, problem.path, problem.value) == ("incomplete", "LIST/COUNT", "2")
    assert "holds: 1" in problem.message
