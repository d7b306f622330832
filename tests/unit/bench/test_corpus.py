"""The invented corpus: the same for the same seed, valid, and of the shape it says."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import orjson
import pytest

from bench import corpus
from taxii_hub.stix.validation import Validator

SIZE = 3000
NOW = 1_800_000_000_000_000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return corpus.lines(SIZE)


def test_the_same_seed_gives_the_same_bytes(lines):
    assert lines[:50] == corpus.lines(50) == list(islice(corpus.stream(), 50))
    assert lines[:50] != corpus.lines(50, seed=2)


def test_the_shape(lines):
    items = [orjson.loads(line) for line in lines]
    kinds = Counter(item["type"] for item in items)
    assert 800 < sum(map(len, lines)) / SIZE < 1000
    assert 0.45 < kinds["relationship"] / SIZE < 0.55
    assert 0.25 < kinds["indicator"] / SIZE < 0.35
    ids = [item["id"] for item in items]
    assert len(set(ids)) == SIZE
    known: set[str] = set()
    for item in items:
        known.add(item["id"])
        assert {item.get("source_ref", item["id"]), item.get("target_ref", item["id"])} <= known


def test_copies_differ_in_their_own_id_alone(lines):
    made = [orjson.loads(line) for line in islice(corpus.copies(lines, 1), 2 * SIZE)]
    assert len({item["id"] for item in made} | {orjson.loads(line)["id"] for line in lines}) == 3 * SIZE
    for copy, line in zip(made, [*lines, *lines], strict=True):
        original = orjson.loads(line)
        assert copy["id"].startswith(f"{original['type']}--")
        assert {**copy, "id": ""} == {**original, "id": ""}


def test_a_hub_that_is_strict_takes_all_of_it(lines):
    validator = Validator()
    for line in lines[:400]:
        found = validator.findings(orjson.loads(line), NOW)
        assert [finding for finding in found if finding.level == "must"] == [], line
