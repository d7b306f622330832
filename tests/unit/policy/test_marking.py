"""Markings to policies (R4: unknown means origin only, adding a marking never adds a reader)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.model import Policy
from taxii_hub.policy.marking import markings_of, policy_of
from taxii_hub.policy.reading import of_level

TLP = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487",
    "white": "613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "green1": "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber1": "f88d31f6-486f-44da-b317-01333bde0b82",
    "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
    "red1": "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
IDS = {word: f"marking-definition--{uuid}" for word, uuid in TLP.items()}
STATEMENT = "marking-definition--11111111-2222-4333-8444-555555555555"
STRANGE = "marking-definition--99999999-2222-4333-8444-555555555555"
LEVELS = ["clear", "green", "amber", "amber+strict", "red"]


def known(marking_id: str) -> bool:
    return marking_id == STATEMENT


def policy(value: dict[str, object], default: str = "amber") -> Policy:
    return policy_of(value, "us-kite", default, known)


def marked(*words: str) -> dict[str, list[object]]:
    return {"object_marking_refs": [IDS.get(word, word) for word in words]}


@pytest.mark.parametrize(
    ("word", "level"),
    [(word, word.rstrip("1").replace("white", "clear")) for word in TLP],
)
def test_both_tlp_vocabularies(word, level):
    assert policy(marked(word)) == of_level("us-kite", level)


@pytest.mark.parametrize("default", LEVELS)
def test_unmarked_counts_as_the_default(default):
    for value in ({}, {"object_marking_refs": []}, {"granular_markings": []}, marked(STATEMENT)):
        assert policy(value, default) == of_level("us-kite", default)


def test_the_default_is_for_unmarked_objects_only():
    assert policy(marked("green"), "red") == of_level("us-kite", "green")
    assert policy(marked("red"), "clear") == of_level("us-kite", "red")


def test_unknown_means_origin_only():
    strange = of_level("us-kite", "unknown")
    assert strange.audience == frozenset()
    assert policy(marked("clear", STRANGE)) == strange
    assert policy(marked(STRANGE, STATEMENT)) == strange
    assert policy_of(marked(STATEMENT), "us-kite", "clear") == strange


@pytest.mark.parametrize(
    "value",
    [
        {"object_marking_refs": IDS["clear"]},
        {"object_marking_refs": None},
        {"object_marking_refs": [7]},
        {"object_marking_refs": [IDS["clear"].upper()]},
        {"granular_markings": {}},
        {"granular_markings": ["x"]},
        {"granular_markings": [{"selectors": ["name"]}]},
        {"granular_markings": [{"lang": 7, "selectors": ["name"]}]},
        {"granular_markings": [{"marking_ref": {}, "lang": "de"}]},
    ],
)
def test_what_has_the_wrong_form_counts_as_unknown(value):
    assert policy(value, "clear").level == "unknown"


def granular(*words: str) -> list[dict[str, object]]:
    return [{"selectors": ["name"], "marking_ref": IDS.get(word, word)} for word in words]


def test_a_granular_marking_counts_for_the_whole_object():
    assert policy(marked("clear") | {"granular_markings": granular("red")}).level == "red"
    assert policy(marked("amber") | {"granular_markings": granular("green")}).level == "amber"


def test_the_unmarked_rest_counts_as_the_default():
    assert policy({"granular_markings": granular("clear")}, "red").level == "red"
    assert policy({"granular_markings": granular("amber")}, "clear").level == "amber"


def test_a_language_marks_nothing():
    value = {"granular_markings": [{"lang": "de", "selectors": ["name"]}]}
    assert policy(value, "green") == of_level("us-kite", "green")


def test_the_ids_of_all_markings():
    value = marked("amber", STATEMENT) | {"granular_markings": [*granular("red"), {"lang": "de"}, 7]}
    value["object_marking_refs"] += [None]
    assert markings_of(value) == {IDS["amber"], STATEMENT, IDS["red"]}


def reads(one: Policy) -> bool:
    return one.audience is None


refs = st.lists(st.sampled_from([*IDS.values(), STATEMENT, STRANGE]), max_size=4)
more = st.sampled_from([*IDS.values(), STATEMENT, STRANGE])


@given(refs, refs, more, st.sampled_from(LEVELS))
def test_adding_a_marking_never_adds_a_reader(whole, parts, extra, default):
    """An explicit marking stands in for a default, which is no marking: so one is there to begin with."""
    value = {"object_marking_refs": [*whole, IDS["clear"]], "granular_markings": granular(*parts)}
    added = {**value, "object_marking_refs": [*value["object_marking_refs"], extra]}
    finer = {**value, "granular_markings": granular(*parts, extra)}
    for other in (added, finer):
        assert reads(policy(value, default)) or not reads(policy(other, default))


@given(refs, more, st.sampled_from(LEVELS[:-1]))
def test_nor_to_an_unmarked_object_where_the_default_is_shared(parts, extra, default):
    value = {"granular_markings": granular(*parts)}
    assert reads(policy(value, default)) or not reads(
        policy(value | {"object_marking_refs": [extra]}, default)
    )


@given(refs, st.randoms(use_true_random=False), st.sampled_from(LEVELS))
def test_order_and_repetition_do_not_matter(whole, random, default):
    shuffled = [*whole, *whole]
    random.shuffle(shuffled)
    assert policy({"object_marking_refs": shuffled}, default) == policy(
        {"object_marking_refs": whole}, default
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | more,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_never_raises(whole, parts):
    policy({"object_marking_refs": whole, "granular_markings": parts})
