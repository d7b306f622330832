"""Several processes follow one database: nothing new is said without asking it, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pymongo import AsyncMongoClient, monitoring

from taxii_hub.model import ObjectQuery, Page, VersionFilter, Visibility
from taxii_hub.store.base import Change
from taxii_hub.store.feed import MongoFeed
from tests.support.feeds import V1, offer, opened_feed, policy, publication

Feeds = Callable[[int], Any]
FUTURE = 1 << 61
NOW = ObjectQuery(added_after=FUTURE)
PATIENCE = 10.0


def seen(*classes: int, at: int = V1) -> Visibility:
    return Visibility(1, "gb", tuple(sorted(classes)), 1, at)


async def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def following(*feeds: MongoFeed) -> None:
    for feed in feeds:
        await feed.refresh()
    for feed in feeds:
        await until(lambda feed=feed: feed._marks.alive)  # type: ignore[misc]


async def classes_of(feed: MongoFeed) -> tuple[int, int]:
    policies = policy(), policy(red=True)
    numbers = await feed.intern(1, frozenset(policies))
    return numbers[policies[0]], numbers[policies[1]]


async def asked(feed: MongoFeed, visibility: Visibility, query: ObjectQuery = NOW) -> Page:
    return await feed.page(visibility, query, "objects", 50)


def act(object_id: str, own: int, to: int | None = None) -> Change:
    return Change(
        id=f"{random.random()}",
        collection=1,
        agency="gb",
        account="acc",
        epoch=1,
        readable=(own,),
        own=(own,),
        object_id=object_id,
        versions=VersionFilter(frozenset({"all"})),
        at=V1,
        to=to,
    )


class Count(monitoring.CommandListener):
    """The reads of entries that a client sends."""

    def __init__(self) -> None:
        self.reads = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.reads += event.command.get("find") == "entries" or event.command.get("collection") == "entries"

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


@asynccontextmanager
async def counted(uri: str, database: str) -> AsyncIterator[tuple[MongoFeed, Count]]:
    count = Count()
    async with AsyncMongoClient[dict[str, Any]](uri, event_listeners=[count]) as client:
        feed = MongoFeed(client[database], 0.05)
        await following(feed)
        try:
            yield feed, count
        finally:
            await feed.stop()


async def test_nothing_new_takes_no_query_until_something_changes(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """Issue 5, and R4: what a reader may not see neither makes him wait nor shows in his headers."""
    async with (
        opened_feed(mongodb_uri, mongodb_database) as writer,
        counted(mongodb_uri, mongodb_database) as (reader, count),
    ):
        low, high = await classes_of(writer)
        await writer.commit(publication(offer(0, low, id="x--1")))
        newest = await writer.newest(seen(low))
        await until_page(reader, seen(low), newest)
        end = ObjectQuery(added_after=newest)

        async def reads(visibility: Visibility, query: ObjectQuery = end) -> int:
            before = count.reads
            await asked(reader, visibility, query)
            return count.reads - before

        async def until_remembered(visibility: Visibility) -> None:
            until = time.monotonic() + PATIENCE
            while await reads(visibility):
                assert time.monotonic() < until
                await asyncio.sleep(0.005)

        await until_remembered(seen(low))
        assert abs(reader._marks._present - time.time_ns() // 1000) < 30_000_000
        assert await reads(seen(low, high)) == 2
        for query in (end, replace(end, types=("x-y",)), ObjectQuery(position=newest)):
            assert (await reads(seen(low), query), await reads(seen(low, high), query)) == (0, 0)
        await writer.commit(publication(offer(1, high, id="x--2"), readable=(high,)))
        await until_page(reader, seen(low, high), await writer.newest(seen(low, high)))
        assert await reads(seen(low)) == 0
        assert (await asked(reader, seen(low))).mark == newest
        assert await writer.change(act("x--2", high, to=low)) == "done"
        await until_page(reader, seen(low), await writer.newest(seen(low)))
        assert await writer.change(act("x--2", low)) == "done"
        await until_page(reader, seen(low), newest)
        await until_remembered(seen(low))
        assert (await asked(reader, seen(low), NOW)).mark == newest


async def until_page(feed: MongoFeed, visibility: Visibility, mark: int | None) -> None:
    """Until the word of a commit has come: an empty answer names that stamp."""
    end = time.monotonic() + PATIENCE
    while (await asked(feed, visibility)).mark != mark:
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def test_who_was_told_of_a_commit_finds_it_at_once_in_the_same_process(feeds: Feeds) -> None:
    """DESIGN section 6. The other feed holds the lease, so the commits of this one are forwarded."""
    async with feeds(2) as (holder, feed):
        low, high = await classes_of(feed)
        await following(feed, holder)
        await holder.commit(publication(offer(0, low)))
        for number in range(1, 16):
            visibility = seen(low) if number % 2 else seen(low, high)
            start = (await asked(feed, visibility)).mark or 0
            await feed.commit(publication(offer(number, low, id=f"x--{number}")))
            assert len((await asked(feed, visibility, ObjectQuery(added_after=start))).entries) > 0
            if number % 3 == 0:
                newest = (await asked(feed, visibility)).mark
                await feed.change(act(f"x--{number}", low))
                assert (await asked(feed, visibility)).mark != newest


async def test_nobody_is_sent_back_on_the_word_of_one_process(feeds: Feeds) -> None:
    """DESIGN section 3: a mark kept in memory is never written into a header. Whoever asks another process in
    turn would get again what he has."""
    async with feeds(2) as (writer, reader):
        low, _ = await classes_of(writer)
        await writer.commit(publication(offer(0, low, id="x--1")))
        first = await writer.newest(seen(low)) or 0
        await following(reader)
        await asked(reader, seen(low), ObjectQuery(added_after=first))
        reader._follower._marks.touched = lambda *_: None  # type: ignore[method-assign]  # deaf to commits
        await writer.commit(publication(offer(1, low, id="x--2")))
        second = await writer.newest(seen(low)) or 0
        assert await asked(reader, seen(low), ObjectQuery(added_after=first)) == Page((), mark=first)
        assert await asked(reader, seen(low), ObjectQuery(added_after=second)) == Page((), mark=second)


async def test_a_stream_that_ends_takes_the_marks_with_it(mongodb_uri: str, mongodb_database: str) -> None:
    async with (
        opened_feed(mongodb_uri, mongodb_database) as writer,
        counted(mongodb_uri, mongodb_database) as (reader, count),
    ):
        low, _ = await classes_of(writer)
        await asked(reader, seen(low))
        assert (await asked(reader, seen(low)), count.reads) == (Page((), mark=FUTURE), 2)
        await cut(mongodb_uri, f"{mongodb_database}.clocks")
        await until(lambda: not reader._marks.alive)
        await asked(reader, seen(low))
        assert count.reads == 4
        await following(reader)
        await writer.commit(publication(offer(0, low)))
        await until_page(reader, seen(low), await writer.newest(seen(low)))


async def cut(uri: str, namespace: str) -> None:
    """End the change streams on a collection, as a failover does."""
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        stages = [{"$currentOp": {"idleCursors": True}}, {"$match": {"ns": namespace}}]
        running = await (await client.admin.aggregate(stages)).to_list()
        cursors = [each["cursor"]["cursorId"] for each in running if "cursor" in each]
        assert cursors
        database, _, collection = namespace.partition(".")
        await client[database].command("killCursors", collection, cursors=cursors)


async def test_answers_from_memory_are_those_of_the_database(feeds: Feeds) -> None:
    """Random commits and acts by two processes, random positions and filters at a third one. As soon as it
    has heard of everything its answers are those of a snapshot."""
    chance = random.Random(20261123)
    async with feeds(3) as (one, other, reader):
        classes = await classes_of(one)
        await following(one, other, reader)
        stamps = [V1]
        ids: list[tuple[str, int]] = []
        for number in range(40):
            own = chance.choice(classes)
            if ids and chance.random() < 0.4:
                object_id, own = ids.pop(chance.randrange(len(ids)))
                await chance.choice((one, other)).change(act(object_id, own))
            else:
                ids.append((f"x--{number}", own))
                made = offer(0, own, id=ids[-1][0], type=chance.choice(("tool", "malware")))
                await chance.choice((one, other)).commit(publication(made, readable=classes))
            for visibility in (seen(classes[0]), seen(*classes)):
                stamps.append(await one.newest(visibility) or V1)
                start = chance.choice(stamps) + chance.choice((-1, 0, 0, 1, FUTURE))
                query = ObjectQuery(added_after=start, types=chance.choice(((), (), ("tool",))))
                await same(reader, visibility, query)


async def same(feed: MongoFeed, visibility: Visibility, query: ObjectQuery) -> None:
    truth, _ = await feed._reader.page(visibility, query, "objects", 50)
    end = time.monotonic() + PATIENCE
    while await asked(feed, visibility, query) != truth:
        assert time.monotonic() < end
        await asyncio.sleep(0.002)


async def test_nobody_who_goes_on_from_a_header_misses_anything(feeds: Feeds) -> None:
    """R1. Three processes write; pollers of each ask with a position in the future, as clients that begin
    "now" do, and go on from what the header of an empty answer says."""
    async with feeds(3) as processes:
        low, high = await classes_of(processes[0])
        await following(*processes)
        await processes[0].commit(publication(offer(0, low, id="x--first")))
        written: list[str] = []
        found: dict[int, list[str]] = {}
        done = asyncio.Event()

        async def write(number: int) -> None:
            for turn in range(15):
                name = f"x--{number}-{turn}"
                hidden = offer(1, high, id=f"{name}-hidden")
                await processes[number % 3].commit(publication(offer(0, low, id=name), hidden))
                written.append(name)
                await asyncio.sleep(random.uniform(0, 0.01))

        async def poll(number: int, position: int) -> None:
            feed, got = processes[number % 3], found.setdefault(number, [])
            while True:
                last = done.is_set()
                page = await asked(feed, seen(low), ObjectQuery(added_after=position))
                got += [entry.id for entry in page.entries]
                position = page.entries[-1].stamp if page.entries else page.mark or 0
                if last and not page.entries:
                    return
                await asyncio.sleep(0)

        begins = [(await asked(processes[number % 3], seen(low))).mark or 0 for number in range(6)]
        pollers = [asyncio.create_task(poll(*each)) for each in enumerate(begins)]
        ahead = asyncio.create_task(headers(processes, low, done))
        await asyncio.gather(*(write(number) for number in range(6)))
        await asyncio.sleep(0.1)  # until the others have heard of the last commit
        done.set()
        await asyncio.gather(*pollers, ahead)
        for got in found.values():
            assert sorted(got) == sorted(written)


async def headers(processes: list[MongoFeed], low: int, done: asyncio.Event) -> None:
    """Who asks with a position in the future and adopts the header gets everything after it."""
    while not done.is_set():
        feed, other = random.sample(processes, 2)
        told = (await asked(feed, seen(low))).mark
        assert told is not None
        newest = await other.newest(seen(low))
        assert newest is not None
        assert told <= newest
        await asyncio.sleep(0)
