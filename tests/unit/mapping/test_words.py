from __future__ import annotations

import dataclasses
from collections.abc import Callable

from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.spec import Spec
from taxii_hub.mapping.words import problem_line, summary
from taxii_hub.model import Problem


def test_a_problem_says_where_what_and_what_to_do() -> None:
    whole = Problem("c", "is no date", "warning", "f.xml", 12, "R1", "A/B", "soon", "correct it")
    assert problem_line(whole) == "f.xml:12: R1: A/B = 'soon' is no date; correct it"
    assert problem_line(Problem("c", "is broken", source="f.xml")) == "f.xml: is broken"


def test_a_summary_says_where_the_values_went(
    make: Callable[..., Spec], run: Callable[..., Conversion]
) -> None:
    made = run(make(), "<ROW><REF>1</REF></ROW>")
    assert summary(made) == (
        "tiny_list, edition 2026-01-02: 1 record → 10 objects. 2 source values: 2 mapped. no problems."
    )
    made = run(make(), "<ROW/><ROW><REF>1</REF><NEW>x</NEW></ROW>")
    assert "2 records (1 not converted)" in summary(made)
    assert summary(made).endswith("2 problems.")
    assert summary(dataclasses.replace(made, problems=made.problems[:1])).endswith("1 problem.")
