"""What its origin should look at again: ``review_days`` after it was published or last reviewed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from taxii_hub.errors import BadRequestError, NotFoundError
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.erasing import require_officer
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.review_days import overdue, review_asked
from taxii_hub.ledger.leaves import legible
from taxii_hub.model import Collection
from taxii_hub.policy.retention import DAY
from taxii_hub.stix import timestamps

REMEMBERED: Final = 300.0
"""Seconds for which a scrape is told the same number of overdue reviews."""


@dataclass(frozen=True, slots=True)
class Due:
    """One object and the day on which its review was due."""

    collection: str
    object_id: str
    version: str
    origin: str
    due: str


async def review_due(hub: Hub, place: Place, limit: int) -> list[Due]:
    """What the account's agency should look at in the collection, the longest due first.

    Raises BadRequestError where the collection asks for no reviews.
    """
    require_officer(place.account)
    days = _days(place.collection)
    asked = await review_asked(hub, place.collection, place.account.agency, days)
    return [
        Due(
            place.name,
            each.object_id,
            each.version,
            place.account.agency,
            _day((each.since // DAY + days) * DAY),
        )
        for each in await hub.privacy.review_due(asked, limit)
    ]


async def reviewed(hub: Hub, place: Place, object_id: str, reason: str) -> str:
    """Note that it was looked at today and is still needed; the day of the next review.

    What its collection keeps no longer is over all the same. Raises NotFoundError, BadRequestError.
    """
    require_officer(place.account)
    days = _days(place.collection)
    agency = place.account.agency
    rows = await hub.feed.standing(place.collection.feed, object_id)
    classes = await hub.feed.classes(place.collection.feed)
    now = hub.now()
    mine = [
        row
        for row in rows
        if classes[row.policy].origin == agency and (row.expires is None or row.expires > now)
    ]
    if not mine:
        raise NotFoundError("there is no such object of this agency in this collection")
    await hub.audit.act(
        "reviewed",
        place.account,
        feed=place.collection.feed,
        collection=place.collection.id,
        object=legible(object_id),
        reason=legible(reason),
    )
    await hub.privacy.reviewed(place.collection.feed, object_id, agency, now)
    return _day((now // DAY + days) * DAY)


@dataclass(slots=True)
class Overdue:
    """The same for scrapes, which come more often than a day passes."""

    _known: Mapping[tuple[str, str], int] = field(default_factory=dict)
    _at: float = float("-inf")

    async def now(self, hub: Hub) -> Mapping[tuple[str, str], int]:
        """At most five minutes old. Raises UnavailableError."""
        if time.monotonic() - self._at > REMEMBERED:
            self._known = await overdue(hub)
            self._at = time.monotonic()
        return self._known


def _days(collection: Collection) -> int:
    if collection.review_days is None:
        raise BadRequestError("this collection asks for no reviews; its key `review_days` would")
    return collection.review_days


def _day(moment: int) -> str:
    return timestamps.format(moment)[:10]
