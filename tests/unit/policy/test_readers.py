"""Accounts narrow what the membership of their agency gives."""

from __future__ import annotations

import pytest

from taxii_hub.model import Account, ApiRoot, Membership, Reader
from taxii_hub.policy.readers import purposes_of, reader_of

MEMBERSHIP = Membership("gb", 3, frozenset({"si", "hcs"}), frozenset({"ct", "crime"}))
ROOT = ApiRoot("r", "R", None, None, frozenset({"gb"}), 1024, (), memberships=(MEMBERSHIP,))


def reader(**narrowed: object) -> Reader:
    return reader_of(ROOT, Account("a", "gb", frozenset({"reader"}), **narrowed))


def test_an_account_that_says_nothing_has_all_of_it_and_no_purpose_of_several():
    assert reader() == Reader("gb", 3, frozenset({"si", "hcs"}), None)


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({"level": 1}, Reader("gb", 1, frozenset({"si", "hcs"}))),
        ({"level": 4}, Reader("gb", 3, frozenset({"si", "hcs"}))),
        ({"clearances": frozenset({"si", "other"})}, Reader("gb", 3, frozenset({"si"}))),
        ({"purpose": "ct"}, Reader("gb", 3, frozenset({"si", "hcs"}), "ct")),
        ({"purpose": "border"}, Reader("gb", 3, frozenset({"si", "hcs"}))),
        ({"purposes": frozenset({"ct"})}, Reader("gb", 3, frozenset({"si", "hcs"}), "ct")),
        ({"purposes": frozenset({"ct"}), "purpose": "crime"}, Reader("gb", 3, frozenset({"si", "hcs"}))),
    ],
)
def test_narrowing(narrowed, expected):
    assert reader(**narrowed) == expected


def test_an_agency_of_which_nothing_is_said_is_cleared_for_nothing():
    account = Account("a", "fr", frozenset())
    assert reader_of(ROOT, account) == Reader("fr")
    assert purposes_of(ROOT, account) == frozenset()
