"""Relationships and sightings follow what they connect: who lost sight of an end loses sight of them (R4).

Their policy was the meet with their ends when they were published. An act that narrows an end leaves a
follow-up in its own commit; whoever acted does it at once, and any running hub does it again later: what
was published meanwhile by somebody who still saw the old policy is found then. They are never widened:
their origin releases them as it releases everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from taxii_hub.errors import NotFoundError, UnavailableError
from taxii_hub.exchange.access import Place, visibility_of
from taxii_hub.exchange.changes import EVERY, apply
from taxii_hub.exchange.policing import ends_of
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.leaves import HUB
from taxii_hub.ledger.rows import told
from taxii_hub.model import Account, Policy, VersionFilter
from taxii_hub.policy.readers import reader_of
from taxii_hub.policy.reading import connected, decide
from taxii_hub.store.base import Change, Connection, FollowUp

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

SETTLED: Final = 30 * 1_000_000
"""Microseconds after an act by which every commit that was prepared before it has ended."""


class FollowUps(Protocol):
    """Raises UnavailableError when the database is away."""

    async def waiting(self) -> tuple[FollowUp, ...]:
        """What acts left to be done, the oldest first."""

    async def done(self, follow_up: FollowUp) -> None:
        """It need not be looked at again."""

    async def connecting(
        self, collection: int, classes: Sequence[int], object_id: str
    ) -> tuple[Connection, ...]:
        """Versions of relationships and sightings in these classes that may name the object; for nobody's
        eyes."""


async def keep_connected(hub: Hub) -> None:
    """Do what acts have left to be done."""
    for each in await hub.follow_ups.waiting():
        settled = each.at + SETTLED <= hub.now()
        await _follow(hub, each)
        if settled:
            await hub.follow_ups.done(each)


async def _follow(hub: Hub, left: FollowUp) -> None:
    classes = await hub.feed.classes(left.collection)
    ends = await _ends(hub, left)
    narrower = {
        number: connected(policy, ends[policy.origin])
        for number, policy in classes.items()
        if policy.origin in ends
    }
    narrower = {number: policy for number, policy in narrower.items() if policy != classes[number]}
    found = await hub.follow_ups.connecting(left.collection, sorted(narrower), left.object_id)
    named = [each for each in found if left.object_id in ends_of(orjson.loads(each.data))]
    if any(each.stamp > left.at for each in named):
        meant = await _meant(hub, left)
        named = [each for each in named if (each.object_id, each.policy) not in meant]
    if not named:
        return
    wanted = frozenset(narrower[each.policy] for each in named)
    numbers = await hub.feed.intern(left.collection, wanted)
    for (object_id, policy), versions in _versions(named).items():
        to = numbers[narrower[policy]]
        change = _narrowing(hub, left, (object_id, policy, to), classes[policy])
        with suppress(NotFoundError):
            await apply(hub, replace(change, versions=versions))


def _versions(named: Sequence[Connection]) -> dict[tuple[str, int], VersionFilter]:
    """By object and class: all of it where the last version names the end, so that no older one is revived;
    else those that do, which the readers of the others may still ask for."""
    found: dict[tuple[str, int], VersionFilter] = {}
    for each in named:
        place = each.object_id, each.policy
        before = found.get(place, VersionFilter(frozenset()))
        if each.last or before == EVERY:
            found[place] = EVERY
        else:
            found[place] = VersionFilter(frozenset(), (*before.exact, each.version))
    return found


async def _meant(hub: Hub, left: FollowUp) -> set[tuple[str, int]]:
    """What an officer has put into its class since the act, knowing of it: that word stands. The log tells it
    from what was only published late; where the log cannot be read, nothing counts as meant."""
    found: set[tuple[str, int]] = set()
    with suppress(UnavailableError):
        await hub.audit.settled(sign=False)
        moves = RowFilter(kinds=("release", "regrade"), feeds=(left.collection,), since=left.at)
        async for row in hub.audit.records.rows(moves):
            leaf = told(row)
            if leaf["by"]["account"] != HUB.account and "class" in leaf:
                found.add((leaf["object"], leaf["class"]))
    return found


async def _ends(hub: Hub, left: FollowUp) -> dict[str, Policy]:
    """By the agency that connects the object: what it may say of it. Who could not read it before the move
    connected something that it does not know, and must not learn of it; who sees another version of it as
    the last one connected that one."""
    classes = await hub.feed.classes(left.collection)
    before, after = classes[left.before], classes[left.after]
    rows = await hub.feed.standing(left.collection, left.object_id)
    if all(row.policy != left.after for row in rows):
        return {}
    found: dict[str, Policy] = {}
    for place in _places(hub, left.collection):
        reader = reader_of(place.api_root, place.account)
        if not decide(before, reader):
            continue
        visibility = await visibility_of(hub, place.account, place.collection)
        last = await hub.feed.classes_of(visibility, [left.object_id], visibility.classes)
        number = last.get(left.object_id, left.after)
        if number == left.after:
            found[place.account.agency] = after
    return found


def _places(hub: Hub, number: int) -> list[Place]:
    """Every member before the collection."""
    return [
        Place(Account("", agency, frozenset({"reader"})), root, collection)
        for root in hub.catalog.api_roots
        for collection in root.collections
        if collection.number == number and collection.view_of is None
        for agency in sorted(root.members)
    ]


def _narrowing(hub: Hub, left: FollowUp, moved: tuple[str, int, int], policy: Policy) -> Change:
    object_id, number, to = moved
    return Change(
        id=hub.new_id(),
        collection=left.collection,
        agency=policy.origin,
        account=HUB.account,
        epoch=hub.catalog.version,
        readable=(number,),
        own=(number,),
        object_id=object_id,
        versions=EVERY,
        at=hub.now(),
        kind="regrade",
        to=to,
        reason=f"it connects {left.object_id}, which was narrowed",
    )
