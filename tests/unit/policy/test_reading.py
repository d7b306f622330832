"""The algebra of policies and the one reading rule (R4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.model import Policy, Reader
from taxii_hub.policy.reading import ReadableSets, connected, decide, describe, meet, origin_only, readable

AGENCIES = ("origin", "a", "b", "c")
NEEDS = ("hcs", "si")
PURPOSES = ("ct", "crime")

audiences = st.none() | st.frozensets(st.sampled_from(AGENCIES[1:]))
needs = st.frozensets(st.sampled_from(NEEDS))
policies = st.builds(
    Policy,
    origin=st.just("origin"),
    level=st.integers(0, 4),
    audience=audiences,
    needs=needs,
    purposes=st.none() | st.frozensets(st.sampled_from(PURPOSES)),
)
readers = st.builds(
    Reader,
    agency=st.sampled_from(AGENCIES),
    level=st.integers(0, 4),
    clearances=needs,
    purpose=st.none() | st.sampled_from(PURPOSES),
)


@given(policies, policies, policies)
def test_meet_is_commutative_associative_idempotent(x, y, z):
    assert meet(x, y) == meet(y, x)
    assert meet(x, meet(y, z)) == meet(meet(x, y), z)
    assert meet(x, x) == x


@given(policies)
def test_an_unrestricted_policy_changes_nothing(policy):
    assert meet(policy, Policy("origin")) == policy
    assert decide(meet(policy, origin_only("origin")), Reader("a", 4)).allowed is False


@given(policies, policies, readers)
def test_meet_lets_in_exactly_who_reads_both(x, y, reader):
    assert bool(decide(meet(x, y), reader)) == bool(decide(x, reader) and decide(y, reader))


@given(policies, readers)
def test_the_rule_as_the_design_words_it(p, r):
    allowed = r.agency == p.origin or (
        p.level <= r.level
        and (p.audience is None or r.agency in p.audience)
        and p.needs <= r.clearances
        and (p.purposes is None or r.purpose in p.purposes)
    )
    assert decide(p, r).allowed == allowed


@given(policies, readers, st.builds(Policy, origin=st.sampled_from(AGENCIES), audience=audiences))
def test_what_connects_is_read_by_nobody_who_may_not_read_both_ends(policy, reader, end):
    if decide(connected(policy, end), reader) and reader.agency != policy.origin:
        assert decide(policy, reader)
        assert decide(end, reader)


@given(policies, policies, readers)
def test_who_published_an_end_is_still_a_reader_of_what_connects_it(policy, other, reader):
    end = Policy(reader.agency, 0, other.audience)
    if decide(policy, reader):
        assert decide(connected(policy, end), reader)


def test_meet_of_strangers_is_refused():
    with pytest.raises(ValueError, match="no meet"):
        meet(Policy("a"), Policy("b"))


@given(st.dictionaries(st.integers(1, 300), policies), readers)
def test_readable_is_ascending_and_the_same_decision(classes, reader):
    assert list(readable(classes, reader)) == sorted(n for n in classes if decide(classes[n], reader))


@pytest.mark.parametrize(
    ("policy", "reader", "reason"),
    [
        (origin_only("us-kite"), Reader("us-kite"), "us-kite published it"),
        (
            origin_only("us-kite"),
            Reader("nz-kea"),
            "nz-kea is not among those it is released to (only us-kite, which published it)",
        ),
        (Policy("us-kite"), Reader("nz-kea"), "every reader of the collection"),
        (
            Policy("us-kite", 3),
            Reader("nz-kea", 2),
            "it is secret, nz-kea reads up to confidential in this framework",
        ),
        (Policy("us-kite", needs=frozenset({"si"})), Reader("nz-kea"), "nz-kea does not hold si"),
        (
            Policy("us-kite", purposes=frozenset({"ct"})),
            Reader("nz-kea", purpose="border"),
            "for ct only, the request's purpose is border",
        ),
        (
            Policy("us-kite", purposes=frozenset()),
            Reader("nz-kea"),
            "for no purpose at all, the request's purpose is not named",
        ),
    ],
)
def test_the_clause_that_decides_is_named(policy, reader, reason):
    assert decide(policy, reader).reason == reason


def test_a_policy_in_words():
    policy = Policy("us-kite", 3, frozenset({"nz-kea"}), frozenset({"si"}), frozenset({"ct"}))
    assert describe(policy) == (
        "only us-kite, which published it, and nz-kea; secret; only with si; for ct only"
    )


def test_readable_sets_are_remembered_until_a_class_is_added(monkeypatch):
    sets, gb, us = ReadableSets(), Reader("gb"), Reader("us")
    classes = {1: Policy("us"), 2: origin_only("us")}
    first = sets.of(1, classes, gb)
    assert (first, sets.of(1, classes, us), sets.of(2, {}, gb)) == ((1,), (1, 2), ())
    assert sets.of(1, classes, gb) is first
    classes[3] = Policy("us")
    assert sets.of(1, classes, gb) == (1, 3)
    assert sets.of(1, classes, Reader("gb", level=1)) == (1, 3)
    monkeypatch.setattr("taxii_hub.policy.reading.MOST_REMEMBERED", 1)
    assert sets.of(1, classes, us) == (1, 2, 3)
    assert len(sets._known) == 1
