from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.stix import strict_json
from taxii_hub.stix.strict_json import MAX_BYTES, MAX_DEPTH, MAX_INTEGER, scan

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(JSON, st.text("[{ ,", max_size=5), st.sampled_from(["", " ", ",1]", "}", '"']), st.booleans())
def test_it_reads_what_json_reads_and_finds_the_end(
    value: Any, before: str, after: str, is_ascii: bool
) -> None:
    """R3: the slice from start to end is the value, whatever stands around it."""
    text = json.dumps(value, ensure_ascii=is_ascii)
    if isinstance(value, int | float) and not isinstance(value, bool) and after[:1] == "":
        after = " "
    scanned = scan(before + text + after, len(before))
    assert scanned.problem is None
    assert scanned.value == value
    assert scanned.end == len(before) + len(text)


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("NaN", "", "NaN is no JSON value"),
        ('{"a": NaN}', ".a", "NaN is no JSON value"),
        ('{"a": [1, -Infinity]}', ".a[1]", "-Infinity is no JSON value"),
        ('{"a": {"b": 1e400}}', ".a.b", "the number 1e400 is too large"),
        ('{"a": -1e400}', ".a", "the number -1e400 is too large"),
        ('{"a": 9007199254740992}', ".a", "the integer 9007199254740992 is beyond ±(2^53-1)"),
        ('{"a": -9007199254740992}', ".a", "the integer -9007199254740992 is beyond ±(2^53-1)"),
        ('{"a": ' + "9" * 30 + "}", ".a", "the integer 999999999999999999999999999999 is beyond"),
        (
            '{"a": ' + "9" * 10_000 + "}",
            ".a",
            "the integer 9999999999999999999999999999999999999... is beyond",
        ),
        ('{"x": {"a": 1, "a": 1}}', ".x", "the key 'a' is given twice"),
        ('{"a": 1, "\\u0061": 2}', "", "the key 'a' is given twice"),
        ('{"a": "\\ud800"}', ".a", "holds half of a surrogate pair"),
        ('{"a": ["x", "\\uDC00 \\ud83d"]}', ".a[1]", "holds half of a surrogate pair"),
        ('{"a": {"\\udfff": 1}}', ".a", "the key '\\udfff' holds NUL or half of a surrogate pair"),
        ('{"a\\u0000b": 1}', "", "the key 'a\\x00b' holds NUL or half of a surrogate pair"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "", "nested deeper than 100 levels"),
        ('{"a": ' + "[" * 990 + "NaN" + "]" * 990 + "}", "", "nested deeper than 100 levels"),
        ('{"a": ' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}", "", "nested deeper than 100 levels"),
        ('{"n": NaN, "a": ' + "[" * 100 + "]" * 100 + "}", "", "nested deeper than 100 levels"),
        ('{"n": NaN, "a": ' + "[" * 5000 + "]" * 5000 + "}", "", "nested deeper than 100 levels"),
        ('{"a": "' + "é" * (MAX_BYTES // 2) + '"}', "", "larger than 8,000,000 bytes"),
        ('{"n": NaN, "a": "' + "x" * MAX_BYTES + '"}', "", "larger than 8,000,000 bytes"),
        ('{"' + "\\u00e9\\n" * 80 + '": NaN}', "." + "\\xe9\\n" * 30, "NaN is no JSON value"),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, path: str, problem: str) -> None:
    """T-5.5-12: the scan goes on behind it."""
    scanned = scan(f" {text},", 1)
    assert scanned.problem is not None
    assert scanned.problem.startswith(problem)
    assert scanned.path == path
    assert scanned.end == 1 + len(text)


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740991",
        "-9007199254740991",
        "1e308",
        "-0",
        '"\\ud83d\\ude00 \\\\ud800 \\u0000"',
        '{"": {"$ref": 1, "a.b": 2}}',
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        '["' + "x" * 200 + '"' + ",[]" * 200 + "]",
        '"' + "x" * (MAX_BYTES - 2) + '"',
        '"' + "é" * (MAX_BYTES // 2 - 1) + '"',
    ],
)
def test_what_just_passes(text: str) -> None:
    scanned = scan(text, 0)
    assert scanned.problem is None
    assert scanned.value == json.loads(text)
    assert scanned.end == len(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            '{"type": "t", "id": "i", "created": "c", "modified": "m", "x": NaN}',
            {"type", "id", "created", "modified"},
        ),
        ('{"type": 5, "id": "\\ud800", "x": NaN}', set()),
        ('{"type": "t", "type": "t", "id": "i"}', {"type", "id"}),
        ('{"type": "t", "x": ' + "[" * 5000 + "]" * 5000 + ', "id": "i", "created": 5}', {"type", "id"}),
        ('{"type": "t", "x": ' + "[" * 5000 + "}" * 5000 + ', "id": "i"}', {"type", "id"}),
        ('{"type": "t", nonsense, "x": ' + "[" * 5000 + "]" * 5000 + "}", {"type"}),
    ],
)
def test_a_refused_object_keeps_its_name(text: str, names: set[str]) -> None:
    """T-5.5-07: a failure in a status resource names the object."""
    if "nonsense" in text:
        text = text.replace("nonsense", '"y": ' + "[" * 5000 + "]" * 5000 + ", nonsense")
    scanned = scan(text, 0)
    assert scanned.problem is not None
    assert set(scanned.value) == names
    assert scanned.end == len(text)


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "[NaN]", "[[1, 1e999]]"])
def test_what_is_no_object_has_no_name(text: str) -> None:
    scanned = scan(text, 0)
    assert scanned.problem is not None
    assert scanned.value is None


@pytest.mark.parametrize(
    "text",
    ["", "nul", "{", "[1,]", '{"a"}', '{"a":}', "{a: 1}", "01a"[2:], '"\n"', '"\\x"', "[" * 5000, "[" * 5000 + '"' + '\\"' * 9, '{"a": NaN, ]', "[1e400", "'a'"],
)  # fmt: skip
def test_no_json(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        scan(text, 0)


def test_an_unclosed_string_costs_linear_time() -> None:
    text = "[" * 5000 + '"' + '\\"' * 2_000_000
    with pytest.raises(json.JSONDecodeError, match="Unterminated string"):
        scan(text, 0)


@given(st.text('{}[]",:\\u0dD8aN1e-. \n\0', max_size=60))
def test_any_text_is_read_or_no_json(text: str) -> None:
    text = text.lstrip(" \n")
    try:
        scanned = scan(text, 0)
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
    else:
        assert 0 < scanned.end <= len(text)
        assert scanned.problem or scanned.value == json.loads(text[: scanned.end])


def test_end_of_deep_values() -> None:
    text = "[" * 5000 + "]" * 5000
    assert strict_json.end_of(f"x{text}y", 1) == 1 + len(text)
