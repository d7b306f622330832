"""What is over is erased at the next run; nobody could read it since its last day ended.

Each running hub looks now and then; one of them does the work. The command line does the same on demand.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from taxii_hub.errors import HubError
from taxii_hub.exchange.connecting import keep_connected
from taxii_hub.exchange.review_days import overdue, reviewing
from taxii_hub.ledger.leaves import HUB
from taxii_hub.model import VersionFilter
from taxii_hub.policy.retention import DAY
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Change

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

LOOK_EVERY: Final = 30.0
"""Seconds between two looks whether a run is due."""
RUN_EVERY: Final = 600 * 1_000_000
"""Microseconds between two runs, of all processes together."""
BATCH: Final = 200
"""Objects that one commit erases."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Expired:
    """One version whose content is still there though it is over. ``held``: by a legal hold, so it stays."""

    collection: str
    object_id: str
    version: str
    origin: str
    expired: str
    held: bool


async def keep_erasing(hub: Hub) -> None:
    """For as long as the process lives."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        try:
            await keep_connected(hub)
            if await hub.privacy.due_for("erase-expired", hub.now(), RUN_EVERY):
                await erase_expired(hub)
            if await hub.privacy.due_for("reviews-overdue", hub.now(), DAY):
                await tell_overdue_reviews(hub)
        except HubError as error:
            log.warning("what is over could not be erased; the next run tries again", error=str(error))


async def tell_overdue_reviews(hub: Hub) -> None:
    """Write into the log, once a day, how many reviews are overdue: the transparency report is made of it."""
    found = await overdue(hub)
    for root, collection, _ in reviewing(hub):
        name = f"{root.path}/{collection.alias}"
        agencies = {agency: n for (where, agency), n in found.items() if where == name}
        await hub.audit.act(
            "reviews-overdue", HUB, feed=collection.number, collection=collection.id, agencies=agencies
        )


async def expired(hub: Hub, limit: int = 0) -> list[Expired]:
    """What the next run erases, and what a legal hold keeps."""
    found: list[Expired] = []
    for name, number in _feeds(hub):
        classes = await hub.feed.classes(number)
        found += [
            Expired(
                collection=name,
                object_id=each.object_id,
                version=each.version,
                origin=classes[each.policy].origin if each.policy in classes else "",
                expired=timestamps.format(each.expired),
                held=each.held,
            )
            for each in await hub.privacy.expired(number, hub.now(), limit)
        ]
    return found


async def erase_expired(hub: Hub) -> int:
    """Erase what is over by now in every collection; returns of how many objects something was."""
    done = 0
    for name, number in _feeds(hub):
        ids = await hub.privacy.expired_ids(number, hub.now())
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            if await hub.feed.change(_expiry(hub, number, part)) == "done":
                done += len(part)
        if ids:
            log.info("erased what is over", collection=name, objects=len(ids))
    return done


def _expiry(hub: Hub, number: int, ids: tuple[str, ...]) -> Change:
    return Change(
        id=hub.new_id(),
        collection=number,
        agency="",
        account="hub",
        epoch=hub.catalog.version,
        readable=(),
        own=(),
        object_id="",
        versions=VersionFilter(frozenset({"all"})),
        at=hub.now(),
        kind="expire",
        objects=ids,
    )


def _feeds(hub: Hub) -> list[tuple[str, int]]:
    """Every collection that holds entries of its own, by name and number."""
    return [
        (f"{root.path}/{collection.alias}", collection.number)
        for root in hub.catalog.api_roots
        for collection in root.collections
        if collection.view_of is None
    ]
