"""The transparency report: numbers of the log, from which no small one can be found."""

from __future__ import annotations

from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.ledger.export import ExportError
from taxii_hub.ledger.transparency import NOWHERE, OVERDUE, SMALL, Tally, hidden, tally_export, text_of

APPLIED = {"kind": "catalogue-apply", "frameworks": {"five-eyes": [1, 2]}, "by": {"account": "x"}}


def leaf(kind: str, agency: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "feed": 1, "by": {"agency": agency, "account": "a"}, **more}


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5))
@settings(max_examples=200)
def test_no_small_number_can_be_told_from_what_is_shown(row: list[int]) -> None:
    out, no_total = hidden(row)
    assert {place for place, number in enumerate(row) if number < SMALL} <= out
    shown = sum(number for place, number in enumerate(row) if place not in out)
    if no_total:
        assert len(out) == len(row)
        return
    missing = sum(row) - shown
    for place in out:
        others = len(out) - 1
        possible = {
            n
            for n in range(1, missing + 1)
            if (others == 0 and n == missing) or (others > 0 and missing - n >= others)
        }
        assert max(possible) >= SMALL, (row, place)
        assert len(possible) > 1, (row, place)


def test_rows_without_small_numbers_are_shown_whole() -> None:
    for row in product((5, 9), repeat=3):
        assert hidden(row) == (frozenset(), False)


def test_numbers_are_counted_by_framework_and_agency_in_the_time_asked_for() -> None:
    tally = Tally(since=10, until=100)
    tally.take(APPLIED, 1)
    for at in (5, 10, 99, 100):
        tally.take(leaf("publish", "gb-owl", stored=7), at)
    tally.take(
        {"kind": "expire", "feed": 2, "by": {"account": "hub"}, "origins": {"gb-owl": 6, "us-elk": 8}}, 50
    )
    tally.take({"kind": "reviews-overdue", "feed": 1, "by": {"account": "hub"}, "agencies": {"us-elk": 9}}, 3)
    tally.take(
        {"kind": "reviews-overdue", "feed": 1, "by": {"account": "hub"}, "agencies": {"us-elk": 6}}, 50
    )
    for _ in range(5):
        tally.take({"kind": "audit-read", "by": {"account": "root@hub"}}, 20)
    found = {(line.framework, line.measure): (dict(line.agencies), line.total) for line in tally.lines()}
    assert found == {
        (NOWHERE, "looks at the log"): ({NOWHERE: 5}, 5),
        ("five-eyes", "objects published"): ({"gb-owl": 14}, 14),
        ("five-eyes", "versions erased because they were over"): ({"gb-owl": 6, "us-elk": 8}, 14),
        ("five-eyes", OVERDUE): ({"us-elk": 6}, 6),
    }
    assert "five-eyes" in text_of(tally.lines())


def test_a_small_number_takes_its_total_or_a_neighbour_with_it() -> None:
    tally = Tally()
    tally.take(APPLIED, 1)
    tally.take(leaf("publish", "gb-owl", stored=2), 2)
    (line,) = tally.lines()
    assert (line.agencies, line.total) == ((("gb-owl", None),), None)
    tally.take(leaf("publish", "us-elk", stored=30), 3)
    tally.take(leaf("publish", "fr-coq", stored=40), 3)
    (line,) = tally.lines()
    assert dict(line.agencies) == {"gb-owl": None, "us-elk": None, "fr-coq": 40}
    assert line.total == 72
    assert "-" in text_of((line,))


@pytest.mark.parametrize("line", [b"{}", b"no json", b'{"export": 1}\n{"n": 1}'])
def test_what_is_no_export_is_refused(line: bytes) -> None:
    with pytest.raises(ExportError):
        tally_export(line.split(b"\n"), None, None)


def test_an_export_is_counted_by_its_rows() -> None:
    row = {
        "n": 0,
        "hash": "00",
        "leaf": orjson.dumps({**leaf("erase", "gb-owl"), "at": "2026-01-01T00:00:00.000Z"}).decode(),
    }
    lines = [b'{"export": 1}', b'{"checkpoint": 1}', *[orjson.dumps(row)] * 6]
    (line,) = tally_export(lines, None, None).lines()
    assert (line.framework, line.measure, line.total) == ("(collection 1)", "erasures", 6)
