"""Pages of several finds: the same as of one, and at one point in time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from taxii_hub.model import Entry, ObjectQuery, Visibility
from taxii_hub.store import shares
from taxii_hub.store.feed import MongoFeed
from taxii_hub.store.lanes import Lanes
from taxii_hub.store.queries import MAX_SCANS
from tests.support.feeds import V1, offer, policy, publication

Feeds = Callable[[int], Any]
CLASSES = 7
TYPES = ("t0", "t1", "t2")
# As many of each class; nearly all of one; one after the other.
SPREADS: dict[str, Callable[[int, int], int]] = {
    "even": lambda n, _: n % CLASSES,
    "in one": lambda n, _: 3 if n % 40 else n // 40 % CLASSES,
    "in turn": lambda n, count: n * CLASSES // count,
}


async def interned(feed: MongoFeed) -> list[int]:
    known = await feed.intern(1, frozenset(policy(f"a{n}") for n in range(CLASSES)))
    return sorted(known.values())


async def walked(feed: MongoFeed, visibility: Visibility, types: tuple[str, ...], limit: int) -> list[Entry]:
    entries: list[Entry] = []
    more = True
    while more:
        position = entries[-1].stamp if entries else None
        page = await feed.page(visibility, ObjectQuery(position=position, types=types), "objects", limit)
        entries += page.entries
        more = page.more
        assert len(page.stamps) == limit or not more
    return entries


@pytest.mark.parametrize("spread", SPREADS)
async def test_pages_of_several_finds_are_those_of_one(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch, spread: str
) -> None:
    """R1: in stamp order, nothing twice, nothing left out, whatever the classes hold."""
    count = 400
    async with feeds(1) as (feed,):
        numbers = await interned(feed)
        offers = [
            offer(
                n,
                numbers[SPREADS[spread](n, count)],
                type=random.Random(n).choice(TYPES),
                data=b"%d" % n * 40,
            )
            for n in range(count)
        ]
        await feed.commit(publication(*offers))
        visibility = Visibility(1, "gb", tuple(numbers), 1, V1)
        for types in ((), TYPES[:2]):
            expected = await walked(feed, visibility, types, 1000)
            assert len(expected) == sum(not types or each.type in types for each in offers)
            with monkeypatch.context() as patch:
                patch.setattr(shares, "LONG", 1)
                patch.setattr(shares, "SIDE_BY_SIDE", 2)
                for limit in (3, 50, 399, 400, 1000):
                    assert await walked(feed, visibility, types, limit) == expected


async def test_what_is_committed_between_two_finds_is_seen_by_both(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R1: polls read one snapshot. Two finds go out at a time, and a commit comes between their answers."""
    monkeypatch.setattr(shares, "LONG", 1)
    monkeypatch.setattr(shares, "SIDE_BY_SIDE", 4)
    asked: list[object] = []
    first_answered, committed = asyncio.Event(), asyncio.Event()
    ask = Lanes.ask

    async def held(self: Lanes, command: Mapping[str, Any], *, again: bool = True) -> Any:
        if command.get("find") != "entries" or "sort" not in command:
            return await ask(self, command, again=again)
        asked.append(command["readConcern"].get("atClusterTime"))
        if len(asked) == 2:
            await committed.wait()
        reply = await ask(self, command, again=again)
        if len(asked) <= 2:
            first_answered.set()
        return reply

    async with feeds(2) as (feed, other):
        numbers = await interned(feed)
        await feed.commit(publication(*(offer(n, numbers[n % CLASSES]) for n in range(20))))
        visibility = Visibility(1, "gb", tuple(numbers), 1, V1)
        monkeypatch.setattr(Lanes, "ask", held)

        async def commit() -> None:
            await first_answered.wait()
            await other.commit(publication(*(offer(n, numbers[n % CLASSES]) for n in range(20, 40))))
            committed.set()

        committing = asyncio.create_task(commit())
        page = await feed.page(visibility, ObjectQuery(), "objects", 100)
        await committing
    assert len(page.stamps) == 40
    assert asked[:2] == [None, None]
    assert len(asked) == 3
    assert asked[2] is not None


def test_only_a_walk_of_long_pages_is_shared_out() -> None:
    scans = shares.scans_of
    assert scans(ObjectQuery(), 1000) == shares.SIDE_BY_SIDE
    assert scans(ObjectQuery(position=5, added_after=3), 1000) == shares.SIDE_BY_SIDE
    assert scans(ObjectQuery(added_after=3), 1000) == MAX_SCANS
    assert scans(ObjectQuery(position=5), 100) == MAX_SCANS
