"""The compiled query against the rule, applied to every stored entry one by one (R4): random policies,
levels, compartments, purposes, versions, expiry, unversioned objects, and copies that acts of origins made.

The model knows neither heads nor classes: it asks ``decide`` about each entry's policy, takes the later
of two equal versions, and picks by definition.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from taxii_hub.model import Entry, ObjectQuery, Policy, Reader, VersionFilter, Visibility
from taxii_hub.policy.reading import covers, decide, of_both, readable
from taxii_hub.store.base import Change, Offer
from taxii_hub.store.feed import MongoFeed
from taxii_hub.store.reading import entry_of
from tests.support.feeds import V1, offer, publication

Feeds = Callable[[int], Any]

AGENCIES = tuple(f"agency-{n}" for n in range(12))
COMPARTMENTS = ("heron", "tern", "gull")
PURPOSES = ("counter-terrorism", "border", "sanctions")
TYPES = ("indicator", "malware", "x-thing")
OBJECTS, READERS, POLICIES, ACTS = 520, 200, 290, 40
NOW = V1 + 500_000
FIRST, LAST, EVERY = (VersionFilter(frozenset({word})) for word in ("first", "last", "all"))


@dataclass(frozen=True)
class Stored:
    """One entry, without the heads that the queries live on."""

    entry: Entry
    type: str
    policy: Policy
    version: int
    expires: int | None


# --- what is stored ----------------------------------------------------------------------------


def some(chance: random.Random, words: Sequence[str], most: int) -> frozenset[str]:
    return frozenset(chance.sample(words, chance.randint(0, most)))


def any_policy(chance: random.Random) -> Policy:
    """Most are wide, so that some readers read more than the 200 classes that one find may name."""
    wide = chance.random() < 0.8
    return Policy(
        origin=chance.choice(AGENCIES),
        level=chance.choice((0, 0, 0, 1, 2, 3, 4)),
        audience=None if wide else some(chance, AGENCIES, 6),
        needs=some(chance, COMPARTMENTS, 2),
        purposes=None if chance.random() < 0.7 else some(chance, PURPOSES, 2),
    )


def any_reader(chance: random.Random) -> Reader:
    high = chance.random() < 0.3
    return Reader(
        agency=chance.choice(AGENCIES),
        level=4 if high else chance.randint(0, 4),
        clearances=frozenset(COMPARTMENTS) if high else some(chance, COMPARTMENTS, 3),
        purpose=chance.choice((None, *PURPOSES)),
    )


def offers_of(chance: random.Random, number: int, classes: Sequence[int]) -> list[Offer]:
    """The versions of one object, each in one class or in several."""
    kind = chance.choice(TYPES)
    object_id = f"{kind}--{number:012d}"
    versions: list[int | None] = [V1 + 1000 * v for v in range(chance.choice((1, 1, 2, 3, 4)))]
    if number % 20 == 0:
        versions = [None]
    return [
        offer(
            version or number,
            policy,
            id=object_id,
            type=kind,
            version=version,
            expires=chance.choice((None, None, None, NOW - 1, NOW, NOW + 1)),
            data=f'{{"id":"{object_id}","v":{version},"class":{policy}}}'.encode(),
        )
        for version in versions
        for policy in chance.sample(classes, chance.choice((1, 1, 1, 2, 3)))
    ]


async def fill(feed: MongoFeed, chance: random.Random) -> None:
    policies = {any_policy(chance) for _ in range(POLICIES)}
    classes = sorted((await feed.intern(1, frozenset(policies))).values())
    offers = [each for number in range(OBJECTS) for each in offers_of(chance, number, classes)]
    chance.shuffle(offers)
    for start in range(0, len(offers), 150):
        # Whoever may read none of what is there stores every class beside the others.
        each = [replace(o, position=n) for n, o in enumerate(offers[start : start + 150])]
        await feed.commit(publication(*each, readable=()))
    for number in range(ACTS):
        await act(feed, chance, number, chance.choice(offers))


async def act(feed: MongoFeed, chance: random.Random, number: int, about: Offer) -> None:
    """An origin deletes, narrows or widens a version of its own: some are fed copies of older ones."""
    policies = await feed.classes(1)
    there = {n: policies[n] for n in await feed.classes_on(1, about.id)}
    copies = {n for n, policy in there.items() if not policy.origin}
    wanted = {
        (one, other): None if covers(there[other], there[one]) else of_both(there[one], there[other])
        for one in there
        for other in there.keys() - {one} - copies
    }
    numbers = await feed.intern(1, frozenset(p for p in wanted.values() if p is not None))
    change = Change(
        id=f"act {number}",
        collection=1,
        agency=policies[about.policy].origin,
        account="acc",
        epoch=1,
        readable=(about.policy,),
        own=(about.policy,),
        object_id=about.id,
        versions=chance.choice((LAST, EVERY)),
        at=V1,
        to=None if number % 2 else chance.choice([n for n in policies if policies[n].origin]),
        pairs=tuple((*pair, None if p is None else numbers[p]) for pair, p in wanted.items()),
        copies=tuple(sorted(copies)),
    )
    assert await feed.change(change) in ("done", "unchanged", "not-found")


async def everything(feed: MongoFeed) -> list[Stored]:
    policies = await feed.classes(1)
    return [
        Stored(entry_of(row), row["t"], policies[row["p"]], row["v"], row.get("e"))
        async for row in feed._database["entries"].find({"c": 1})
    ]


# --- what a reader may see of it ---------------------------------------------------------------


class Model:
    """Answers for one reader, from nothing but the rule."""

    def __init__(self, stored: Iterable[Stored], reader: Reader) -> None:
        self._objects: dict[str, dict[int, Stored]] = {}
        for each in sorted(stored, key=lambda s: s.entry.stamp):
            if decide(each.policy, reader):
                self._objects.setdefault(each.entry.id, {})[each.version] = each

    def page(self, versions: VersionFilter, keep: Callable[[Stored], bool]) -> list[Entry]:
        return self._page(self._objects.values(), versions, keep)

    def object_page(self, versions: VersionFilter, object_id: str) -> list[Entry]:
        return self._page([self._objects.get(object_id, {})], versions, any_entry)

    def _page(
        self, objects: Iterable[dict[int, Stored]], versions: VersionFilter, keep: Callable[[Stored], bool]
    ) -> list[Entry]:
        found = [s for own in objects if own for s in self._chosen(own, versions) if keep(s)]
        alive = [s.entry for s in found if s.expires is None or s.expires > NOW]
        return sorted(alive, key=lambda entry: entry.stamp)

    def _chosen(self, own: dict[int, Stored], versions: VersionFilter) -> list[Stored]:
        if "all" in versions.keywords:
            return list(own.values())
        chosen = {max(own)} if "last" in versions.keywords else set()
        chosen |= {min(own)} if "first" in versions.keywords else set()
        return [own[version] for version in chosen | (own.keys() & set(versions.exact))]


def any_entry(_: Stored) -> bool:
    return True


async def walked(feed: MongoFeed, visibility: Visibility, query: ObjectQuery, limit: int) -> list[Entry]:
    """A whole walk."""
    entries: list[Entry] = []
    while True:
        page = await feed.page(visibility, query, "objects", limit)
        entries += page.entries
        if not page.more:
            return entries
        query = replace(query, position=page.entries[-1].stamp)


async def compare(feed: MongoFeed, chance: random.Random, visibility: Visibility, model: Model) -> int:
    """The last versions and one other filter; the number of entries that were to be seen."""
    types = tuple(chance.sample(TYPES, 2))
    ids = tuple(f"{kind}--{n:012d}" for kind in TYPES for n in chance.sample(range(OBJECTS), 9))
    mixed = VersionFilter(frozenset({"first", "last"}), (V1 + 1000,))
    others: dict[ObjectQuery, Callable[[Stored], bool]] = {
        ObjectQuery(versions=EVERY): any_entry,
        ObjectQuery(versions=FIRST): any_entry,
        ObjectQuery(types=types): lambda s: s.type in types,
        ObjectQuery(versions=mixed, types=types): lambda s: s.type in types,
        ObjectQuery(ids=ids): lambda s: s.entry.id in ids,
        ObjectQuery(ids=ids, versions=mixed, types=types): lambda s: s.entry.id in ids and s.type in types,
    }
    other = chance.choice(list(others))
    for asked, keep in ((ObjectQuery(), any_entry), (other, others[other])):
        found = await walked(feed, visibility, asked, chance.choice((60, 400, 1000)))
        assert found == model.page(asked.versions, keep), (visibility, asked)
    for object_id in ids[::9]:
        await compare_object(feed, visibility, model, object_id)
    seen = model.page(EVERY, any_entry)
    assert await feed.newest(visibility) == max((entry.stamp for entry in seen), default=None)
    return len(seen)


async def compare_object(feed: MongoFeed, visibility: Visibility, model: Model, object_id: str) -> None:
    """The endpoints of one object agree with the pages; what has expired revives no older version."""
    there = model.object_page(EVERY, object_id)
    for versions in (LAST, EVERY):
        page = await feed.object_page(visibility, object_id, ObjectQuery(versions=versions), "objects", 99)
        wanted = model.object_page(versions, object_id)
        assert (list(page.entries), page.exists) == (wanted, bool(there)), (visibility, object_id, versions)


@pytest.mark.uncounted
async def test_the_query_sees_what_the_rule_lets_see_of_100_000_objects_and_readers(feeds: Feeds) -> None:
    """R4, R7: for every reader, every object as he is to see it and no other."""
    chance = random.Random(20261123)
    async with feeds(1) as (feed,):
        await fill(feed, chance)
        stored = await everything(feed)
        policies = await feed.classes(1)
        readers = [any_reader(chance) for _ in range(READERS)]
        objects = len({each.entry.id for each in stored})
        assert objects * len(readers) >= 100_000
        assert any(not each.policy.origin for each in stored)
        most, seen = 0, 0
        for reader in readers:
            classes = readable(policies, reader)
            most = max(most, len(classes))
            visibility = Visibility(1, reader.agency, classes, 1, NOW)
            seen += await compare(feed, chance, visibility, Model(stored, reader))
        assert most > 200
        assert 0 < seen < len(stored) * len(readers)
