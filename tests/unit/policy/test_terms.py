"""Names in markings to agencies: dated groups, countries, exclusions; unknown names let nobody in."""

from __future__ import annotations

import pytest

from taxii_hub.model import Group, Policy
from taxii_hub.policy.terms import ORIGIN_COUNTRY, Community, Term, meaning

COUNTRIES = {"us-kite": "US", "us-wren": "US", "gb-heron": "GB", "nz-kea": "NZ", "eu-desk": "EU"}
FVEY = Group("FVEY", "five", (("US", None, None), ("GB", None, None), ("NZ", "2020-01-01", "2024-12-31")))


def audience(day: str = "2023-05-05", **term: frozenset[str]) -> set[str]:
    community = Community(COUNTRIES, {"FVEY": FVEY}, day)
    found = meaning(Term("t", "row", **term), "us-kite", community).policy.audience
    return set(COUNTRIES) if found is None else set(found)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"GBR"}, {"gb-heron"}),
        ({"GB", "NZL"}, {"gb-heron", "nz-kea"}),
        ({"EU"}, {"eu-desk"}),
        ({"nz-kea"}, {"nz-kea"}),
        ({"FVEY"}, {"us-kite", "us-wren", "gb-heron", "nz-kea"}),
        ({ORIGIN_COUNTRY}, {"us-kite", "us-wren"}),
        ({"FRA"}, set()),
        (set(), set()),
    ],
)
def test_names(names, expected):
    assert audience(audience=frozenset(names)) == expected


@pytest.mark.parametrize(
    ("day", "member"),
    [("2019-12-31", False), ("2020-01-01", True), ("2024-12-31", True), ("2025-01-01", False)],
)
def test_a_group_counts_on_the_day(day, member):
    assert ("nz-kea" in audience(day, audience=frozenset({"FVEY"}))) is member


def test_exclusions():
    assert audience(excluded=frozenset({"US"})) == {"gb-heron", "nz-kea", "eu-desk"}
    assert audience(audience=frozenset({"FVEY"}), excluded=frozenset({"GBR"})) == {
        "us-kite",
        "us-wren",
        "nz-kea",
    }


def test_a_name_nobody_knows():
    community = Community(COUNTRIES)
    some = meaning(Term("t", "row", audience=frozenset({"GBR", "XYZW"})), "us-kite", community)
    assert some.unknown == ("XYZW",)
    assert some.policy.audience == {"gb-heron"}
    out = meaning(Term("t", "row", excluded=frozenset({"XYZW"})), "us-kite", community)
    assert out.policy == Policy("us-kite", audience=frozenset())
