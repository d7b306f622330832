"""Versions of the catalogue in force, on the real MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.errors import CatalogError, StoreError, UnavailableError
from taxii_hub.model import ApiRoot, Catalog, Collection
from taxii_hub.store.catalogs import INDEXES, Catalogs

Document = dict[str, Any]


def document(**roots: list[str]) -> Document:
    """The least that a stored catalogue has: API roots by path, collections by id."""
    return {
        "api_roots": [
            {"path": path, "collections": [{"id": each, "alias": f"a-{each}"} for each in ids]}
            for path, ids in roots.items()
        ]
    }


def decode(stored: Document) -> Catalog:
    if "api_roots" not in stored:
        raise CatalogError("not mine")
    roots = tuple(
        ApiRoot(root["path"], root["path"], None, None, frozenset(), 1024, tuple(_collection(root)))
        for root in stored["api_roots"]
    )
    return Catalog(roots, (), digest=repr(stored))


def _collection(root: Document) -> list[Collection]:
    nobody: frozenset[str] = frozenset()
    return [
        Collection(
            e["id"], e["alias"], e["id"], root["path"], None, nobody, nobody, (), "strict", "amber", ()
        )
        for e in root["collections"]
    ]


def numbers(catalog: Catalog) -> dict[str, int]:
    return {each.id: each.number for root in catalog.api_roots for each in root.collections}


@asynccontextmanager
async def _opened(uri: str, name: str) -> AsyncIterator[AsyncDatabase[Document]]:
    async with AsyncMongoClient[Document](uri, serverSelectionTimeoutMS=5000) as client:
        database = client[name]
        for collection, indexes in INDEXES.items():
            await database[collection].create_indexes(indexes)
        yield database


@pytest.fixture
def run(mongodb_uri: str, mongodb_database: str) -> Callable[..., None]:
    """Run a coroutine function on a database of its own."""

    def runner(body: Callable[[AsyncDatabase[Document]], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with _opened(mongodb_uri, mongodb_database) as database:
                await body(database)

        asyncio.run(whole())

    return runner


def test_none_in_force(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        catalogs = Catalogs(database, decode)
        await catalogs.refresh()
        assert catalogs.version == 0
        await catalogs.check(document(x=["a"]))
        with pytest.raises(StoreError, match="collections apply"):
            _ = catalogs.catalog

    run(body)


def test_versions_and_numbers(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        catalogs = Catalogs(database, decode)
        first = await catalogs.apply(document(x=["b", "a"], y=["c"]), "admin", 0)
        assert (first.version, numbers(first)) == (1, {"b": 1, "a": 2, "c": 3})
        assert catalogs.catalog == first
        second = await catalogs.apply(document(x=["b", "d"]), "admin", 1)
        assert (second.version, numbers(second)) == (2, {"b": 1, "d": 4})
        # a number is never given to another collection, and a collection that comes back has its own
        third = await catalogs.apply(document(x=["e", "a"]), "somebody")
        assert (third.version, numbers(third)) == (3, {"e": 5, "a": 2})
        stored = [each async for each in database["catalogs"].find(sort=[("_id", 1)])]
        assert [(each["_id"], each["applied_by"]) for each in stored] == [
            (1, "admin"),
            (2, "admin"),
            (3, "somebody"),
        ]
        assert stored[2]["document"] == document(x=["e", "a"])
        assert stored[2]["digest"] == third.digest
        assert stored[0]["applied_at"] <= stored[2]["applied_at"]

    run(body)


def test_the_same_again_is_no_new_version(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        catalogs = Catalogs(database, decode)
        first = await catalogs.apply(document(x=["a"]), "admin")
        assert await catalogs.apply(document(x=["a"]), "other", 1) == first
        assert await database["catalogs"].count_documents({}) == 1

    run(body)


def test_another_hub_takes_it_over(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        here, there = Catalogs(database, decode), Catalogs(database, decode)
        await here.apply(document(x=["a"]), "admin")
        await there.refresh()
        assert there.catalog == here.catalog
        await here.apply(document(x=["a", "b"]), "admin")
        assert there.version == 1
        await there.refresh()
        assert there.catalog == here.catalog
        before = there.catalog
        await there.refresh()
        assert there.catalog is before  # nothing new: nothing read again
        await database["catalogs"].delete_many({})
        await there.refresh()
        assert there.version == 0

    run(body)


def test_an_expectation_that_is_over_changes_nothing(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        here, there = Catalogs(database, decode), Catalogs(database, decode)
        await here.apply(document(x=["a"]), "admin", 0)
        for expected in (0, 2):
            with pytest.raises(CatalogError, match="version 1 is in force by now"):
                await there.apply(document(x=["b"]), "other", expected)
        assert await database["catalogs"].count_documents({}) == 1
        assert await database["collection_numbers"].count_documents({}) == 1

    run(body)


def test_of_two_who_saw_the_same_version_one_wins(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        hubs = [Catalogs(database, decode) for _ in range(6)]
        tasks = [hub.apply(document(x=[f"c{n}"]), f"hub {n}", 0) for n, hub in enumerate(hubs)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        won = [each for each in results if isinstance(each, Catalog)]
        lost = [each for each in results if isinstance(each, CatalogError)]
        assert (len(won), len(lost)) == (1, 5)
        assert won[0].version == 1
        assert await database["collection_numbers"].count_documents({}) == 1

    run(body)


def test_racing_without_an_expectation_all_follow_each_other(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        hubs = [Catalogs(database, decode) for _ in range(6)]
        tasks = [hub.apply(document(x=["a", f"c{n}"]), f"hub {n}") for n, hub in enumerate(hubs)]
        results = await asyncio.gather(*tasks)
        assert sorted(each.version for each in results) == [1, 2, 3, 4, 5, 6]
        given = {numbers(each)[f"c{n}"] for n, each in enumerate(results)}
        assert len(given | {numbers(results[0])["a"]}) == 7

    run(body)


def test_a_missing_collection_that_holds_objects_is_refused(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        catalogs = Catalogs(database, decode)
        first = await catalogs.apply(document(x=["a", "b", "c"]), "admin")
        await database["entries"].insert_one({"c": numbers(first)["b"]})
        with pytest.raises(CatalogError) as raised:
            await catalogs.apply(document(x=["a", "z"]), "admin", 1)
        with pytest.raises(CatalogError, match="retire it instead"):
            await catalogs.check(document(x=["a", "z"]))
        await catalogs.check(document(x=["b"]))
        assert str(raised.value) == (
            "x.yaml: collection a-b (b) holds objects and is missing; put it back and retire it instead "
            "(`retired: true`)"
        )
        assert catalogs.catalog == first
        assert await database["collection_numbers"].count_documents({}) == 3
        assert numbers(await catalogs.apply(document(x=["b"]), "admin")) == {"b": 2}

    run(body)


def test_a_renamed_api_root_keeps_its_numbers(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        catalogs = Catalogs(database, decode)
        first = await catalogs.apply(document(x=["a", "b"]), "admin")
        await database["entries"].insert_one({"c": numbers(first)["b"]})
        renamed = await catalogs.apply(document(y=["a", "b"]), "admin")
        assert numbers(renamed) == numbers(first)
        assert [root.path for root in renamed.api_roots] == ["y"]

    run(body)


def test_what_a_newer_hub_wrote_puts_nothing_in_force(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        catalogs = Catalogs(database, decode)
        await catalogs.apply(document(x=["a"]), "admin")
        await database["catalogs"].insert_one({"_id": 2, "digest": "", "document": {}, "numbers": {}})
        with pytest.raises(StoreError, match="catalogue version 2: not mine"):
            await catalogs.refresh()
        with pytest.raises(StoreError, match="catalogue version 2: not mine"):
            _ = catalogs.catalog

    run(body)


def test_a_document_that_cannot_be_read_is_never_applied(run):
    async def body(database: AsyncDatabase[Document]) -> None:
        with pytest.raises(CatalogError, match="not mine"):
            await Catalogs(database, decode).apply({}, "admin")
        assert await database["catalogs"].count_documents({}) == 0

    run(body)


def test_an_absent_database_is_unavailable(monkeypatch):
    monkeypatch.setattr("taxii_hub.store.catalogs.BUDGET", 0.3)

    async def body() -> None:
        uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"
        async with AsyncMongoClient[Document](uri) as client:
            catalogs = Catalogs(client["none"], decode)
            with pytest.raises(UnavailableError):
                await catalogs.refresh()
            with pytest.raises(UnavailableError):
                await catalogs.apply(document(x=["a"]), "admin")

    asyncio.run(body())
