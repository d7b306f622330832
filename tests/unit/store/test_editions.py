"""The log of editions, on a real MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pymongo import AsyncMongoClient

from taxii_hub.store import editions
from taxii_hub.store.base import EditionRecord, Lineage
from taxii_hub.store.editions import EditionStore

SDN = Lineage(1, "us-elk", "us_list", "SDN")
FIRST = EditionRecord(SDN, "report--1", 1_000, "ab" * 32, "taxii-hub 0", "1", begun_at=5_000)
SECOND = replace(FIRST, report="report--2", edition=2_000, begun_at=6_000)


@asynccontextmanager
async def opened(uri: str, database: str) -> AsyncIterator[EditionStore]:
    async with AsyncMongoClient(uri) as client:
        yield EditionStore(client[database])


async def test_editions_come_newest_first_and_lists_do_not_mix(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened(mongodb_uri, mongodb_database) as store:
        corrected = replace(SECOND, report="report--3", begun_at=7_000)
        for record in (SECOND, FIRST, corrected):
            await store.begin(record, {})
        assert await store.editions(SDN) == (corrected, SECOND, FIRST)
        assert await store.editions(SDN, "report--2") == (SECOND,)
        for other in (
            replace(SDN, source_list=""),
            replace(SDN, agency="gb-owl"),
            replace(SDN, collection=2),
            replace(SDN, family="x"),
        ):
            assert await store.editions(other) == ()


async def test_to_begin_again_changes_nothing_and_finishing_counts_once(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened(mongodb_uri, mongodb_database) as store:
        await store.begin(FIRST, {"A": ("identity--1",)})
        await store.begin(replace(FIRST, begun_at=9_000), {"A": ("identity--1",)})
        assert await store.editions(SDN) == (FIRST,)
        done = replace(FIRST, finished_at=8_000, counts={"new": 1})
        await store.finish(done)
        await store.finish(replace(done, finished_at=9_000, counts={"new": 0}))
        assert await store.editions(SDN) == (done,)


async def test_members_of_a_long_list_take_several_documents(
    mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "CHUNK_IDS", 3)
    members = {f"K{n}": tuple(f"identity--{n}-{m}" for m in range(n)) for n in range(6)}
    async with opened(mongodb_uri, mongodb_database) as store:
        await store.begin(FIRST, members)
        await store.begin(SECOND, {"A": ("identity--1",)})
        assert await store.members(FIRST) == members
        await store.forget([FIRST])
        assert await store.members(FIRST) == {}
        assert await store.members(SECOND) == {"A": ("identity--1",)}
        assert len(await store.editions(SDN)) == 2


async def test_a_list_is_claimed_by_one(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened(mongodb_uri, mongodb_database) as store:
        tried = await asyncio.gather(*(store.claim(SDN, f"$process {n}", 60) for n in range(5)))
        assert tried.count(None) == 1
        holder = f"$process {tried.index(None)}"
        assert set(tried) - {None} == {holder}
        assert await store.claim(SDN, holder, 0.05) is None, "renewed by its holder"
        await asyncio.sleep(0.1)
        assert await store.claim(SDN, "next", 60) is None, "it was not renewed in time"
        await store.release(SDN, holder)
        assert await store.claim(SDN, "third", 60) == "next"
        await store.release(SDN, "next")
        assert await store.claim(SDN, "third", 60) is None


async def test_records_remember_what_the_latest_file_said(
    mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editions, "CHUNK_RECORDS", 2)
    async with opened(mongodb_uri, mongodb_database) as store:
        await store.remember(SDN, {"A": ("1", "2"), "B": ("3",), "C": ("4",)}, 20)
        await store.remember(SDN, {"A": ("9",), "D": ("5",)}, 10)
        await store.remember(SDN, {"B": ("6",)}, 30)
        assert await store.records(SDN, "ABCDE", 20) == {"A": ("1", "2"), "C": ("4",), "D": ("5",)}
        assert await store.records(replace(SDN, agency="gb-owl"), "ABCDE", 99) == {}
