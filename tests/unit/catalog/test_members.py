"""Members with levels, purposes and agreements; groups; the rules of a collection; what changes in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from taxii_hub.catalog import forms
from taxii_hub.catalog.changes import diff
from taxii_hub.catalog.documents import from_document, to_document
from taxii_hub.catalog.loader import load_catalog, read_texts
from taxii_hub.catalog.located import sentence
from taxii_hub.catalog.lookup import find_api_root
from taxii_hub.catalog.standing import notices
from taxii_hub.model import Agreement, ApiRoot, Catalog, Group, Membership
from taxii_hub.policy.countries import ALPHA_2
from taxii_hub.policy.reading import LADDER

Files = dict[str, bytes]
A = "alpha.yaml"
AGREEMENT = """agreement:
  title: Alpha memorandum
  reference: A/1
  from: 2024-01-01
  until: 2030-12-31
  purposes: [ct, crime]
  review: 2027-06-30
"""
HERON = """  - agency: gb-heron
    level: secret
    clearances: [SI, "TK 2"]
    purposes: [ct]
    joining: history
    agreement: {title: Heron accession, reference: A/2, until: "2028-01-31", purposes: [ct]}
"""
GROUPS = b"""groups:
  ALL:
    title: Everybody
    members: [US, nz-kea, {name: GB, from: 1973-01-01, until: 2020-01-31}]
"""


@pytest.fixture
def full(files: Files) -> Files:
    text = files[A].decode().replace("members:\n", AGREEMENT + "members:\n").replace("  - gb-heron\n", HERON)
    return {**files, A: text.encode(), "groups.yaml": GROUPS}


def good(files: Files) -> Catalog:
    catalog, problems = read_texts(files)
    assert [sentence(problem) for problem in problems] == []
    assert catalog is not None
    return catalog


def alpha(catalog: Catalog) -> ApiRoot:
    root = find_api_root(catalog, "alpha")
    assert root is not None
    return root


def test_everything_is_read_and_stored(full: Files) -> None:
    catalog = good(full)
    root = alpha(catalog)
    assert root.agreement == Agreement(
        "Alpha memorandum", "A/1", "2024-01-01", "2030-12-31", frozenset({"ct", "crime"}), "2027-06-30"
    )
    assert root.members == {"us-kite", "gb-heron"}
    own = Agreement("Heron accession", "A/2", None, "2028-01-31", frozenset({"ct"}))
    heron = Membership("gb-heron", 3, frozenset({"SI", "TK 2"}), frozenset({"ct"}), own, "history")
    assert root.memberships == (heron,)
    kept = (("US", None, None), ("nz-kea", None, None), ("GB", "1973-01-01", "2020-01-31"))
    assert catalog.groups == (Group("ALL", "Everybody", kept),)
    assert from_document(to_document(catalog)) == catalog


def test_a_mapping_that_says_nothing_is_the_name(files: Files) -> None:
    said = {**files, A: files[A].replace(b"  - gb-heron\n", b"  - {agency: gb-heron}\n")}
    assert good(said) == good(files)


def test_purposes_are_those_of_its_own_agreement_unless_said(full: Files) -> None:
    said = {**full, A: full[A].replace(b"    purposes: [ct]\n", b"")}
    assert alpha(good(said)).memberships[0].purposes == {"ct"}


def test_levels_are_those_of_the_reading_rule() -> None:
    assert forms.LEVELS == LADDER


def test_the_rules_of_a_collection(files: Files) -> None:
    keys = (
        "    unmarked: refuse\n    granular: tear-line\n    hold: above-restricted\n    signatures: 2\n"
        "    release_within_hours: 24\n    retention_days: 1825\n    review_days: 365\n    tlp1_twin: true\n"
    )
    said = {**files, A: files[A].replace(b"    default_marking: green\n", keys.encode())}
    catalog = good(said)
    wanted = next(each for each in alpha(catalog).collections if each.alias == "wanted")
    assert (wanted.unmarked, wanted.granular, wanted.hold, wanted.signatures) == (
        "refuse", "tear-line", "above-restricted", 2,
    )  # fmt: skip
    assert (wanted.release_within_hours, wanted.retention_days, wanted.review_days) == (24, 1825, 365)
    assert wanted.tlp1_twin
    assert from_document(to_document(catalog)) == catalog


def test_a_document_of_an_older_hub_is_read(files: Files) -> None:
    document = to_document(good(files))
    assert "groups" not in document
    assert not {"agreement", "memberships"} & document["api_roots"][0].keys()
    assert not {"hold", "unmarked", "audit"} & document["api_roots"][0]["collections"][0].keys()
    assert from_document(document) == good(files)


WRONG = [
    ("purposes: [ct, crime]", "purposes: [CT]", "does not fit"),
    ("purposes: [ct, crime]", "purposes: [crime]", "the agreement of alpha names no purpose 'ct'"),
    ("purposes: [ct]\n    joining", "purposes: [crime]\n    joining", "its agreement names no purpose 'crime'"),
    ("from: 2024-01-01", "from: 2031-01-01", "lies before `from`"),
    ("from: 2024-01-01", "from: 2024-02-30", "is no valid YAML|is no day|no valid YAML"),
    ("from: 2024-01-01", 'from: "2024-1-1"', "is no day"),
    ("  reference: A/1\n", "", "agreement.reference: is missing"),
    ("level: secret", "level: cosmic", "'cosmic' is not possible"),
    ("level: secret", "rank: secret", "there is no such key"),
    ("agency: gb-heron", "agency: fr-none", "there is no agency 'fr-none'"),
    ("agency: gb-heron", "agency: us-kite", "'us-kite' stands there twice"),
    ('agreement: {title: Heron accession, reference: A/2, until: "2028-01-31", purposes: [ct]}', "agreement: none", "is no mapping"),
    ('[SI, "TK 2"]', '["SI;"]', "does not fit"),
    ("default_marking: green", "hold: above-top-secret", "is not possible"),
    ("default_marking: green", "hold: always\n    signatures: 0", "is 0 beside `hold:`"),
    ("default_marking: green", "signatures: 3", "is no number in range"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "instead", "words"), WRONG)
def test_what_is_wrong(full: Files, text: str, instead: str, words: str) -> None:
    assert text in full[A].decode()
    spoiled = {**full, A: full[A].decode().replace(text, instead, 1).encode()}
    catalog, problems = read_texts(spoiled)
    assert catalog is None
    told = "\n".join(sentence(problem) for problem in problems)
    assert any(each in told for each in words.split("|")), told


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("groups: [A]", "is no mapping"),
        ("groups:\n  fvey: {title: x, members: [US]}", "cannot name a group"),
        ("groups:\n  FVEY: [US]", "is no mapping"),
        ("groups:\n  FVEY: {title: x}", "no members"),
        ("groups:\n  FVEY: {title: x, members: [USA]}", "does not fit"),
        ("groups:\n  FVEY: {title: x, members: [us-none]}", "there is no agency 'us-none'"),
        ("groups:\n  FVEY: {title: x, members: [{name: US, form: x}]}", "there is no such key"),
        ("group: {}", "is missing"),
        ("groups", "holds no keys"),
    ],
)
def test_groups_that_are_wrong(files: Files, data: str, words: str) -> None:
    catalog, problems = read_texts({**files, "groups.yaml": data.encode()})
    assert catalog is None
    assert words in "\n".join(sentence(problem) for problem in problems)


@pytest.fixture
def changed(full: Files) -> Callable[..., list[str]]:
    def change(*swaps: tuple[str, str], file: str = A) -> list[str]:
        text = full[file].decode()
        for old, new in swaps:
            assert old in text
            text = text.replace(old, new, 1)
        return [each.words for each in diff(good(full), good({**full, file: text.encode()}))]

    return change


def test_who_gains_and_loses_what(changed: Callable[..., list[str]]) -> None:
    words = changed(
        ("level: secret", "level: restricted"), ('[SI, "TK 2"]', "[SI, G]"), ("purposes: [ct]\n    j", "purposes: [crime]\n    j"),
        ('reference: A/2, until: "2028-01-31", purposes: [ct]', "reference: A/3"), ("joining: history", "joining: from-now"),
    )  # fmt: skip
    assert words == [
        "gb-heron reads only up to restricted in alpha (was secret)",
        "gb-heron gains clearance G in alpha",
        "gb-heron loses clearance TK 2 in alpha",
        "gb-heron gains purpose crime in alpha",
        "gb-heron loses purpose ct in alpha",
        "agreement of gb-heron in alpha: A/2 until 2028-01-31 for ct becomes A/3",
        "gb-heron in alpha: joining becomes from-now",
    ]
    assert changed(("level: secret", "level: top-secret"), ("  review: 2027-06-30\n", "")) == [
        "gb-heron gains reading up to top-secret in alpha (was secret)",
        (
            "agreement of alpha: A/1 from 2024-01-01 until 2030-12-31 for crime, ct review by 2027-06-30 becomes "
            "A/1 from 2024-01-01 until 2030-12-31 for crime, ct"
        ),
    ]


def test_changes_of_groups_and_the_first_catalogue(changed: Callable[..., list[str]], full: Files) -> None:
    assert changed(("US, nz-kea, ", "US, "), file="groups.yaml") == [
        (
            "group ALL: US, nz-kea, GB from 1973-01-01 until 2020-01-31 becomes US, GB from 1973-01-01 until 2020-01-31, "
            "for what is published from now on"
        )
    ]
    assert changed(("  ALL:", "  SOME:"), file="groups.yaml") == [
        "group SOME is new (Everybody)",
        "group ALL is removed: who is released to it gets nothing new",
    ]
    first = [each.words for each in diff(None, good(full))]
    assert "gb-heron gains reading up to secret in alpha (was unclassified)" in first
    assert "group ALL is new (Everybody)" in first


@pytest.mark.parametrize(
    ("today", "words"),
    [
        ("2026-01-01", []),
        ("2027-07-01", ["the agreement of alpha (A/1) was to be reviewed by 2027-06-30"]),
        ("2023-12-31", ["the agreement of alpha (A/1) begins on 2024-01-01: no access before"]),
        ("2027-11-03", [
            "the agreement of alpha (A/1) was to be reviewed by 2027-06-30",
            "the agreement of gb-heron in alpha (A/2) ends on 2028-01-31, in 89 days",
        ]),
        ("2028-02-01", [
            "the agreement of alpha (A/1) was to be reviewed by 2027-06-30",
            "the agreement of gb-heron in alpha (A/2) ended on 2028-01-31: no access",
        ]),
    ],
)  # fmt: skip
def test_agreements_that_need_attention(full: Files, today: str, words: list[str]) -> None:
    found = notices(good(full), date.fromisoformat(today))
    assert [notice.words for notice in found] == words
    assert [notice.ended for notice in found] == ["no access" in each for each in words]


def test_the_shipped_groups_name_real_countries() -> None:
    catalog = load_catalog(Path(__file__).resolve().parents[3] / "collections")
    agencies = {agency.name for agency in catalog.agencies}
    assert {group.name for group in catalog.groups} >= {"FVEY", "EU", "G7", "NATO"}
    for group in catalog.groups:
        assert {name for name, _, _ in group.members} <= set(ALPHA_2.values()) | agencies
