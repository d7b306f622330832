"""The schema's version on a real MongoDB: made, repeated, resumed, refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.errors import SchemaVersionError, StoreError, UnavailableError
from taxii_hub.model import Policy
from taxii_hub.store.classes import PolicyClasses
from taxii_hub.store.migrations import SCHEMA_VERSION, Deployment, check_schema, migrate, schema_version
from taxii_hub.store.topology import connect

INDEXES = {
    "entries": [
        IndexModel([("c", ASCENDING), ("p", ASCENDING)], name="all"),
        IndexModel([("c", ASCENDING), ("i", ASCENDING)], name="object", unique=True),
    ],
    "plain": [],
}
MINE = Deployment("f" * 32, "3f6a5e0c-6f0e-4b5e-9d4b-7a1f0c2d9e11")

Body = Callable[[AsyncDatabase[dict[str, Any]]], Awaitable[None]]


@pytest.fixture
def on(mongodb_uri: str, mongodb_database: str) -> Callable[[Body], None]:
    def run(body: Body) -> None:
        async def all_of_it() -> None:
            async with connect(mongodb_uri) as client:
                await body(client[mongodb_database])

        asyncio.run(all_of_it())

    return run


def test_a_new_database_gets_collections_indexes_and_version(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        assert await schema_version(db) == 0
        with pytest.raises(SchemaVersionError, match=r"schema version none.*taxii-hub store migrate"):
            await check_schema(db, MINE)
        planned = await migrate(db, INDEXES, MINE, dry_run=True)
        assert await db.list_collection_names() == []
        assert await migrate(db, INDEXES, MINE) == planned
        assert planned == (
            "schema version 1: collections and indexes",
            "schema version 2: policies by value, without TLP words",
            "schema version 3: queue the audit leaves of before for the log",
            "schema version 4: name the objects that statuses have words about",
            "schema version 5: seal the keys of records that editions remember",
            "make collection entries",
            "make index entries.all",
            "make index entries.object",
            "make collection plain",
        )
        assert set(await db.list_collection_names()) == {"entries", "plain", "meta"}
        assert (await db.entries.index_information())["object"]["unique"] is True
        assert await schema_version(db) == SCHEMA_VERSION
        await check_schema(db, MINE)

    on(body)


def test_a_second_run_has_nothing_to_do(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await migrate(db, INDEXES, MINE)
        before = await db.meta.find_one({"_id": "schema"})
        assert await migrate(db, INDEXES, MINE) == ()
        assert await db.meta.find_one({"_id": "schema"}) == before

    on(body)


def test_an_interrupted_run_is_resumed(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await migrate(db, {"entries": INDEXES["entries"][:1]}, MINE)
        await db.meta.delete_one({"_id": "schema"})
        assert await migrate(db, INDEXES, MINE) == (
            "schema version 1: collections and indexes",
            "schema version 2: policies by value, without TLP words",
            "schema version 3: queue the audit leaves of before for the log",
            "schema version 4: name the objects that statuses have words about",
            "schema version 5: seal the keys of records that editions remember",
            "make index entries.object",
            "make collection plain",
        )
        await check_schema(db, MINE)

    on(body)


def test_many_hubs_may_migrate_at_once(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await asyncio.gather(*(migrate(db, INDEXES, MINE) for _ in range(6)))
        await check_schema(db, MINE)
        assert await db.meta.count_documents({}) == 2

    on(body)


def test_of_two_hubs_with_different_secrets_one_is_refused(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        others = [Deployment(digit * 32, MINE.id_namespace) for digit in "ab"]
        ended = await asyncio.gather(*(migrate(db, INDEXES, d) for d in others), return_exceptions=True)
        assert sorted(isinstance(e, StoreError) for e in ended) == [False, True]

    on(body)


def test_a_newer_schema_is_refused_and_left_alone(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await migrate(db, INDEXES, MINE)
        await db.meta.update_one({"_id": "schema"}, {"$set": {"version": SCHEMA_VERSION + 1}})
        for refused in (check_schema(db, MINE), migrate(db, INDEXES, MINE), schema_version(db)):
            with pytest.raises(SchemaVersionError, match=r"newer TAXII Hub.*install the newer release"):
                await refused
        assert (await db.meta.find_one({"_id": "schema"}))["version"] == SCHEMA_VERSION + 1

    on(body)


def test_other_secrets_are_refused(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await migrate(db, INDEXES, MINE)
        other = Deployment("0" * 32, MINE.id_namespace)
        for refused in (check_schema(db, other), migrate(db, INDEXES, other)):
            with pytest.raises(StoreError, match=r"other secrets.*TAXII_HUB_SECRETS_DIR"):
                await refused
        await check_schema(db, MINE)

    on(body)


def test_another_id_namespace_is_refused(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await migrate(db, INDEXES, MINE)
        other = Deployment(MINE.fingerprint, "00000000-0000-4000-8000-000000000001")
        with pytest.raises(StoreError, match=r"TAXII_HUB_ID_NAMESPACE=3f6a5e0c.*second id"):
            await check_schema(db, other)

    on(body)


def test_data_that_an_index_refuses_is_told(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await db.entries.insert_many([{"c": 1, "i": "a"}, {"c": 1, "i": "a"}])
        with pytest.raises(StoreError, match=r"could not be migrated: .*duplicate key"):
            await migrate(db, INDEXES, MINE)
        await db.entries.delete_one({})
        await migrate(db, INDEXES, MINE)

    on(body)


def test_a_database_that_is_away_is_told() -> None:
    async def body() -> None:
        uri = "mongodb://%2Fnonexistent%2Fx.sock/?directConnection=true"
        async with connect(uri, serverSelectionTimeoutMS=50) as client:
            for refused in (
                check_schema(client.x, MINE),
                migrate(client.x, INDEXES, MINE),
                schema_version(client.x),
            ):
                with pytest.raises(UnavailableError):
                    await refused

    asyncio.run(body())


def test_policies_of_version_1_keep_their_numbers(on: Callable[[Body], None]) -> None:
    async def body(db: AsyncDatabase[dict[str, Any]]) -> None:
        await migrate(db, INDEXES, MINE)
        await db.meta.update_one({"_id": "schema"}, {"$set": {"version": 1}})
        old = {"c": 1, "origin": "gb", "reason": "TLP"}
        await db.policies.insert_many(
            [
                {"_id": 1, "key": "gb|green|*", "level": "green", "audience": None, **old},
                {"_id": 2, "key": "gb|amber|*", "level": "amber", "audience": None, **old},
                {"_id": 3, "key": "gb|red|", "level": "red", "audience": [], **old},
            ]
        )
        await migrate(db, INDEXES, MINE)
        classes = PolicyClasses(db, lifetime=0.05)
        open_, closed = Policy("gb"), Policy("gb", audience=frozenset())
        assert await classes.of(1) == {1: open_, 2: open_, 3: closed}
        assert await classes.intern(1, frozenset({open_, closed})) == {open_: 1, closed: 3}

    on(body)
