from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.stix import timestamps

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.1Z", 100_000),
        ("1970-01-01T00:00:00.123456Z", 123_456),
        ("1970-01-01T00:00:00.1234569Z", 123_456),  # cut, not rounded
        ("1970-01-01T00:00:00.999999999999Z", 999_999),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),  # the leap second
        ("2024-02-29T12:00:00Z", 1_709_208_000_000_000),
    ],
)
def test_parse(text: str, microseconds: int) -> None:
    """S-2-03: any number of fraction digits, none without a dot."""
    assert timestamps.parse(text) == microseconds
    assert timestamps.parse_lenient(text) == microseconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no UTC timestamp"),
        ("2026-01-02", "is no UTC timestamp"),
        ("2026-01-02T03:04:05", "is no UTC timestamp"),
        ("2026-01-02t03:04:05z", "is no UTC timestamp"),
        ("2026-01-02T03:04:05.Z", "is no UTC timestamp"),
        ("2026-01-02T03:04:05+01:00", "is no UTC timestamp"),
        ("2026-01-02T03:04:05Z\n", "is no UTC timestamp"),
        ("٢٠٢٦-01-02T03:04:05Z", "is no UTC timestamp"),
        ("2026-13-02T03:04:05Z", "2026-13-02: there is no such day"),
        ("2026-02-30T03:04:05Z", "2026-02-30: there is no such day"),
        ("2023-02-29T03:04:05Z", "2023-02-29: there is no such day"),
        ("0000-01-01T00:00:00Z", "there is no such day"),
        ("2026-01-02T24:00:00Z", "there is no such time of day"),
        ("2026-01-02T03:60:00Z", "there is no such time of day"),
        ("2026-01-02T03:04:60Z", "there is no such time of day"),
        ("2026-01-02T23:59:61Z", "there is no such time of day"),
        ("9999-12-31T23:59:60Z", "after the year 9999"),
        ("x" * 10_000, "is no UTC timestamp"),
    ],
)
def test_parse_says_what_is_wrong(text: str, reason: str) -> None:
    for parse in (timestamps.parse, timestamps.parse_lenient):
        with pytest.raises(ValueError, match=reason) as caught:
            parse(text)
        assert len(str(caught.value)) < 150


@pytest.mark.parametrize("offset", ["Z", "+00:00", " 00:00"])
def test_a_query_parameter_may_spell_utc_in_three_ways(offset: str) -> None:
    """T-3.4-01, clients.md item 5."""
    assert timestamps.parse_lenient(f"2026-01-02T03:04:05.678{offset}") == 1_767_323_045_678_000


@pytest.mark.parametrize("offset", ["+00:00", " 00:00", "-00:00", "+0000", ""])
def test_stix_spells_utc_in_one(offset: str) -> None:
    with pytest.raises(ValueError):
        timestamps.parse(f"2026-01-02T03:04:05.678{offset}")


@given(st.datetimes(timezones=st.just(UTC)))
def test_format_agrees_with_the_standard_library(moment: datetime) -> None:
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    text = timestamps.format(microseconds)
    assert text == moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert timestamps.parse(text) == microseconds


@given(st.integers(-(10**16), 10**16))
def test_canonical_is_as_short_as_stix_allows_and_says_the_same(microseconds: int) -> None:
    text = timestamps.canonical(microseconds)
    assert timestamps.parse(text) == microseconds
    assert len(text) == len("2026-01-02T03:04:05.678Z") + 3 * bool(microseconds % 1000)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    for parse in (timestamps.parse, timestamps.parse_lenient):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).isascii()  # noqa: PT017
