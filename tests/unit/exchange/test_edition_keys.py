"""What the memory of editions holds of records: sealed keys, also where a list's key is a name (R7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import AsyncMongoClient

from taxii_hub.catalog.documents import to_document
from taxii_hub.exchange import erasing
from taxii_hub.exchange.access import place_for
from taxii_hub.exchange.edition_keys import RecordKeys, seal
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.keyring import Keyring
from taxii_hub.mapping.registry import Registry, load_registry
from taxii_hub.model import Account, EditionChanges
from taxii_hub.settings import Settings
from taxii_hub.store.editions import seal_record_keys
from tests.support.inprocess import opened_hub

NAMES = ("Zyxwvutberg", "Qwertzanova")
"""Of two invented people; the list that they are on has no references of its own."""


def listed(folder: Path, day: str, *names: str) -> Path:
    records = "".join(
        f"<record><Country>Atlantis / Atlantide</Country><LastName>{name}</LastName><GivenName>Ana</GivenName>"
        f"<Schedule>1, Part 1</Schedule><Item>{number}</Item><DateOfListing>{day}</DateOfListing></record>"
        for number, name in enumerate(names, 1)
    )
    path = folder / f"{day}.xml"
    path.write_text(f"<data-set>{records}</data-set>")
    return path


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Settings().mappings_dir)


@asynccontextmanager
async def opened(uri: str, database: str) -> AsyncIterator[Hub]:
    async with opened_hub(uri, database) as hub:
        (root,) = hub.catalog.api_roots
        accepting = tuple(replace(c, accepts=("ca_sema_xml",)) for c in root.collections)
        changed = replace(hub.catalog, api_roots=(replace(root, collections=accepting),))
        await hub.catalogs.apply(to_document(changed), by="test")
        yield hub


async def take(hub: Hub, registry: Registry, path: Path) -> EditionChanges:
    receipt = await ingest(hub, registry, Ingest(path, "test/strict", agency="gb-owl"))
    assert receipt.status is not None
    assert [o for o in receipt.status.outcomes if not o.ok] == []
    assert receipt.changes is not None
    return receipt.changes


async def dump(uri: str, database: str) -> dict[str, bytes]:
    """Everything that the database holds, by collection."""
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        there = client[database]
        return {
            name: b"".join([bson.encode(row) async for row in there[name].find({})])
            for name in await there.list_collection_names()
        }


def holding(dumped: dict[str, bytes], word: str) -> set[str]:
    return {
        name for name, content in dumped.items() if word.casefold() in content.decode("latin-1").casefold()
    }


async def test_of_an_erased_person_no_word_is_left_in_the_database(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened(mongodb_uri, mongodb_database) as hub:
        await take(hub, registry, listed(tmp_path, "2026-01-01", *NAMES))
        before = await dump(mongodb_uri, mongodb_database)
        assert holding(before, NAMES[0]) == {"entries"}
        officer = Account("gb-desk", "gb-owl", frozenset({"liaison", "reader"}))
        where = place_for(hub, officer, "test", "strict")
        async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
            rows = client[mongodb_database].entries
            named = {row["i"] async for row in rows.find({}) if NAMES[0].encode() in bytes(row["b"])}
        for object_id in sorted(named):
            await erasing.erase(hub, where, object_id, "the wrong person")
        after = await dump(mongodb_uri, mongodb_database)
        assert holding(after, NAMES[0]) == set()
        assert holding(after, NAMES[1]) == {"entries"}


async def test_a_record_that_is_left_out_is_named_as_long_as_the_feed_has_it(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with opened(mongodb_uri, mongodb_database) as hub:
        first = await take(hub, registry, listed(tmp_path, "2026-01-01", *NAMES))
        assert len(first.added) == 2
        hub.keyring.rotate("pseudonym")
        second = await take(hub, registry, listed(tmp_path, "2026-02-01", NAMES[0]))
        assert (second.added, second.vanished) == ((), ())
        (missing,) = second.missing
        assert NAMES[1] in missing
        third = await take(hub, registry, listed(tmp_path, "2026-03-01", NAMES[0]))
        assert (third.vanished, third.revoked > 0, third.standing, third.lost) == ((missing,), True, 2, 1)


async def test_what_was_written_before_is_recognised_and_sealed_by_the_migration(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    async with (
        opened(mongodb_uri, mongodb_database) as hub,
        AsyncMongoClient[dict[str, Any]](mongodb_uri) as client,
    ):
        await take(hub, registry, listed(tmp_path, "2026-01-01", *NAMES))
        rows = client[mongodb_database].edition_members
        (row,) = await rows.find().to_list()
        plain = [
            [f"Atlantis / Atlantide|1, Part 1|{n}|{name}", ids]
            for n, (name, (_, ids)) in enumerate(zip(NAMES, row["m"], strict=True), 1)
        ]
        await rows.update_one({"_id": row["_id"]}, {"$set": {"m": plain}})
        for _ in range(2):
            await seal_record_keys(client[mongodb_database], lambda key: seal(hub.keyring, key))
            (sealed,) = await rows.find().to_list()
            assert [key for key, _ in sealed["m"]] == [seal(hub.keyring, key) for key, _ in plain]
        records = client[mongodb_database].edition_records
        await records.insert_one({"_id": "[1]/a/b|name", "key": "b|name", "edition": 1, "ids": ["x"]})
        await seal_record_keys(client[mongodb_database], lambda key: seal(hub.keyring, key))
        key = seal(hub.keyring, "b|name")
        assert await records.find().to_list() == [
            {"_id": f"[1]/a/{key}", "key": key, "edition": 1, "ids": ["x"]}
        ]


def test_keys_are_recognised_in_every_form(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "secrets", create=True)
    old = seal(keyring, "a name")
    keyring.rotate("pseudonym")
    new = seal(keyring, "a name")
    assert len({old, new, "a name"}) == 3
    assert seal(keyring, old) == old
    keys = RecordKeys(keyring, ["a name", "b"])
    assert keys.opened({old: ["1"], "a name": ["2"], new: ["1", "3"], "sealed": ["4"]}) == {
        "a name": ("1", "2", "3"),
        "sealed": ("4",),
    }
    assert set(keys.forms(["a name"])) == {old, new, "a name"}
