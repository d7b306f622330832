"""Parting an object at its granular markings: what is left is read by nobody who may not read it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.policy.marking import Setting, marked
from taxii_hub.policy.tearline import torn
from taxii_hub.policy.terms import Community
from taxii_hub.stix.markings import TLP_2_IDS
from taxii_hub.stix.selectors import points_at_something

RED, GREEN, CLEAR = TLP_2_IDS["red"], TLP_2_IDS["green"], TLP_2_IDS["clear"]
SETTING = Setting("us-kite", "amber", Community({"us-kite": "US", "gb-heron": "GB"}))
OBJECT: dict[str, Any] = {
    "type": "indicator",
    "id": "indicator--11111111-2222-4333-8444-555555555555",
    "modified": "2026-01-01T00:00:00.000Z",
    "name": "n",
    "description": "d",
    "labels": ["a", "b"],
    "extensions": {"x": {"one": 1, "two": 2}, "y": {"one": 1}},
    "object_marking_refs": [CLEAR],
}


def parted(*entries: tuple[str, list[str]], **more: Any) -> dict[str, Any] | None:
    granular = [{"marking_ref": marking, "selectors": selectors} for marking, selectors in entries]
    return torn({**OBJECT, "granular_markings": granular, **more}, SETTING)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in OBJECT.items() if name not in names}


def test_what_is_narrower_goes() -> None:
    assert parted((RED, ["description"])) == without("description")
    assert parted((RED, ["labels.[0]"])) == {**OBJECT, "labels": ["b"]}
    assert parted((RED, ["labels.[1]", "labels.[0]"])) == without("labels")
    assert parted((RED, ["extensions.x.one", "extensions.y.one"])) == {
        **OBJECT,
        "extensions": {"x": {"two": 2}},
    }
    assert parted((RED, ["extensions.x", "extensions.y"])) == without("extensions")


def test_what_is_no_narrower_stays_with_its_marking() -> None:
    assert parted((GREEN, ["name"])) is None
    left = parted((GREEN, ["name", "description"]), (RED, ["description"]))
    kept = [{"marking_ref": GREEN, "selectors": ["name"]}]
    assert left == {**without("description"), "granular_markings": kept}


def test_selectors_that_stay_name_the_places_afterwards() -> None:
    left = parted((RED, ["labels.[0]", "extensions.x"]), (GREEN, ["labels.[1]", "extensions.x.one", "name"]))
    kept = [{"marking_ref": GREEN, "selectors": ["labels.[0]", "name"]}]
    assert left == {
        **OBJECT,
        "labels": ["b"],
        "extensions": {"y": {"one": 1}},
        "granular_markings": kept,
    }


@pytest.mark.parametrize(
    "value",
    [
        OBJECT,
        {**OBJECT, "granular_markings": {}},
        {**OBJECT, "granular_markings": ["x"]},
        {**OBJECT, "granular_markings": [{"marking_ref": RED}]},
        {**OBJECT, "granular_markings": [{"marking_ref": RED, "selectors": [7]}]},
        {**without("modified"), "granular_markings": [{"marking_ref": RED, "selectors": ["name"]}]},
    ],
)
def test_where_there_is_nothing_to_part(value: dict[str, Any]) -> None:
    assert torn(value, SETTING) is None


paths = st.sampled_from(
    ["name", "description", "labels", "labels.[1]", "extensions.x", "extensions.x.one", "z"]
)
entries = st.tuples(st.sampled_from([RED, GREEN, CLEAR, "unknown"]), st.lists(paths, min_size=1, max_size=3))


SECRETS = {"name": "n1", "description": "d1", "labels": ["l0", "l1"]}
SECRETS |= {"extensions": {"x": {"one": "x1", "two": "x2"}, "y": {"one": "y1"}}}


def leaves(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {leaf for each in value.values() for leaf in leaves(each)}
    return {leaf for each in value for leaf in leaves(each)} if isinstance(value, list) else {value}


def at(selector: str, value: Any) -> Any:
    for step in selector.split("."):
        if isinstance(value, list):
            value = value[int(step[1:-1])]
        else:
            value = value.get(step, {})
    return value


@pytest.mark.parametrize("selector", ["id", "nothing", "labels.[2]", "name.x", "object_marking_refs.[0]"])
def test_what_cannot_be_taken_out_is_withheld_whole(selector: str) -> None:
    assert not parted((RED, ["name", selector]))


@given(st.lists(entries, max_size=4))
def test_what_is_left_has_the_policy_of_the_whole_and_nothing_that_was_marked(given_: list[Any]) -> None:
    left = parted(*given_, **SECRETS)
    if not left:
        return
    assert marked(left, SETTING).policy == marked(OBJECT, SETTING).policy
    strict = {s for marking, selectors in given_ if marking in (RED, "unknown") for s in selectors}
    hidden = {leaf for selector in strict for leaf in leaves(at(selector, SECRETS))}
    kept = {name: value for name, value in left.items() if name in SECRETS}
    assert leaves(kept) == leaves(SECRETS) - hidden
    for entry in left.get("granular_markings", ()):
        assert all(points_at_something(selector, left) for selector in entry["selectors"])
