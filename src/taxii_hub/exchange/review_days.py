"""Which reviews are overdue, by the key ``review_days`` of each collection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from taxii_hub.model import ApiRoot, Collection, ReviewAsked
from taxii_hub.policy.reading import published_by
from taxii_hub.policy.retention import DAY

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub


async def overdue(hub: Hub) -> dict[tuple[str, str], int]:
    """By (collection, agency), how many reviews were due before today."""
    found: dict[tuple[str, str], int] = {}
    for root, collection, days in reviewing(hub):
        for agency in sorted(collection.write):
            asked = await review_asked(hub, collection, agency, days + 1)
            if asked.classes and (number := len(await hub.privacy.review_due(asked))):
                found[f"{root.path}/{collection.alias}", agency] = number
    return found


def reviewing(hub: Hub) -> Iterator[tuple[ApiRoot, Collection, int]]:
    """The collections that ask for reviews, and after how many days."""
    for root in hub.catalog.api_roots:
        for collection in root.collections:
            if collection.view_of is None and collection.review_days is not None:
                yield root, collection, collection.review_days


async def review_asked(hub: Hub, collection: Collection, agency: str, days: int) -> ReviewAsked:
    """What an agency published or last reviewed so many days ago, or longer."""
    own = published_by(await hub.feed.classes(collection.feed), agency)
    before = (hub.now() // DAY - days + 1) * DAY - 1
    return ReviewAsked(collection.feed, agency, own, before)
