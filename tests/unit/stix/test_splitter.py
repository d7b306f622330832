"""Compound patterns are taken apart where that keeps their meaning, and only there (clients.md 25-26)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.stix.patterns import problem_of
from taxii_hub.stix.splitter import alternatives, split
from taxii_hub.stix.timestamps import parse
from taxii_hub.stix.validation import Validator

INDICATOR: dict[str, Any] = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--0f1d2c3b-1111-4a5b-8c6d-000000000001",
    "created_by_ref": "identity--0f1d2c3b-1111-4a5b-8c6d-000000000002",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-02T00:00:00.000Z",
    "name": "Boats",
    "description": "Names of boats",
    "indicator_types": ["malicious-activity"],
    "pattern": "[url:value = 'a' OR url:value = 'b']",
    "pattern_type": "stix",
    "valid_from": "2026-01-01T00:00:00Z",
    "object_marking_refs": ["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"],
}


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("[x-a:name_b = 'x' OR x-a:name_c = 'y']", ["[x-a:name_b = 'x']", "[x-a:name_c = 'y']"]),
        ("[x-a:name_b = 'x'] OR [x-a:name_c = 'y']", ["[x-a:name_b = 'x']", "[x-a:name_c = 'y']"]),
        ("([x-a:name_b = 'x'] OR ([x-a:name_c = 'y' OR x-a:name_d = 1]))", ["[x-a:name_b = 'x']", "[x-a:name_c = 'y']", "[x-a:name_d = 1]"]),
        ("[(x-a:name_b = 'x' OR x-a:name_c = 'y') OR x-a:name_d = 1]", ["[x-a:name_b = 'x']", "[x-a:name_c = 'y']", "[x-a:name_d = 1]"]),
        ("[x-a:name_b = 'x' OR x-a:name_c = 'y' AND x-a:name_d = 1]", ["[x-a:name_b = 'x']", "[x-a:name_c = 'y' AND x-a:name_d = 1]"]),
        ("[x-a:name_b = 'x'] OR [x-a:name_c = 1] AND [x-a:name_d = 2]", ["[x-a:name_b = 'x']", "[x-a:name_c = 1] AND [x-a:name_d = 2]"]),
        ("[x-a:name_b = ' OR ' OR x-a:name_b = 'it\\'s']", ["[x-a:name_b = ' OR ']", "[x-a:name_b = 'it\\'s']"]),
        ("[x-a:name_b = 1 /* x OR y */ OR x-a:name_b = 2]", ["[x-a:name_b = 1]", "[x-a:name_b = 2]"]),
        ("[x-a:name_b = 1 OR x-a:name_b = 2] OR [x-a:name_b = 1]", ["[x-a:name_b = 1]", "[x-a:name_b = 2]"]),
        ("[file:hashes.'SHA-256' = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' OR x-a:name_b IN ('x', 'y')]", ["[file:hashes.'SHA-256' = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']", "[x-a:name_b IN ('x', 'y')]"]),
    ],
)  # fmt: skip
def test_alternatives_are_taken_apart(pattern: str, parts: list[str]) -> None:
    assert list(alternatives(pattern)) == parts


@pytest.mark.parametrize(
    "pattern",
    [
        "[x-a:name_b = 'x']",
        "[x-a:name_b = 'x' AND x-a:name_c = 'y']",
        "[x-a:name_b = 'x' AND (x-a:name_c = 'y' OR x-a:name_d = 1)]",
        "[x-a:name_b = 'x'] FOLLOWEDBY [x-a:name_c = 'y' OR x-a:name_d = 1]",
        "([x-a:name_b = 'x'] OR [x-a:name_c = 'y']) WITHIN 5 SECONDS",
        "[x-a:name_b = 'x' OR x-a:name_c = 'y'] REPEATS 2 TIMES",
        "[x-a:name_b = 1 OR x-a:name_b = 1]",
        "[x-a:name_b = 'x' OR",
    ],
)
def test_what_speaks_of_several_at_once_stays(pattern: str) -> None:
    assert alternatives(pattern) == (pattern,)


def test_each_part_is_derived_from_the_original() -> None:
    made = split(INDICATOR)
    assert [item["type"] for item in made] == ["indicator", "relationship"] * 2
    assert [item.get("pattern") for item in made[::2]] == ["[url:value = 'a']", "[url:value = 'b']"]
    for item in made:
        assert Validator().findings(item, now=parse("2030-01-01T00:00:00Z")) == []
        assert item["object_marking_refs"] == INDICATOR["object_marking_refs"]
        assert item["modified"] == INDICATOR["modified"]
    assert {item["target_ref"] for item in made[1::2]} == {INDICATOR["id"]}
    assert [item["source_ref"] for item in made[1::2]] == [item["id"] for item in made[::2]]
    assert split(INDICATOR) == made
    assert len({item["id"] for item in made}) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"pattern": "[url:value = 'a']"},
        {"pattern_type": "sigma"},
        {"granular_markings": [{"selectors": ["pattern"], "lang": "en"}]},
    ],
)
def test_some_indicators_are_left_as_they_are(change: dict[str, Any]) -> None:
    assert split({**INDICATOR, **change}) == []


_LEAF = st.integers(0, 9).map(lambda n: f"x-a:name_b = {n}")
_TREE = st.recursive(
    _LEAF,
    lambda inner: st.lists(inner, min_size=2, max_size=3).map(lambda p: f"({' OR '.join(p)})"),
    max_leaves=8,
)


@given(parts=st.lists(_TREE, min_size=1, max_size=4))
def test_of_comparisons_under_or_every_one_comes_out_once(parts: list[str]) -> None:
    pattern = " OR ".join(f"[{part}]" for part in parts)
    made = alternatives(pattern)
    wanted = dict.fromkeys(part.strip("() ") for part in " OR ".join(parts).split(" OR "))
    assert list(made) == [f"[{text}]" for text in wanted] or (len(wanted) == 1 and made == (pattern,))
    assert all(problem_of(part) is None for part in made)
