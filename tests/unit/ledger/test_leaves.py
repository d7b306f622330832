"""Leaves are canonical, and a page's stamps come back as they were."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.ledger.leaves import (
    HUB,
    Actor,
    index_of,
    leaf_of,
    legible,
    read,
    stamps_document,
    stamps_of,
    values_of,
)
from taxii_hub.ledger.stamps import LONGEST, packed, unpacked
from taxii_hub.stix import canonical_json

AT = 1_763_856_000_000_000
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(NAMES, TEXTS, st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=60)
def test_a_leaf_is_canonical_json(kind: str, account: str, details: dict) -> None:
    data = leaf_of(kind, AT, Actor(account, "gb-owl"), details)
    found = read(data)
    assert canonical_json.dumps(found).encode() == data
    assert found["by"] == {"account": account, "agency": "gb-owl"}
    kept = {k: v for k, v in details.items() if v is not None} | {
        "kind": kind,
        "at": found["at"],
        "by": found["by"],
    }
    assert found == kept


def test_what_a_row_is_found_by() -> None:
    leaf = read(leaf_of("page", AT, Actor("siem", "gb-owl"), {"feed": 3}))
    assert index_of(leaf) == {"k": "page", "t": AT, "a": "siem", "g": "gb-owl", "c": 3}
    assert index_of(read(leaf_of("gap", AT, HUB, {}))) == {"k": "gap", "t": AT, "a": "hub"}


def test_what_is_no_leaf_is_refused() -> None:
    with pytest.raises(TypeError):
        leaf_of("x", AT, HUB, {"a": object()})
    with pytest.raises(TypeError):
        read(b"[]")
    with pytest.raises(ValueError, match=r"EOF|unexpected|expected|line"):
        read(b"{")


def test_filters_are_told_whole_or_by_number() -> None:
    assert values_of([]) is None
    assert values_of(["a", "b\ud800"]) == ["a", "b?"]
    many = values_of([str(n) for n in range(51)])
    assert (len(many["first"]), many["number"]) == (50, 51)
    assert legible("é") == "é"


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=60), st.integers(0, 40))
@settings(max_examples=60)
def test_stamps_come_back(distances: list[int], equal: int) -> None:
    stamps = [AT]
    for distance in distances + [10] * equal:
        stamps.append(stamps[-1] + distance)
    assert unpacked(AT, packed(stamps)) == stamps
    document = stamps_document(stamps)
    assert stamps_of(document) == stamps
    for wrong in ({"count": len(stamps) + 1}, {"last": AT}, {"first": None}, {"stamps": "?"}):
        with pytest.raises(ValueError, match="stamps"):
            stamps_of({**document, **wrong})


def test_a_commit_takes_a_handful_of_bytes() -> None:
    assert len(packed([AT + 10 * n for n in range(10_000)])) <= 8
    assert packed([AT]) == ""


@pytest.mark.parametrize(
    "raw",
    [b"\x80", b"\x0a", b"\x00\x05", b"\x0a\x00", b"\x80" * 12, b"\x01" + b"\xff\xff\x7f", b"\x0a\x05\x80"],
)
def test_other_bytes_are_no_stamps(raw: bytes) -> None:
    with pytest.raises(ValueError, match="stamps"):
        unpacked(AT, base64.b64encode(raw).decode())


def test_stamps_must_ascend() -> None:
    with pytest.raises(ValueError, match="ascend"):
        packed([2, 1])
    with pytest.raises(ValueError, match="ascend"):
        packed([2, 2])
    assert LONGEST > 10_000


def test_what_no_json_can_hold_is_logged_all_the_same() -> None:
    told = {"reason": "a\ud800", "list": ("b\udfff", {"c\ud800": 1}), "number": 2**53, "flag": True}
    leaf = read(leaf_of("x\ud800", AT, Actor("y\ud800"), told))
    assert (leaf["reason"], leaf["list"], leaf["number"]) == ("a?", ["b?", {"c?": 1}], str(2**53))
    assert (leaf["kind"], leaf["by"], leaf["flag"]) == ("x?", {"account": "y?"}, True)
