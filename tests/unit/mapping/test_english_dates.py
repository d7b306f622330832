"""Dates in English words: read as precisely as they are written, or not at all."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.mapping.english_dates import partial, span
from taxii_hub.mapping.expressions import plain
from taxii_hub.mapping.record import Value


def read(text: str) -> object:
    return plain(span(Value(text, frozenset({0}))))


@pytest.mark.parametrize(
    ("text", "first", "last", "precision", "about"),
    [
        ("1958", "1958", "1958", "year", False),
        ("Feb 1980", "1980-02", "1980-02", "month", False),
        ("September 1980", "1980-09", "1980-09", "month", False),
        (" 08  Feb 1980", "1980-02-08", "1980-02-08", "day", False),
        ("circa 1960", "1960", "1960", "year", True),
        ("c. Mar 1960", "1960-03", "1960-03", "month", True),
        ("1960 to 1963", "1960", "1963", "range", False),
        ("between 1960 and 05 Jan 1963", "1960", "1963-01-05", "range", False),
        ("circa 01 Jan 1960 to 31 Dec 1960", "1960-01-01", "1960-12-31", "range", True),
        ("1960 to Mar 1960", "1960", "1960-03", "range", False),
    ],
)
def test_what_is_written(text: str, first: str, last: str, precision: str, about: bool) -> None:
    assert read(text) == {"from": first, "to": last, "precision": precision, "approximate": about}


@pytest.mark.parametrize(
    "text",
    [
        *("", "30 Feb 1980", "Smarch 1980", "Febr 1980", "58", "0000", "1963 to 1960", "1960 to ?", "1960s"),
        *("8/2/1980", "circa", "00 Jan 1960", "05 Feb 1960 to Jan 1960"),
    ],
)
def test_what_is_not_certain_is_not_read(text: str) -> None:
    assert read(text) == {}


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_of_the_calendar(day: date) -> None:
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    assert partial(f"{day.day:02} {months[day.month - 1]} {day.year:04}") == day.isoformat()


@given(st.text(max_size=30))
def test_any_text_is_read_or_not(text: str) -> None:
    assert read(text) == {} or partial(text) or " " in text
