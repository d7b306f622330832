"""What hooks of several lists share: dates of parts, names of parts, histories, Japanese texts."""

# Japanese signs are full-width.
# ruff: noqa: RUF001

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.mapping import japanese, spans
from taxii_hub.mapping.record import Value

TABLE = {"北朝鮮": "KP", "マリ": "ML", "シリア・アラブ": "SY", "中国": "CN"}


def value(text: str | None) -> Value | None:
    return None if text is None else Value(text, frozenset({1}))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("1961", "2", "5"), "1961-02-05"),
        (("1961", "11", None), "1961-11"),
        (("1961", None, None), "1961"),
        (("1961", None, "5"), None),
        (("1961", "2", "31"), None),
        ((None, "2", "5"), None),
        (("61", "2", "5"), None),
        (("1961", "February", "5"), None),
    ],
)
def test_a_date_of_parts_is_never_padded(parts: tuple[str | None, ...], expected: str | None) -> None:
    assert spans.of_parts(*map(value, parts)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("北朝鮮", "KP"),
        ("マリ共和国", "ML"),
        ("シリア・アラブ共和国（2009年9月時点）", "SY"),
        ("中国 China", "CN"),
        ("Mali", "ML"),
        ("ムー大陸", None),
        ("", None),
    ],
)
def test_countries_in_japanese(text: str, expected: str | None) -> None:
    assert japanese.country_code(text, TABLE) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("マリ、バマコ", "ML"), ("バマコ（マリ）", "ML"), ("マリの近く", None)]
)
def test_an_address_begins_or_ends_with_its_country(text: str, expected: str | None) -> None:
    assert japanese.country_of_address(text, TABLE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("チ・ユーポン", "Kana"),
        ("株式会社レン", "Jpan"),
        ("金铁三", "Hani"),
        ("ＡＢＣ", "Latn"),
        ("حسن", "Arab"),
        ("123", None),
    ],
)
def test_scripts(text: str, expected: str | None) -> None:
    found = japanese.script(Value(text, frozenset()))
    assert (found.data if found is not None else None) == expected


@settings(max_examples=100, deadline=None)
@given(st.text("(a)b（ｃ）;；、\nレンAB 別称：", max_size=30))
def test_no_letter_of_a_list_of_names_is_lost(text: str) -> None:
    """Signs between names are; the letters before them, which only count, too."""
    said = "".join(str(piece.data) for piece in japanese.pieces(Value(text, frozenset({0}))))
    assert [c for c in text if c in "レンAB別称"] == [c for c in said if c in "レンAB別称"]
