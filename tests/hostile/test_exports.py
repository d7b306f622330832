"""CSV that a spreadsheet opens: no cell of it is a formula (`audit disclosures --csv`)."""

from __future__ import annotations

import csv
import io

import pytest

from taxii_hub.cli.audit_views import COLUMNS, csv_text


def cells(text: str) -> list[str]:
    (row,) = csv.reader(io.StringIO(text, newline=""))
    return row


@pytest.mark.parametrize(
    "value",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x")', "=cmd|'/C x'!A0"],
)
def test_a_formula_becomes_a_text(value: str) -> None:
    row = cells(csv_text(dict.fromkeys(COLUMNS, value)))
    assert row == [f"'{value}"] * len(COLUMNS)


@pytest.mark.parametrize("value", ["", "indicator--1", "2026-01-01T00:00:00Z", "a=1", "'x", 'a,b"c\r\nd'])
def test_anything_else_stays_as_it_is(value: str) -> None:
    assert cells(csv_text(dict.fromkeys(COLUMNS, value))) == [value] * len(COLUMNS)


def test_numbers_and_the_heading_stay() -> None:
    assert cells(csv_text(dict.fromkeys(COLUMNS, 7))) == ["7"] * len(COLUMNS)
    assert cells(csv_text(None)) == list(COLUMNS)
