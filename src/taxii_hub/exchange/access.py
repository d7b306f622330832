"""From names in a URL to what the caller may know of: everything else does not exist for him."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from taxii_hub.catalog.lookup import find_api_root, find_collection
from taxii_hub.errors import ForbiddenError, NotFoundError
from taxii_hub.model import Account, ApiRoot, Collection, Reader, Visibility
from taxii_hub.policy import grants
from taxii_hub.policy.readers import reader_of
from taxii_hub.policy.reading import published_by

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

MOST_READERS: Final = 10_000
"""Remembered by one process: accounts times API roots, with room for each purpose."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request is about, and on whose behalf: one account before one collection."""

    account: Account
    api_root: ApiRoot
    collection: Collection

    @property
    def name(self) -> str:
        """The collection as people and commands call it: ``API-ROOT/ALIAS``."""
        return f"{self.api_root.path}/{self.collection.alias}"


def api_root_for(hub: Hub, account: Account, path: str) -> ApiRoot:
    """The API root of that path. Raises NotFoundError, also where the agency is no member."""
    api_root = find_api_root(hub.catalog, path)
    if api_root is None or not grants.may_know_root(api_root, account.agency):
        raise NotFoundError("there is no API root of this name for these credentials")
    return api_root


def collection_for(hub: Hub, account: Account, api_root: ApiRoot, name: str) -> Collection:
    """The collection of that id or alias. Raises NotFoundError, also where it is not listed to him."""
    collection = find_collection(api_root, name)
    if collection is None or not grants.may_know(collection, api_root, account.agency):
        raise NotFoundError("there is no collection of this id or alias for these credentials")
    return collection


def place_for(hub: Hub, account: Account, root_path: str, name: str) -> Place:
    """The collection of that id or alias in that API root, as the account stands to it."""
    key = (account, root_path, name)
    hub.catalog  # noqa: B018 - forgets the places of another one
    known = hub.places.get(key)
    if known is None:
        api_root = api_root_for(hub, account, root_path)
        known = Place(account, api_root, collection_for(hub, account, api_root, name))
        if len(hub.places) >= MOST_READERS:
            hub.places.clear()
        hub.places[key] = known
    return known


def visible_api_roots(hub: Hub, account: Account) -> tuple[ApiRoot, ...]:
    """The API roots that the account's agency is a member of."""
    return tuple(r for r in hub.catalog.api_roots if grants.may_know_root(r, account.agency))


def visible_collections(
    hub: Hub, account: Account, api_root: ApiRoot
) -> tuple[tuple[Collection, bool, bool], ...]:
    """What is listed to the account, each with can_read and can_write."""
    places = (Place(account, api_root, collection) for collection in api_root.collections)
    return tuple(
        (place.collection, may_read(place), may_write(place))
        for place in places
        if grants.may_know(place.collection, api_root, account.agency)
    )


def may_read(place: Place) -> bool:
    """Whether the account reads the collection."""
    return bool(grants.may_read(place.collection, place.api_root, place.account))


def may_write(place: Place) -> bool:
    """Whether the account adds to and deletes from the collection."""
    return bool(grants.may_write(place.collection, place.api_root, place.account))


def require_reading(place: Place) -> None:
    """Raises ForbiddenError for who sees the collection and may not read it."""
    if not may_read(place):
        raise ForbiddenError("these credentials may not read this collection")


def require_writing(place: Place) -> None:
    """Raises ForbiddenError for who sees the collection and may not write it."""
    if not may_write(place):
        raise ForbiddenError("these credentials may not write to this collection")


def reader_for(hub: Hub, account: Account, collection: Collection) -> Reader:
    """The account as the reading rule sees it in the collection's framework."""
    catalog = hub.catalog  # forgets the readers of another one
    known = hub.readers.get((account, collection.api_root))
    if known is None:
        api_root = find_api_root(catalog, collection.api_root)
        known = Reader(account.agency) if api_root is None else reader_of(api_root, account)
        if len(hub.readers) >= MOST_READERS:
            hub.readers.clear()
        hub.readers[account, collection.api_root] = known
    return known


async def visibility_of(hub: Hub, account: Account, collection: Collection) -> Visibility:
    """What an account that reads the collection may see of it at this moment."""
    classes = await hub.feed.classes(collection.feed)
    seen = hub.readable.of(collection.feed, classes, reader_for(hub, account, collection))
    return Visibility(collection.feed, account.agency, seen, hub.catalog.version, hub.now())


async def own_visibility(hub: Hub, agency: str, collection: Collection) -> Visibility:
    """All that an agency itself published in the collection, whatever its markings, and nothing else."""
    classes = await hub.feed.classes(collection.feed)
    own = published_by(classes, agency)
    return Visibility(collection.feed, agency, own, hub.catalog.version, hub.now())
