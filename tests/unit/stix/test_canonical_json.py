from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.stix import canonical_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [  # the number table of RFC 8785, appendix B
        (0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992, "9007199254740992"),
        (-9007199254740992.0, "-9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (999999999999999700000.0, "999999999999999700000"),
        (1e21, "1e+21"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"),
        (333333333.3333332, "333333333.3333332"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1424953923781206.2, "1424953923781206.2"),
        (4.5, "4.5"),
        (2e-3, "0.002"),
        (1e30, "1e+30"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert canonical_json.dumps(value) == text


def test_keys_are_sorted_by_utf_16() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7}
    assert list(json.loads(canonical_json.dumps(value)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_literals_and_nesting() -> None:
    value = {"b": [None, True, False, ()], "a": '€$\u000f\nA\'B"\\\\"/'}
    assert canonical_json.dumps(value) == '{"a":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/","b":[null,true,false,[]]}'


@given(VALUES)
def test_it_says_the_same_and_is_a_fixed_point(value: object) -> None:
    text = canonical_json.dumps(value)
    back = json.loads(text, parse_int=float)  # as ECMAScript reads it
    assert back == value
    assert canonical_json.dumps(back) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number(value: float) -> None:
    with pytest.raises(ValueError, match="no JSON number"):
        canonical_json.dumps(value)


def test_no_json() -> None:
    with pytest.raises(TypeError, match="bytes"):
        canonical_json.dumps({"a": b""})
