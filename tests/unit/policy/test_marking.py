"""Markings to policies (R4: unknown means origin only, adding a marking never adds a reader)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.model import Policy, Reader
from taxii_hub.policy.marking import Setting, all_marked, marked, markings_of
from taxii_hub.policy.reading import decide, origin_only
from taxii_hub.policy.terms import Community
from taxii_hub.stix.markings import TLP_1_IDS, TLP_2_IDS

STATEMENT = "marking-definition--11111111-2222-4333-8444-555555555555"
STRANGE = "marking-definition--99999999-2222-4333-8444-555555555555"
WORDS = ["clear", "green", "amber", "amber+strict", "red"]
IDS = {**TLP_2_IDS, **{f"{word}1": marking for word, marking in TLP_1_IDS.items()}}
DEFINITIONS = {
    STATEMENT: {"definition_type": "statement", "definition": {"statement": "Copyright 2026, Invented Corp"}}
}
COMMUNITY = Community({"us-kite": "US", "gb-heron": "GB"})


def setting(default: str = "amber") -> Setting:
    return Setting("us-kite", default, COMMUNITY, DEFINITIONS)


def policy(value: dict[str, object], default: str = "amber") -> Policy:
    return marked(value, setting(default)).policy


def named(*words: str) -> dict[str, list[object]]:
    return {"object_marking_refs": [IDS.get(word, word) for word in words]}


def of(word: str) -> Policy:
    return origin_only("us-kite") if word.rstrip("1") == "red" else Policy("us-kite")


@pytest.mark.parametrize("word", IDS)
def test_both_tlp_vocabularies(word):
    assert policy(named(word)) == of(word)


@pytest.mark.parametrize("default", WORDS)
def test_unmarked_counts_as_the_default(default):
    for value in ({}, {"object_marking_refs": []}, {"granular_markings": []}, named(STATEMENT)):
        assert policy(value, default) == of(default)


def test_the_default_is_for_unmarked_objects_only():
    assert policy(named("green"), "red") == of("green")
    assert policy(named("red"), "clear") == of("red")


def test_not_understood_means_origin_only_and_says_why():
    for value in (named("clear", STRANGE), named(STRANGE, STATEMENT)):
        found = marked(value, setting())
        assert found.policy == origin_only("us-kite")
        assert "not known from the same origin" in str([clause.note for clause in found.clauses])
    nothing_known = Setting("us-kite", "clear", COMMUNITY)
    assert marked(named(STATEMENT), nothing_known).policy == origin_only("us-kite")


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
def test_what_has_the_wrong_form_is_not_understood(value):
    assert policy(value, "clear") == origin_only("us-kite")


def granular(*words: str) -> list[dict[str, object]]:
    return [{"selectors": ["name"], "marking_ref": IDS.get(word, word)} for word in words]


def test_a_granular_marking_counts_for_the_whole_object():
    assert policy(named("clear") | {"granular_markings": granular("red")}) == of("red")
    assert policy(named("amber") | {"granular_markings": granular("green")}) == of("amber")


def test_the_unmarked_rest_counts_as_the_default():
    assert policy({"granular_markings": granular("clear")}, "red") == of("red")
    assert policy({"granular_markings": granular("red")}, "clear") == of("red")


def test_a_language_marks_nothing():
    value = {"granular_markings": [{"lang": "de", "selectors": ["name"]}]}
    assert policy(value, "green") == of("green")


def test_the_ids_of_all_markings():
    value = named("amber", STATEMENT) | {"granular_markings": [*granular("red"), {"lang": "de"}, 7]}
    value["object_marking_refs"] += [None]
    assert markings_of(value) == {IDS["amber"], STATEMENT, IDS["red"]}


def test_each_clause_names_its_marking_its_term_and_its_row():
    clauses = marked(named("green", STATEMENT), setting()).clauses
    assert [(c.marking, c.term, c.row) for c in clauses] == [
        (STATEMENT, "a statement", "statement"),
        (IDS["green"], "TLP:GREEN", "tlp2: TLP:GREEN"),
    ]
    (default,) = marked({}, setting("red")).clauses
    assert (default.marking, default.term) == ("default", "TLP:RED")


def reads(one: Policy) -> bool:
    return bool(decide(one, Reader("gb-heron")))


refs = st.lists(st.sampled_from([*IDS.values(), STATEMENT, STRANGE]), max_size=4)
more = st.sampled_from([*IDS.values(), STATEMENT, STRANGE])


whole_or_junk = st.recursive(
    st.sampled_from([*IDS.values(), STATEMENT, STRANGE, None, 7]),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["marking_ref", "lang"]), below)
    ),
    max_leaves=6,
)


@given(refs, refs, more, st.sampled_from(WORDS))
def test_adding_a_marking_never_adds_a_reader(whole, parts, extra, default):
    """An explicit marking stands in for a default, which is no marking: so one is there to begin with."""
    value = {"object_marking_refs": [*whole, IDS["clear"]], "granular_markings": granular(*parts)}
    added = {**value, "object_marking_refs": [*value["object_marking_refs"], extra]}
    finer = {**value, "granular_markings": granular(*parts, extra)}
    for other in (added, finer):
        assert reads(policy(value, default)) or not reads(policy(other, default))


@given(refs, more, st.sampled_from(WORDS[:-1]))
def test_nor_to_an_unmarked_object_where_the_default_is_shared(parts, extra, default):
    value = {"granular_markings": granular(*parts)}
    assert reads(policy(value, default)) or not reads(
        policy(value | {"object_marking_refs": [extra]}, default)
    )


@given(refs, st.randoms(use_true_random=False), st.sampled_from(WORDS))
def test_order_and_repetition_do_not_matter(whole, random, default):
    shuffled = [*whole, *whole]
    random.shuffle(shuffled)
    one = marked({"object_marking_refs": shuffled}, setting(default))
    assert one == marked({"object_marking_refs": whole}, setting(default))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | more,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_never_raises(whole, parts):
    policy({"object_marking_refs": whole, "granular_markings": parts})


@given(
    st.lists(st.dictionaries(st.sampled_from(["object_marking_refs", "granular_markings"]), whole_or_junk))
)
def test_marked_together_as_one_by_one(values):
    values = [*values, named("green"), named("green"), {"created_by_ref": "identity--x", **named("green")}]
    assert all_marked(values, setting()) == [marked(value, setting()) for value in values]
