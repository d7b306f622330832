"""How an act on what is published reaches the store, whoever acts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from taxii_hub.errors import ForbiddenError, NotFoundError, UnavailableError
from taxii_hub.exchange.access import Place, visibility_of
from taxii_hub.model import VersionFilter
from taxii_hub.policy.reading import covers, of_both
from taxii_hub.store.base import Change

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

ATTEMPTS: Final = 5
EVERY: Final = VersionFilter(frozenset({"all"}))


async def change_of(hub: Hub, place: Place, object_id: str, versions: VersionFilter) -> Change:
    """An act of the account's agency on versions of an object; what it does is still to be said."""
    visibility = await visibility_of(hub, place.account, place.collection)
    classes = await hub.feed.classes(place.collection.feed)
    agency = place.account.agency
    return Change(
        id=hub.new_id(),
        collection=place.collection.feed,
        agency=agency,
        account=place.account.id,
        epoch=hub.catalog.version,
        readable=visibility.classes,
        own=tuple(n for n in visibility.classes if classes[n].origin == agency),
        object_id=object_id,
        versions=versions,
        at=visibility.at,
    )


async def apply(hub: Hub, change: Change) -> None:
    """Commit an act. Raises NotFoundError, ForbiddenError, UnavailableError."""
    for _ in range(ATTEMPTS):
        result = await hub.feed.change(await with_pairs(hub, change))
        if result == "not-found":
            raise NotFoundError("there is no such object, or no such version of it, for these credentials")
        if result == "not-own":
            raise ForbiddenError("only the agency that published an object changes it; nothing was changed")
        if result != "classes":
            return
    raise UnavailableError("Others change this object all the time; try again soon.")


async def with_pairs(hub: Hub, change: Change) -> Change:
    """Which class a copy belongs to that is fed to who loses sight of one class and reads another; also for
    what goes along."""
    there = await hub.feed.classes_on(change.collection, change.object_id)
    classes = await hub.feed.classes(change.collection)
    policies = {number: classes[number] for number in sorted(there) if number in classes}
    copies = {number for number, policy in policies.items() if not policy.origin}
    wanted = {
        (one, other): None
        if covers(policies[other], policies[one])
        else of_both(policies[one], policies[other])
        for one in policies
        for other in policies.keys() - {one} - copies
    }
    needed = frozenset(policy for policy in wanted.values() if policy is not None)
    numbers = await hub.feed.intern(change.collection, needed) if needed else {}
    pairs = tuple(
        (one, other, None if policy is None else numbers[policy]) for (one, other), policy in wanted.items()
    )
    also = tuple([await with_pairs(hub, each) for each in change.also])
    return replace(change, pairs=pairs, copies=tuple(sorted(copies)), also=also)
