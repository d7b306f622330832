"""Which classes a change of standing opens, and whose accounts read a copy."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from taxii_hub.model import Membership, Policy, Reader
from taxii_hub.policy.gaining import gained, own_copy, widens
from taxii_hub.policy.reading import decide

LOW = Membership("fr")
HIGH = Membership("fr", 2, frozenset({"SI"}), frozenset({"ct"}))
CLASSES = {
    1: Policy("gb"),
    2: Policy("gb", 2),
    3: Policy("gb", 2, frozenset({"us"})),
    4: Policy("us", 1, frozenset({"fr"}), frozenset({"SI"})),
    5: Policy("gb", purposes=frozenset({"ct"})),
    6: Policy("fr", 4),
    7: Policy("", 2, frozenset({"fr"})),
}


def test_who_read_nothing_gains_all_that_it_reads_now() -> None:
    assert sorted(gained(CLASSES, None, LOW)) == [1, 6]
    assert sorted(gained(CLASSES, None, HIGH)) == [1, 2, 4, 5, 6]


def test_who_read_something_gains_the_rest() -> None:
    found = gained(CLASSES, LOW, HIGH)
    assert sorted(found) == [2, 4, 5]
    assert found[2] == (1, 2, 6, 7)


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        (None, LOW, True),
        (LOW, HIGH, True),
        (HIGH, LOW, False),
        (LOW, Membership("fr", purposes=frozenset({"ct"})), True),
        (Membership("fr", 3), Membership("fr", clearances=frozenset({"SI"})), True),
        (LOW, LOW, False),
    ],
)
def test_standing_that_widens(before: Membership | None, after: Membership, more: bool) -> None:
    assert widens(before, after) == more


words = st.frozensets(st.sampled_from(["a", "b"]))
policies = st.builds(
    Policy,
    st.sampled_from(["gb", "fr"]),
    st.integers(0, 2),
    st.none() | st.frozensets(st.sampled_from(["fr", "us"])),
    words,
    st.none() | words,
)
readers = st.builds(
    Reader, st.sampled_from(["fr", "us"]), st.integers(0, 2), words, st.sampled_from([None, "a"])
)


@given(policies, readers)
def test_a_copy_is_read_by_those_accounts_of_the_agency_that_read_the_original(policy, reader):
    copy = own_copy(policy, "fr")
    assume(policy.origin == "fr" or policy.audience is None or "fr" in policy.audience)
    assert bool(decide(copy, reader)) == (bool(decide(policy, reader)) and reader.agency == "fr")
