"""Why a poll reads a snapshot: the same query with plain majority loses objects (R1)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.read_concern import ReadConcern

from taxii_hub.model import Entry, ObjectQuery, Visibility
from taxii_hub.store.feed import MongoFeed
from taxii_hub.store.queries import FIELDS, page_finds
from taxii_hub.store.reading import entry_of
from tests.support.feeds import V1, offer, opened_feed, policy, publication

CLASSES = 200
Read = Callable[[int], Awaitable[list[Entry]]]


@pytest.fixture
def yielding(mongodb_uri: str) -> Iterator[None]:
    """MongoDB gives way after every step of a query, so that what is rare happens at once."""
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        before = client.admin.command("setParameter", 1, internalQueryExecYieldIterations=1)["was"]
        try:
            yield
        finally:
            client.admin.command("setParameter", 1, internalQueryExecYieldIterations=before)


async def missed(feed: MongoFeed, numbers: list[int], read: Read, seconds: float) -> int:
    """How many committed objects a poller that follows its cursor never got."""
    seen: set[str] = set()
    stored: set[str] = set()
    end = time.monotonic() + seconds

    async def write(first: int) -> None:
        turn = first
        while time.monotonic() < end:
            offers = [offer(n, numbers[(turn * 7 + n * 13) % len(numbers)]) for n in range(10)]
            await feed.commit(publication(*offers))
            stored.update(o.id for o in offers)
            turn += 1

    writers = [asyncio.create_task(write(n)) for n in range(8)]
    cursor = 0
    while True:
        finished = all(writer.done() for writer in writers)
        entries = await read(cursor)
        seen.update(entry.id for entry in entries)
        cursor = entries[-1].stamp if entries else cursor
        if finished and not entries:
            break
        await asyncio.sleep(0)
    await asyncio.gather(*writers)
    assert stored
    return len(stored - seen)


async def interned(feed: MongoFeed) -> list[int]:
    policies = [policy(f"a{n:03}") for n in range(CLASSES)]
    numbers = await feed.intern(1, frozenset(policies))
    return sorted(numbers.values())


@pytest.mark.usefixtures("yielding")
@pytest.mark.parametrize("start", ["added_after", "position"])
async def test_a_snapshot_misses_nothing(mongodb_uri: str, mongodb_database: str, start: str) -> None:
    """200 policy classes, pages of 10,000; a walk by position reads them by two finds at a time."""
    async with opened_feed(mongodb_uri, mongodb_database) as feed:
        numbers = await interned(feed)
        visibility = Visibility(1, "gb", tuple(numbers), 1, V1)

        async def read(cursor: int) -> list[Entry]:
            page = await feed.page(visibility, ObjectQuery(**{start: cursor}), "manifest", 10_000)
            return page.entries

        assert await missed(feed, numbers, read, 3) == 0


@pytest.mark.usefixtures("yielding")
async def test_plain_majority_is_seen_to_miss(mongodb_uri: str, mongodb_database: str) -> None:
    """The control: were this to pass, the test above would prove nothing."""
    async with (
        opened_feed(mongodb_uri, mongodb_database) as feed,
        AsyncMongoClient[dict[str, Any]](mongodb_uri) as client,
    ):
        numbers = await interned(feed)
        visibility = Visibility(1, "gb", tuple(numbers), 1, V1)
        entries = client[mongodb_database].get_collection("entries", read_concern=ReadConcern("majority"))

        async def read(cursor: int) -> list[Entry]:
            (find,) = page_finds(visibility, ObjectQuery(added_after=cursor))
            rows = entries.find(
                find.filter,
                FIELDS["manifest"],
                sort=list(find.order),
                hint=find.hint,
                limit=10_000,
                batch_size=10_000,
            )
            return [entry_of(row) async for row in rows]

        for _ in range(6):
            if await missed(feed, numbers, read, 4):
                return
        pytest.fail("majority missed nothing in six tries")
