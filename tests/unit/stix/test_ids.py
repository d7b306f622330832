from __future__ import annotations

import json
import uuid
from collections import Counter

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.stix import ids

UUID4 = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
NAMESPACE = uuid.UUID("6a1f2c3d-0000-4000-8000-000000000001")


def test_the_types_of_the_standard() -> None:
    assert Counter(ids.TYPES.values()) == {"sdo": 19, "sco": 18, "sro": 2, "meta": 3}
    assert ids.kind_of("indicator") == "sdo"
    assert ids.kind_of("url") == "sco"
    assert ids.kind_of("x-invented") is None
    assert ids.kind_of("bundle") is None


@pytest.mark.parametrize(
    "text",
    [
        f"indicator--{UUID4}",
        f"indicator--{UUID4.upper()}",
        f"x-invented-thing2--{UUID4}",
        "url--bedb4899-d24b-5401-bc86-8f6b4cc18ec7",
        f"{'a' * 250}--{UUID4}",
    ],
)
def test_good_ids(text: str) -> None:
    """S-2.9-01."""
    assert ids.is_id(text)
    assert ids.type_of(text) == text[:-38]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "indicator",
        UUID4,
        f"--{UUID4}",
        f"indicator-{UUID4}",
        f"indicator---{UUID4}",
        f"Indicator--{UUID4}",
        f"in_dicator--{UUID4}",
        f"-indicator--{UUID4}",
        f"1ndicator--{UUID4}",
        f"ab--{UUID4}",
        f"indicator--{UUID4}\n",
        f"indicator--{UUID4}0",
        f"indicator--{{{UUID4}}}",
        f"indicator--{UUID4.replace('-', '')}",
        "indicator--8e2e2d2b-17d4-0cbf-938f-98ee46b3cd3f",  # no version
        "indicator--8e2e2d2b-17d4-4cbf-138f-98ee46b3cd3f",  # another variant
        f"indicator--{uuid.UUID(int=0)}",
        f"../etc/passwd--{UUID4}",
        f"{'a' * 251}--{UUID4}",
        "a" * 1_000_000,
    ],
)
def test_bad_ids(text: str) -> None:
    """T-5.5-05."""
    assert not ids.is_id(text)


def test_type_of_what_is_no_id() -> None:
    assert ids.type_of("nothing") == "nothing"


def test_mint_is_deterministic_and_a_good_id() -> None:
    made = ids.mint(NAMESPACE, "identity", "list", "42")
    assert made == ids.mint(NAMESPACE, "identity", "list", "42")
    assert ids.is_id(made)
    assert uuid.UUID(made[-36:]).version == 5


def test_mint_depends_on_everything() -> None:
    made = {
        ids.mint(NAMESPACE, "identity", "a", "bc"),
        ids.mint(NAMESPACE, "identity", "ab", "c"),
        ids.mint(NAMESPACE, "identity", "abc"),
        ids.mint(NAMESPACE, "identity", 'a","bc'),
        ids.mint(NAMESPACE, "identity", "a", "bc", ""),
        ids.mint(NAMESPACE, "location", "a", "bc").replace("location", "identity"),
        ids.mint(uuid.UUID(UUID4), "identity", "a", "bc"),
    }
    assert len(made) == 7


@given(st.lists(st.text(st.characters(), max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_mint_keeps_seeds_apart(one: list[str], other: list[str]) -> None:
    same = ids.mint(NAMESPACE, "identity", *one) == ids.mint(NAMESPACE, "identity", *other)
    assert same == (one == other)


@given(name=st.text(st.characters(exclude_categories=["Cs"])), namespace=st.uuids())
def test_mint_makes_name_based_uuids(name: str, namespace: uuid.UUID) -> None:
    made = uuid.uuid5(namespace, json.dumps(["identity", name], separators=(",", ":")))
    assert ids.mint(namespace, "identity", name) == f"identity--{made}"


def test_mint_refuses_the_namespace_of_cyber_observables() -> None:
    """S-2.9-02."""
    with pytest.raises(ValueError, match="use sco_id"):
        ids.mint(ids.SCO_NAMESPACE, "identity", "x")


def test_the_check_value_of_the_standard() -> None:
    """S-2.9-03."""
    made = ids.sco_id({"type": "domain-name", "value": "example.com"})
    assert made == "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"


@pytest.mark.parametrize(
    "properties",
    [
        {"type": "autonomous-system", "number": 64500},
        {"type": "directory", "path": "C:\\Invented\\Päth"},
        {"type": "ipv6-addr", "value": "2001:db8::1"},
        {"type": "url", "value": "https://example.org/?a=1&b=\u2028"},
        {"type": "file", "name": "a\tb.exe", "hashes": {"SHA-256": "a" * 64, "MD5": "b" * 32}, "size": 5},
        {"type": "file", "hashes": {"SHA3-256": "a" * 64}},
        {"type": "mutex", "name": 'quo"te'},
        {
            "type": "network-traffic",
            "src_ref": "ipv4-addr--bedb4899-d24b-5401-bc86-8f6b4cc18ec7",
            "src_port": 80,
            "protocols": ["tcp", "http"],
        },
        {"type": "user-account", "user_id": "x", "account_type": "unix", "display_name": "ignored"},
        {"type": "windows-registry-key", "key": "HKLM\\x", "values": [{"name": "n", "data": "d"}]},
        {"type": "software", "name": "Invented", "version": "1.0"},
    ],
)
def test_sco_ids_agree_with_the_stix2_library(properties: dict[str, object]) -> None:
    expected = stix2.parse(dict(properties), version="2.1")["id"]
    assert ids.sco_id(properties) == expected


@pytest.mark.parametrize(
    "properties", [{"type": "process", "pid": 5}, {"type": "artifact", "url": "http://x.example/"}]
)
def test_nothing_to_compute_from_gives_a_random_id(properties: dict[str, object]) -> None:
    made = ids.sco_id(properties)
    assert uuid.UUID(made[-36:]).version == 4
    assert made != ids.sco_id(properties)


def test_an_unknown_hash_alone_still_gives_a_deterministic_id() -> None:
    one = ids.sco_id({"type": "file", "hashes": {"ZZZ": "1", "AAA": "2"}})
    assert one == ids.sco_id({"type": "file", "hashes": {"AAA": "2", "ZZZ": "1"}})


def test_only_cyber_observables_have_sco_ids() -> None:
    with pytest.raises(KeyError):
        ids.sco_id({"type": "indicator"})
    assert ids.contributing_properties("indicator") is None
    assert ids.contributing_properties("process") == ()


@given(
    st.sampled_from(["identity", "x-invented", "x", "bundle", "Identity", "identity-x", "a--b"]),
    st.sampled_from(["identity", "x-invented", "x", "bundle", "Identity", "identity-x", "a--b"]),
    st.sampled_from(
        ["--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "--8E2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\n", "--1", "-", ""]
    ),
)
def test_an_id_of_a_type_is_an_id_that_begins_with_it(object_type: str, named: str, rest: str) -> None:
    text = named + rest
    assert ids.is_id_of(object_type, text) == (ids.is_id(text) and ids.type_of(text) == object_type)
