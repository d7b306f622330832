"""Dates with windows: as precise as the source, never padded, nothing lost."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.mapping.expressions import plain, walk
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.spans import of_windows, single, whole


def values(*texts: object) -> list[Value | None]:
    return [None if t is None else Value(t, frozenset({n})) for n, t in enumerate(texts)]


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        (("1972-01-01", "1972-01-01", "1972-12-31", "1972-12-31"), ("1972", "1972", "year")),
        (("1972-02-01", "1972-02-01", "1972-02-29", "1972-02-29"), ("1972-02", "1972-02", "month")),
        (("1972-02-03",) * 4, ("1972-02-03", "1972-02-03", "day")),
        (("1951-01-01", "1951-12-31", "1953-01-01", "1953-12-31"), ("1951", "1953", "range")),
        (("1951-01-05", "1951-01-05", "1951-02-07", "1951-02-07"), ("1951-01-05", "1951-02-07", "range")),
        (("1990-01-01", "1990-12-31", "1980-01-01", "1980-12-31"), ("1990", "1980", "range")),
    ],
)
def test_whole_years_months_and_days_are_what_they_are(
    corners: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    made = plain(of_windows(values(*corners), None, None))
    assert (made["from"], made["to"], made["precision"]) == expected
    assert set(made) == {"from", "to", "precision"}


def test_other_windows_keep_both_their_ends() -> None:
    made = of_windows(values("1969-03-20", "1969-06-21", "1970-09-22", "1970-12-21"), None, None)
    assert plain(made) == {
        "from": "1969-03-20",
        "from_latest": "1969-06-21",
        "to_earliest": "1970-09-22",
        "to": "1970-12-21",
        "precision": "range",
    }


def test_a_missing_corner_costs_no_other() -> None:
    made = plain(of_windows(values(None, "1972-01-01", "1972-12-31", "1972-12-31"), None, None))
    assert made["from_latest"] == "1972-01-01"
    assert "from" not in made
    assert of_windows(values(None, None, None, None), None, None) == {}


def test_one_exact_date_is_a_date_and_all_else_a_span() -> None:
    exact, about, ranged = values(False, True, True)
    day = values(*("1972-02-03",) * 4)
    assert plain(single("issued", of_windows(day, exact, exact))) == {"issued_on": "1972-02-03"}
    assert plain(single("issued", of_windows(day, exact, about)))["issued"]["approximate"] is True
    assert plain(single("issued", of_windows(day, ranged, exact)))["issued"]["precision"] == "range"
    (words,) = values("long ago")
    assert plain(single("issued", {}, words)) == {"issued": {"text": "long ago"}}


@given(st.lists(st.dates().map(date.isoformat), min_size=4, max_size=4))
def test_every_corner_goes_somewhere(days: list[str]) -> None:
    made = of_windows(values(*days), None, None)
    assert {leaf for _, value in walk(made) for leaf in value.leaves} == {0, 1, 2, 3}


@given(st.dates(), st.dates())
def test_a_window_is_whole_only_if_it_is_exactly_that(one: date, other: date) -> None:
    first, last = sorted((one.isoformat(), other.isoformat()))
    said = whole(first, last)
    assert said is None or (first.startswith(said) and last.startswith(said))
