"""What consumers did, on a real MongoDB."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest
from pymongo import AsyncMongoClient

from taxii_hub.store.account_records import ConsumerNews, ConsumerRecord, RequestFacts
from taxii_hub.store.consumers import ConsumerStore

COLLECTION = "0b8f6a6e-26e4-4dd5-8f4b-0a5c7b7e2c11"
POLL = RequestFacts(
    at=2_000,
    method="GET",
    kind="objects",
    status=200,
    collection=COLLECTION,
    accept="application/taxii+json;version=2.1",
    user_agent="$set",
    sent=10,
    newest=20,
    objects=3,
)
NEWS = ConsumerNews("gb-siem", COLLECTION, POLL, cursor=20, cursor_at=2_000, requests=2, objects=5)


@pytest.fixture
def run(mongodb_uri, mongodb_database):
    def runner(body):
        async def main():
            async with AsyncMongoClient(mongodb_uri) as client:
                database = client[mongodb_database]
                return await body(ConsumerStore(database))

        return asyncio.run(main())

    return runner


def test_what_is_told_is_read_back(run):
    async def body(store):
        assert await store.read() == ()
        await store.tell([])
        await store.tell([NEWS])
        assert await store.read() == (
            ConsumerRecord("gb-siem", COLLECTION, POLL, None, 20, 2_000, requests=2, objects=5),
        )

    run(body)


def test_the_later_fact_wins_whoever_told_it_first(run):
    failed = replace(POLL, at=3_000, status=406, accept="application/vnd.oasis.taxii+json", newest=None)
    told = [
        NEWS,
        ConsumerNews("gb-siem", COLLECTION, failed, refused=failed),
        ConsumerNews("gb-siem", COLLECTION, replace(POLL, at=1_000), cursor=99, cursor_at=1_000),
    ]

    async def body(store):
        for number, order in enumerate(itertools.permutations(told)):
            for news in order:
                await store.tell([replace(news, account=f"a{number}")])
        for record in await store.read():
            assert (record.last, record.refused) == (failed, failed)
            assert (record.cursor, record.cursor_at) == (20, 2_000)
            assert (record.requests, record.objects) == (4, 5)

    run(body)


def test_many_processes_tell_at_once(run):
    async def body(store):
        each = [replace(NEWS, last=replace(POLL, at=i), cursor_at=i, cursor=i) for i in range(1, 30)]
        await asyncio.gather(*(store.tell([news]) for news in each))
        (record,) = await store.read()
        assert (record.last.at, record.cursor, record.requests) == (29, 29, 58)

    run(body)


def test_accounts_and_collections_are_kept_apart(run):
    async def body(store):
        outside = ConsumerNews("gb-siem", None, replace(POLL, collection=None, kind="discovery"))
        await store.tell([NEWS, outside, replace(NEWS, account="gb")])
        assert [(r.account, r.collection) for r in await store.read()] == [
            ("gb", COLLECTION),
            ("gb-siem", None),
            ("gb-siem", COLLECTION),
        ]
        assert [r.account for r in await store.read("gb")] == ["gb"]

    run(body)
