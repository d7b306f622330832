"""The journey of a poll: visibility, one read of one snapshot, a signed place to go on from.

Objects, object, manifest and versions are four projections of the same two functions.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

from taxii_hub.errors import NotFoundError
from taxii_hub.exchange.access import Place, reader_for, require_reading, visibility_of
from taxii_hub.exchange.audit import Reading, View
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Collection, ObjectQuery, Page, Visibility
from taxii_hub.stix.ids import type_of
from taxii_hub.store.base import Projection
from taxii_hub.taxii.cursor import Cursor, CursorKeys, decode, encode, resume
from taxii_hub.taxii.filters import Asked

SPEC_VERSION = "2.1"
LARGE = 2000
"""Objects asked for beyond which a page waits for its turn (``Hub.large_pages``)."""
_MATCHES_NOTHING = ("-",)


@dataclass(frozen=True, slots=True)
class Answer:
    """A page, and the ``next`` that goes on after it (None on the last one)."""

    page: Page
    next: str | None


async def poll(hub: Hub, place: Place, asked: Asked, projection: Projection) -> Answer:
    """One page of a collection. Raises ForbiddenError, BadCursorError, BadRequestError."""
    require_reading(place)
    collection = place.collection
    query = _going_on(hub, asked, collection, None)
    asking = _narrowed(collection, query)
    limit = _limit(hub, query)
    async with hub.large_pages if limit > LARGE else nullcontext():
        page = await _read(hub, place, lambda seen: hub.feed.page(seen, asking, projection, limit))
    view: View = "manifest" if projection == "manifest" else "objects"
    await hub.audit.page(_reading(hub, place, query, page, view))
    return Answer(page, _next(hub, page, query, collection, None))


async def poll_object(hub: Hub, place: Place, object_id: str, asked: Asked, projection: Projection) -> Answer:
    """Versions of one object. Raises NotFoundError where the reader may see none of it."""
    require_reading(place)
    collection = place.collection
    query = _going_on(hub, asked, collection, object_id)
    if query.spec_versions and SPEC_VERSION not in query.spec_versions:
        query = replace(query, types=_MATCHES_NOTHING)
    limit = _limit(hub, query)
    page = await _read(
        hub, place, lambda seen: hub.feed.object_page(seen, object_id, query, projection, limit)
    )
    hidden = collection.types and type_of(object_id) not in collection.types
    if not page.exists or hidden:
        raise NotFoundError("there is no object of this id in this collection for these credentials")
    reading = _reading(hub, place, query, page, "versions" if projection == "manifest" else "object")
    await hub.audit.page(replace(reading, object_id=object_id))
    return Answer(page, _next(hub, page, query, collection, object_id))


async def _read(hub: Hub, place: Place, read: Callable[[Visibility], Awaitable[Page]]) -> Page:
    """A page for which the classes looked up before were still all there are (``store/classes.py``)."""
    while True:
        asked = time.monotonic()
        visibility = await visibility_of(hub, place.account, place.collection)
        page = await read(visibility)
        if time.monotonic() - asked < hub.feed.slack:
            return page
        now = await visibility_of(hub, place.account, place.collection)
        if now.classes == visibility.classes:
            return page


def _reading(hub: Hub, place: Place, query: ObjectQuery, page: Page, view: View) -> Reading:
    purpose = reader_for(hub, place.account, place.collection).purpose
    return Reading(place.account, place.collection, view, query, page, hub.catalog.version, purpose)


def _narrowed(collection: Collection, query: ObjectQuery) -> ObjectQuery:
    """What is asked of the store: a view shows its own types only, and there is only STIX 2.1."""
    if query.spec_versions and SPEC_VERSION not in query.spec_versions:
        return replace(query, ids=_MATCHES_NOTHING)
    if not collection.types:
        return query
    wanted = tuple(t for t in collection.types if not query.types or t in query.types)
    return replace(query, types=wanted) if wanted else replace(query, ids=_MATCHES_NOTHING)


def _going_on(hub: Hub, asked: Asked, collection: Collection, object_id: str | None) -> ObjectQuery:
    if asked.next is None:
        return asked.query
    cursor = decode(_keys(hub), asked.next, hub.now())
    return resume(asked, cursor, collection.number, object_id)


def _limit(hub: Hub, query: ObjectQuery) -> int:
    return min(query.limit or hub.settings.default_limit, hub.settings.max_limit)


def _next(
    hub: Hub, page: Page, query: ObjectQuery, collection: Collection, object_id: str | None
) -> str | None:
    if not page.more:
        return None
    position = page.stamps[-1]
    walk = replace(query, position=None, limit=None)
    return encode(_keys(hub), Cursor(collection.number, position, object_id, walk, epoch=hub.catalog.version))


def _keys(hub: Hub) -> CursorKeys:
    every = hub.keyring.all("cursor")
    return CursorKeys(
        newest=hub.keyring.newest("cursor"),
        all={number: (key.secret, key.retired) for number, key in every.items()},
    )
