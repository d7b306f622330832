"""The algebra of policies (R4) and who reads what carries one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.model import Policy
from taxii_hub.policy.reading import LADDER, may_read_policy, meet, of_level, readable

AGENCIES = ("origin", "a", "b", "c")
audiences = st.none() | st.frozensets(st.sampled_from(AGENCIES[1:]))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Also audiences that no marking gives today, in the form that meet gives them."""
    level = draw(st.sampled_from(LADDER))
    one = of_level("origin", level)
    return meet(one, Policy("origin", "clear", draw(audiences)))


def readers(policy: Policy) -> set[str]:
    return {agency for agency in AGENCIES if may_read_policy(policy, agency)}


@given(policies(), policies(), policies())
def test_meet_is_commutative_associative_idempotent(x, y, z):
    assert meet(x, y) == meet(y, x)
    assert meet(x, meet(y, z)) == meet(meet(x, y), z)
    assert meet(x, x) == x


@given(policies(), policies())
def test_meet_lets_in_exactly_who_reads_both(x, y):
    assert readers(meet(x, y)) == readers(x) & readers(y)


@given(policies())
def test_the_origin_always_reads(policy):
    assert may_read_policy(policy, "origin")


def test_meet_of_strangers_is_refused():
    with pytest.raises(ValueError, match="no meet"):
        meet(of_level("a", "clear"), of_level("b", "clear"))


@given(st.dictionaries(st.integers(1, 300), policies()), st.sampled_from(AGENCIES))
def test_readable_is_ascending_and_the_same_decision(classes, agency):
    numbers = readable(classes, agency)
    assert list(numbers) == sorted(number for number in classes if may_read_policy(classes[number], agency))


@pytest.mark.parametrize("level", LADDER)
def test_levels(level):
    policy = of_level("origin", level)
    assert policy.level == level
    assert policy.audience == (frozenset() if level in {"red", "unknown"} else None)


def test_a_level_nobody_knows_is_unknown():
    assert of_level("origin", "magenta") == of_level("origin", "unknown")


def test_reasons():
    red, amber = of_level("us-kite", "red"), of_level("us-kite", "amber+strict")
    assert may_read_policy(red, "us-kite").reason == "us-kite published it"
    assert may_read_policy(red, "nz-kea").reason == "TLP:RED: only us-kite, which published it"
    assert may_read_policy(amber, "nz-kea").reason == "TLP:AMBER+STRICT: every reader of the collection"
    some = meet(of_level("us-kite", "unknown"), Policy("us-kite", "clear", None))
    assert some.reason == "a marking unknown to this hub: only us-kite, which published it"
    released = meet(of_level("us-kite", "green"), Policy("us-kite", "clear", frozenset({"nz-kea"})))
    assert released.reason == "TLP:GREEN: only us-kite, which published it, and nz-kea"
    assert (
        may_read_policy(released, "nz-kea").reason
        == f"nz-kea is among those it is released to ({released.reason})"
    )
