"""Who lost sight of what, and who said that it is gone on his side too; never any content."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from taxii_hub.exchange.access import Place, may_read, visibility_of, visible_api_roots
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.receivers import Received, received
from taxii_hub.model import Account, Withdrawal
from taxii_hub.policy.grants import may_read as agency_may_read
from taxii_hub.policy.readers import reader_of
from taxii_hub.policy.reading import decide
from taxii_hub.store.base import Acknowledged

DUE = 72 * 3600 * 1_000_000
"""Microseconds after which a receiver who has not acknowledged is overdue."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A withdrawal, and the collection (``ROOT/ALIAS``) that it happened in."""

    collection: str
    withdrawal: Withdrawal


@dataclass(frozen=True, slots=True)
class Followed:
    """A withdrawal as its origin follows it: ``outstanding`` may still hold what was taken from them;
    ``overdue`` once they had their time."""

    lost: Lost
    acknowledged: tuple[str, ...]
    outstanding: tuple[str, ...]
    overdue: bool


async def lost(hub: Hub, account: Account, after: int, limit: int) -> tuple[list[Lost], int | None]:
    """What the account could see and can see no more, the oldest first, and where to go on (a stamp; None
    at the end). One act is never cut in two, so a page may be longer than ``limit``."""
    found: list[Lost] = []
    bound: int | None = None
    async for place in _places(hub, account):
        visibility = await visibility_of(hub, account, place.collection)
        rows = await hub.feed.withdrawn(visibility, after, limit)
        found += [Lost(place.name, each) for each in rows]
        if len(rows) >= limit:
            bound = rows[-1].at if bound is None else min(bound, rows[-1].at)
    found.sort(key=lambda each: (each.withdrawal.at, each.withdrawal.id))
    if bound is None:
        return found, None
    return [each for each in found if each.withdrawal.at <= bound], bound


async def acknowledge(hub: Hub, account: Account, ids: Sequence[str]) -> frozenset[str]:
    """Note that these were carried out; returns those that were the account's to acknowledge."""
    done: frozenset[str] = frozenset()
    async for place in _places(hub, account):
        visibility = await visibility_of(hub, account, place.collection)
        done |= await hub.feed.acknowledge(visibility, ids)
    return done


async def followed(hub: Hub, place: Place, limit: int) -> list[Followed]:
    """What the agency withdrew in the collection, the newest first, and who has still to act on it.

    Those are who were given its content, by the audit log, and lost it; where the log has a gap, also
    who could have been.
    """
    feed, origin = place.collection.feed, place.account.agency
    rows = await hub.feed.acknowledged(feed, origin, limit)
    given = await received(hub, feed, origin, {row.withdrawal.object_id for row in rows})
    return [await _followed(hub, place, row, given) for row in rows]


async def overdue(hub: Hub, place: Place, limit: int) -> list[Followed]:
    """Those of the last withdrawals that somebody should have acted on by now."""
    return [each for each in await followed(hub, place, limit) if each.overdue]


async def _followed(hub: Hub, place: Place, row: Acknowledged, given: Received) -> Followed:
    classes = await hub.feed.classes(place.collection.feed)
    before = classes.get(row.taken_from)
    after = None if row.moved_to is None else classes.get(row.moved_to)
    receivers = given.of(row.withdrawal.object_id, row.withdrawal.version)
    concerned = set() if row.moved_to is not None else set(receivers)
    for agency in place.api_root.members - {place.account.agency}:
        holder = Account("", agency, frozenset({"reader"}))
        reader = reader_of(place.api_root, holder)
        had = before is None or decide(before, reader)
        has = after is not None and decide(after, reader)
        known = agency in receivers or (given.gaps and had)
        if known and had and not has and agency_may_read(place.collection, place.api_root, holder):
            concerned.add(agency)
    outstanding = tuple(sorted(concerned - row.by.keys()))
    late = hub.now() - row.withdrawal.at > DUE
    return Followed(
        Lost(place.name, row.withdrawal), tuple(sorted(row.by)), outstanding, bool(outstanding) and late
    )


async def _places(hub: Hub, account: Account) -> AsyncIterator[Place]:
    for root in visible_api_roots(hub, account):
        for collection in root.collections:
            place = Place(account, root, collection)
            if collection.view_of is None and may_read(place):
                yield place
