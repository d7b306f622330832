"""The feed on a real MongoDB: what is acknowledged is there, once, in the order of its stamps."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import OperationFailure

from taxii_hub.errors import UnavailableError
from taxii_hub.model import ObjectQuery, Policy, VersionFilter, Visibility
from taxii_hub.store.base import Change
from taxii_hub.store.feed import MongoFeed
from taxii_hub.store.snapshots import Point, Snapshots
from tests.support.feeds import V1, offer, opened_feed, policy, publication

Feeds = Callable[[int], Any]
EVERY = VersionFilter(frozenset({"all"}))


async def interned(feed: MongoFeed, *policies: Policy) -> list[int]:
    numbers = await feed.intern(1, frozenset(policies))
    return [numbers[p] for p in policies]


def seen(*classes: int) -> Visibility:
    return Visibility(1, "gb", tuple(sorted(classes)), 1, V1)


async def walked(feed: MongoFeed, visibility: Visibility, limit: int, **filters: Any) -> list[Any]:
    entries: list[Any] = []
    query = ObjectQuery(**filters)
    while True:
        page = await feed.page(visibility, query, "objects", limit)
        entries += page.entries
        if not page.more:
            return entries
        query = replace(query, position=page.entries[-1].stamp)


async def test_what_was_stored_comes_back_byte_for_byte_in_order(feeds: Feeds) -> None:
    """R1, R3, T-3.5-01."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        offers = [offer(n, p) for n in range(23)]
        status = await feed.commit(publication(*offers))
        assert status.stored == 23
        for limit in (1, 3, 10, 23, 100):
            entries = await walked(feed, seen(p), limit)
            assert [e.data for e in entries] == [o.data for o in offers]
        lean = await feed.page(seen(p), ObjectQuery(), "content", 10)
        assert [(e.stamp, e.data, e.id) for e in lean.entries] == [
            (e.stamp, e.data, "") for e in entries[:10]
        ]
        stamps = [e.stamp for e in entries]
        assert stamps == sorted(set(stamps))
        assert stamps[-1] % 1000 == 0
        assert await feed.status(status.id) == status


async def test_who_may_read_nothing_sees_nothing(feeds: Feeds) -> None:
    async with feeds(1) as (feed,):
        open_class, red = await interned(feed, policy(), policy(red=True))
        await feed.commit(publication(offer(0, red)))
        await feed.commit(publication(offer(0, open_class)))
        assert len(await walked(feed, seen(open_class), 10)) == 1
        assert len(await walked(feed, seen(open_class, red), 10)) == 2
        assert await walked(feed, seen(), 10) == []
        assert await feed.count_by_class(1) == {open_class: 1, red: 1}


async def test_the_last_version_is_the_readers_own(feeds: Feeds) -> None:
    """R4: a newer version that a reader may not see leaves him the older one."""
    async with feeds(1) as (feed,):
        open_class, red = await interned(feed, policy(), policy(red=True))
        first, second = offer(0, open_class, id="x--1"), offer(1, red, id="x--1")
        await feed.commit(publication(first))
        await feed.commit(publication(second, readable=(open_class, red)))
        low, high = seen(open_class), seen(open_class, red)
        assert [e.data for e in await walked(feed, low, 5)] == [first.data]
        assert [e.data for e in await walked(feed, high, 5)] == [second.data]
        one = await feed.object_page(low, "x--1", ObjectQuery(), "objects", 5)
        two = await feed.object_page(high, "x--1", ObjectQuery(), "objects", 5)
        assert (one.entries[0].data, two.entries[0].data) == (first.data, second.data)
        hidden = await feed.object_page(seen(), "x--1", ObjectQuery(), "objects", 5)
        assert not hidden.exists


async def test_an_empty_page_says_where_the_reader_stands(feeds: Feeds) -> None:
    """DESIGN section 3, date headers."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        nothing = await feed.page(seen(p), ObjectQuery(added_after=5), "objects", 5)
        assert nothing.mark == 5
        await feed.commit(publication(offer(0, p, type="a")))
        newest = await feed.newest(seen(p))
        assert newest is not None
        ahead = await feed.page(seen(p), ObjectQuery(added_after=newest + 10**9), "objects", 5)
        assert ahead.mark == newest
        filtered = await feed.page(seen(p), ObjectQuery(added_after=7, types=("b",)), "objects", 5)
        assert filtered.mark == 7
        assert (await feed.page(seen(p), ObjectQuery(types=("b",)), "objects", 5)).mark is None


async def test_version_filters(feeds: Feeds) -> None:
    """T-3.4.1-07, T-5.6-01, T-5.8-01."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        offers = [offer(n, p, id="x--1") for n in range(4)]
        await feed.commit(publication(offers[2]))
        await feed.commit(publication(offers[0], offers[3], offers[1]))
        everything = await walked(feed, seen(p), 2, versions=EVERY)
        assert [e.data for e in everything] == [offers[n].data for n in (2, 0, 3, 1)]
        mixed = VersionFilter(frozenset({"first", "last"}), (offers[1].version or 0,))
        assert {e.data for e in await walked(feed, seen(p), 9, versions=mixed)} == {
            offers[n].data for n in (0, 1, 3)
        }
        page = await feed.object_page(seen(p), "x--1", ObjectQuery(versions=EVERY), "manifest", 3)
        assert page.more
        assert len(page.entries) == 3
        late = ObjectQuery(added_after=everything[-1].stamp)
        nothing = await feed.object_page(seen(p), "x--1", late, "objects", 3)
        assert nothing.exists
        assert nothing.mark == everything[-1].stamp


async def test_split_queries_are_one_page(feeds: Feeds) -> None:
    """More than 200 branches: several finds of one snapshot, merged."""
    async with feeds(1) as (feed,):
        numbers = await interned(feed, *(policy(f"a{n:03}") for n in range(230)))
        offers = [offer(n, p) for n, p in enumerate(numbers)]
        await feed.commit(publication(*offers))
        for limit in (50, 229, 230, 1000):
            assert [e.data for e in await walked(feed, seen(*numbers), limit)] == [o.data for o in offers]
        ids = tuple(o.id for o in offers[::2])
        assert len(await walked(feed, seen(*numbers), 30, ids=ids)) == len(ids)


async def test_a_resent_request_is_answered_from_its_status(feeds: Feeds) -> None:
    """R2: the answer was lost, the write was not."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        request = publication(offer(0, p))
        first = await feed.commit(request)
        assert await feed.commit(request) == first
        assert len(await walked(feed, seen(p), 5)) == 1


async def test_twenty_posts_of_one_object_leave_one_entry(feeds: Feeds) -> None:
    """R-02."""
    async with feeds(2) as (one, two):
        (p,) = await interned(one, policy())
        await interned(two, policy())
        thing = offer(0, p, id="x--1")
        statuses = await asyncio.gather(*((one, two)[n % 2].commit(publication(thing)) for n in range(20)))
        assert all(s.outcomes[0].ok for s in statuses)
        assert sum(s.stored for s in statuses) == 1
        assert len(await walked(one, seen(p), 5)) == 1


async def test_a_large_envelope_takes_several_commits_and_has_one_status(feeds: Feeds) -> None:
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        status = await feed.commit(publication(*(offer(n, p) for n in range(4500))))
        assert status.stored == len(status.outcomes) == 4500
        assert len(await walked(feed, seen(p), 1000)) == 4500
        assert await feed.status(status.id) == status


async def test_deleting_the_newest_version_feeds_the_older_one_again(feeds: Feeds) -> None:
    """R7, T-5.7-01."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        old, new = offer(0, p, id="x--1"), offer(1, p, id="x--1")
        await feed.commit(publication(old, new))
        cursor = (await walked(feed, seen(p), 5))[-1].stamp
        newest = VersionFilter(frozenset(), (new.version or 0,))
        removal = Change("r1", 1, "gb", "acc", 1, (p,), (p,), "x--1", newest, V1)
        assert await feed.change(removal) == "done"
        assert await feed.change(removal) == "done", "the same request again"
        assert await feed.change(replace(removal, id="r2")) == "not-found"
        assert [e.data for e in await walked(feed, seen(p), 5, added_after=cursor)] == [old.data]
        assert await feed.change(replace(removal, id="r3", own=(), versions=EVERY)) == "not-own"
        assert await feed.status("r1") is None


async def test_the_second_process_forwards_to_the_holder(feeds: Feeds) -> None:
    async with feeds(2) as (one, two):
        (p,) = await interned(one, policy())
        await interned(two, policy())
        await asyncio.gather(
            *((one, two)[n % 2].commit(publication(*(offer(k, p) for k in range(5)))) for n in range(40))
        )
        assert len(await walked(two, seen(p), 50)) == 200
        assert one._commits._senders or two._commits._senders


async def test_a_new_class_is_used_only_when_every_cache_can_know_it(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """classes.py: the first use waits one lifetime, the second one does not."""
    async with opened_feed(mongodb_uri, mongodb_database, lifetime=0.5) as feed:
        began = time.monotonic()
        await feed.intern(1, frozenset({policy()}))
        assert time.monotonic() - began >= 0.5
        async with opened_feed(mongodb_uri, mongodb_database, lifetime=60) as other:
            assert list((await other.classes(1)).values()) == [policy()]
            await asyncio.wait_for(other.intern(1, frozenset({policy()})), 2)


async def test_commands_per_poll(mongodb_uri: str, mongodb_database: str) -> None:
    """One read a page; an empty answer takes a second one in the same snapshot."""
    from pymongo import monitoring

    class Count(monitoring.CommandListener):
        def __init__(self) -> None:
            self.names: list[str] = []

        def started(self, event: monitoring.CommandStartedEvent) -> None:
            self.names.append(event.command_name)

        def succeeded(self, event: Any) -> None: ...

        def failed(self, event: Any) -> None: ...

    counted = Count()
    async with opened_feed(mongodb_uri, mongodb_database) as feed:
        (p,) = await interned(feed, policy())
        await feed.commit(publication(*(offer(n, p, id=f"x--{n}") for n in range(300))))
        newest = await feed.newest(seen(p)) or 0
        async with AsyncMongoClient[dict[str, Any]](mongodb_uri, event_listeners=[counted]) as client:
            other = MongoFeed(client[mongodb_database])
            await other.classes(1)

            async def commands(call: Any) -> list[str]:
                counted.names.clear()
                await call
                return list(counted.names)

            assert await commands(other.page(seen(p), ObjectQuery(), "objects", 200)) == ["find"]
            assert await commands(other.page(seen(p), ObjectQuery(), "manifest", 1000)) == ["find"]
            after = ObjectQuery(added_after=newest)
            assert await commands(other.page(seen(p), after, "objects", 9)) == ["find", "find"]
            one = other.object_page(seen(p), "x--7", ObjectQuery(), "objects", 9)
            assert await commands(one) == ["find"]
            versions = other.object_page(seen(p), "x--7", ObjectQuery(versions=EVERY), "manifest", 9)
            assert await commands(versions) == ["find"]
            await other.stop()


async def test_keys_examined_are_keys_returned_plus_branches(mongodb_uri: str, mongodb_database: str) -> None:
    """Issue 2, point 7: for added_after, type and id."""
    from taxii_hub.store.queries import page_finds

    async with opened_feed(mongodb_uri, mongodb_database) as feed:
        numbers = await interned(feed, *(policy(f"a{n:02}") for n in range(20)))
        offers = [offer(n, numbers[n % 20], type=f"t{n % 7}") for n in range(2000)]
        await feed.commit(publication(*offers))
        readable = numbers[::2]
        middle = (await walked(feed, seen(*readable), 500))[499].stamp
    queries = [
        ObjectQuery(added_after=middle),
        ObjectQuery(added_after=middle, types=("t1", "t2")),
        ObjectQuery(ids=tuple(o.id for o in offers[:10])),
    ]
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        entries = client[mongodb_database]["entries"]
        for query in queries:
            (find,) = page_finds(seen(*readable), query)
            cursor = entries.find(find.filter, {"b": 1}).sort(list(find.order)).limit(101).hint(find.hint)
            stats = cursor.explain()["executionStats"]
            listed = len(query.types or query.ids or (1,))
            branches = len(readable) * listed
            assert stats["totalKeysExamined"] <= stats["nReturned"] + branches, query


CHILD = """
import asyncio, sys
sys.path.insert(0, {folder!r})
from tests.support.feeds import *
async def main():
    async with opened_feed({uri!r}, {database!r}) as feed:
        p = (await feed.intern(1, frozenset({{policy()}})))[policy()]
        committer = feed._commits._committer(1)
        await committer.claim()
        from pymongo.read_concern import ReadConcern
        session = committer._session
        await session.start_transaction()
        await committer._transactions._clock.move(session, 1, 1)
        print("holds", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_killed_committer_does_not_hold_up_the_others(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """Issue 2, point 6: after a kill -9 in mid-transaction writes go on within a second."""
    from pathlib import Path

    script = CHILD.format(folder=str(Path(__file__).parents[3]), uri=mongodb_uri, database=mongodb_database)
    async with opened_feed(mongodb_uri, mongodb_database) as feed:
        (p,) = await interned(feed, policy())
        await feed.commit(publication(offer(0, p)))
        await feed._commits._committer(1).stop()
        feed._commits._committers.clear()
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)  # noqa: ASYNC220
        try:
            assert child.stdout is not None
            assert await asyncio.to_thread(child.stdout.readline) == b"holds\n"
            os.kill(child.pid, signal.SIGKILL)
            began = time.monotonic()
            status = await feed.commit(publication(offer(1, p)))
            assert time.monotonic() - began < 1
            assert status.stored == 1
        finally:
            child.kill()
            child.wait()
            child.stdout.close()  # type: ignore[union-attr]


async def test_a_clock_far_ahead_is_refused_and_nothing_is_stored(
    feeds: Feeds, mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R1: more than a day's jump while hub and database clocks differ by more than a minute."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        await feed.commit(publication(offer(0, p)))
        with MongoClient[dict[str, Any]](mongodb_uri) as client:
            day = 25 * 3600 * 1_000_000
            client[mongodb_database]["clocks"].update_one({"_id": 1}, {"$inc": {"last": -day}})
            real = time.time_ns
            monkeypatch.setattr(time, "time_ns", lambda: real() - 120 * 10**9)
            with pytest.raises(UnavailableError, match="clocks"):
                await feed.commit(publication(offer(1, p)))
            monkeypatch.undo()
            assert client[mongodb_database]["entries"].count_documents({}) == 1
        assert (await feed.commit(publication(offer(1, p)))).stored == 1


async def test_a_clock_that_is_ahead_goes_on_from_where_it_is(
    feeds: Feeds, mongodb_uri: str, mongodb_database: str
) -> None:
    """R1: a clock is never set back."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        ahead = time.time_ns() // 1_000_000 * 1000 + 3600 * 1_000_000
        with MongoClient[dict[str, Any]](mongodb_uri) as client:
            client[mongodb_database]["clocks"].insert_one({"_id": 1, "last": ahead})
        await feed.commit(publication(*(offer(n, p) for n in range(150))))
        stamps = [e.stamp for e in await walked(feed, seen(p), 1000)]
        assert stamps[0] > ahead
        assert stamps[-1] == ahead + 2000


async def test_a_read_waits_where_mongodb_has_no_snapshot_just_now(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """SnapshotUnavailable after a catalogue change of MongoDB's own; other refusals are not repeated."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        snapshots = Snapshots(client[mongodb_database])
        refusals = [246, 239]

        async def read(point: Point) -> str:
            if refusals:
                raise OperationFailure("not now", refusals.pop())
            return "read"

        assert await snapshots.read(read) == "read"
        refusals.append(2)
        with pytest.raises(OperationFailure):
            await snapshots.read(read)
        assert refusals == []


async def test_what_has_expired_is_gone_for_everybody_and_revives_nothing(feeds: Feeds) -> None:
    """R7: also from versions, from the header's mark and from what can be deleted."""
    async with feeds(1) as (feed,):
        (p,) = await interned(feed, policy())
        old, new = offer(0, p, id="x--1"), offer(1, p, id="x--1", expires=V1 + 5)
        await feed.commit(publication(old, new))
        every = VersionFilter(frozenset({"all"}))
        for at, last, versions in ((V1 + 4, [new.data], 2), (V1 + 5, [], 1)):
            now = replace(seen(p), at=at)
            assert [e.data for e in await walked(feed, now, 10)] == last
            assert len(await walked(feed, now, 10, versions=every)) == versions
            page = await feed.object_page(now, "x--1", ObjectQuery(versions=every), "objects", 10)
            assert len(page.entries) == versions
        exact = VersionFilter(frozenset(), (new.version or 0,))
        removal = Change("r9", 1, "gb", "acc", 1, (p,), (p,), "x--1", exact, V1 + 5)
        assert await feed.change(removal) == "not-found"
