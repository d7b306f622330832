"""Rights gained (R7): an agency that joins with ``joining: history`` is fed what it could not read before.

The catalogue that gives the rights carries the task with it, so nothing is forgotten by a crash; every
running hub goes on with what is open, and the command line brings its own to the end. An agreement that
begins on a later day is a task for that day, which the next catalogue replaces by its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from taxii_hub.catalog.lookup import in_force_on
from taxii_hub.errors import HubError
from taxii_hub.model import ApiRoot, Catalog, Collection, Membership
from taxii_hub.policy.gaining import gained, own_copy, widens
from taxii_hub.policy.readers import membership_of
from taxii_hub.stix import timestamps
from taxii_hub.store.base import FeedAgain, Gain, GainedClass

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

LOOK_EVERY: Final = 5.0
"""Seconds between two looks whether somebody is to be fed."""
SETTLED: Final = 5 * 1_000_000
"""Microseconds after which every hub answers by a new catalogue: what was committed before could be passed
by a cursor that did not see it yet, what is committed later cannot."""

PATIENCE: Final = 60 * 1_000_000
"""Microseconds that a command waits for, in case the clock of the one who applied is ahead."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fed:
    """How many objects of a collection (``ROOT/ALIAS``) an agency is fed, or was."""

    agency: str
    collection: str
    objects: int


def gains_between(old: Catalog | None, new: Catalog, now: int) -> list[Gain]:
    """Who gains rights on what is there already and is to be fed it; ``old`` is numbered, ``new`` need not
    be."""
    if old is None:
        return []
    feeds = {each.id: each.feed for root in old.api_roots for each in root.collections}
    before = dict(_standings(in_force_on(old, now), feeds))
    after = dict(_standings(in_force_on(new, now), feeds))
    return [
        Gain(feed, agency, before.get((feed, agency)), standing)
        for (feed, agency), standing in sorted(after.items())
        if standing.joining == "history" and widens(before.get((feed, agency)), standing)
    ]


def gains_by_date(old: Catalog | None, new: Catalog, now: int) -> list[Gain]:
    """The same for agreements of ``new`` that begin on a later day; each with its day and its collection's
    id, since a collection may get its number only with the catalogue."""
    feeds = {each.id: each.feed for root in old.api_roots for each in root.collections} if old else {}
    signed = [root.agreement for root in new.api_roots]
    signed += [each.agreement for root in new.api_roots for each in root.memberships]
    found = []
    for day in sorted({each.since for each in signed if each is not None and each.since is not None}):
        begins = timestamps.parse(f"{day}T00:00:00Z")
        if begins > now:
            before = dict(_joined(in_force_on(new, begins - 1)))
            after = dict(_joined(in_force_on(new, begins)))
            found += [
                Gain(feeds.get(of, 0), agency, before.get((of, agency)), standing, at=begins, of=of)
                for (of, agency), standing in sorted(after.items())
                if standing.joining == "history" and widens(before.get((of, agency)), standing)
            ]
    return found


def _joined(catalog: Catalog) -> Iterator[tuple[tuple[str, str], Membership]]:
    """As ``_standings``, by the id of the collection that holds the entries."""
    for root in catalog.api_roots:
        for collection in root.collections:
            for agency in sorted(collection.read & root.members):
                yield (_source(root, collection).id, agency), membership_of(root, agency)


def _standings(catalog: Catalog, feeds: Mapping[str, int]) -> Iterator[tuple[tuple[int, str], Membership]]:
    """How each agency stands to what it reads, by the number under which the entries are stored."""
    for (of, agency), standing in _joined(catalog):
        if feed := feeds.get(of, 0):
            yield (feed, agency), standing


def _source(root: ApiRoot, collection: Collection) -> Collection:
    found = (each for each in root.collections if each.alias == collection.view_of)
    return next(found, collection)


async def foreseen(hub: Hub, gains: Sequence[Gain]) -> list[Fed]:
    """How many objects these gains would feed now; nothing is changed."""
    found = []
    for gain in gains:
        step = await step_of(hub, gain, dry_run=True)
        found.append(Fed(gain.agency, _name(hub, gain.collection), await hub.feed.count_again(step)))
    return found


async def feed_history(hub: Hub, settled: int = SETTLED) -> list[Fed]:
    """Bring every open gain to its end, each not before all hubs answer by its catalogue; what begins on a
    later day is left to that day."""
    done = []
    for gain in await hub.feed.gains():
        wait = gain.at + settled - hub.now()
        if wait > PATIENCE:
            continue
        if wait > 0:
            await asyncio.sleep(wait / 1_000_000)
        done.append(await _feed(hub, gain))
    return done


async def keep_feeding(hub: Hub) -> None:
    """For as long as the process lives."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        try:
            for gain in await hub.feed.gains():
                if gain.at + SETTLED <= hub.now():
                    await _feed(hub, gain)
        except HubError as error:
            log.warning("an agency could not be fed all it gained; it goes on soon", error=str(error))


async def _feed(hub: Hub, gain: Gain) -> Fed:
    while await hub.feed.feed_again(await step_of(hub, gain)) == "more":
        pass
    told = await hub.feed.gain(gain.id) or gain
    log.info("fed again what an agency gained", agency=gain.agency, gain=gain.id, objects=told.fed)
    return Fed(gain.agency, _name(hub, gain.collection), told.fed)


async def step_of(hub: Hub, gain: Gain, *, dry_run: bool = False) -> FeedAgain:
    """With the classes as they are now: an act may have made one since the last step."""
    classes = await hub.feed.classes(gain.collection)
    found = gained(classes, gain.before, gain.after)
    copies = {number: own_copy(classes[number], gain.agency) for number in found}
    if dry_run:
        there = {policy: number for number, policy in classes.items()}
        numbers = {policy: there.get(policy, 0) for policy in copies.values()}
    else:
        numbers = dict(await hub.feed.intern(gain.collection, frozenset(copies.values())))
    return FeedAgain(
        gain=gain.id,
        collection=gain.collection,
        agency=gain.agency,
        epoch=gain.epoch,
        at=hub.now(),
        classes=tuple(
            GainedClass(number, numbers[copies[number]], implied) for number, implied in found.items()
        ),
    )


def _name(hub: Hub, feed: int) -> str:
    for root in hub.catalogs.catalog.api_roots:
        for collection in root.collections:
            if collection.number == feed:
                return f"{root.path}/{collection.alias}"
    return str(feed)
