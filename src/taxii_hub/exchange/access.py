"""From names in a URL to what the caller may know of: everything else does not exist for him."""

from __future__ import annotations

from taxii_hub.catalog.lookup import find_api_root, find_collection
from taxii_hub.errors import ForbiddenError, NotFoundError
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account, ApiRoot, Collection, Visibility
from taxii_hub.policy import grants
from taxii_hub.policy.reading import readable


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


def visible_api_roots(hub: Hub, account: Account) -> tuple[ApiRoot, ...]:
    """The API roots that the account's agency is a member of."""
    return tuple(r for r in hub.catalog.api_roots if grants.may_know_root(r, account.agency))


def visible_collections(
    hub: Hub, account: Account, api_root: ApiRoot
) -> tuple[tuple[Collection, bool, bool], ...]:
    """What is listed to the account, each with can_read and can_write."""
    return tuple(
        (collection, may_read(hub, account, collection), may_write(hub, account, collection))
        for collection in api_root.collections
        if grants.may_know(collection, api_root, account.agency)
    )


def may_read(hub: Hub, account: Account, collection: Collection) -> bool:
    """Whether the account reads the collection."""
    api_root = find_api_root(hub.catalog, collection.api_root)
    return api_root is not None and bool(grants.may_read(collection, api_root, account))


def may_write(hub: Hub, account: Account, collection: Collection) -> bool:
    """Whether the account adds to and deletes from the collection."""
    api_root = find_api_root(hub.catalog, collection.api_root)
    return api_root is not None and bool(grants.may_write(collection, api_root, account))


def require_reading(hub: Hub, account: Account, collection: Collection) -> None:
    """Raises ForbiddenError for who sees the collection and may not read it."""
    if not may_read(hub, account, collection):
        raise ForbiddenError("these credentials may not read this collection")


def require_writing(hub: Hub, account: Account, collection: Collection) -> None:
    """Raises ForbiddenError for who sees the collection and may not write it."""
    if not may_write(hub, account, collection):
        raise ForbiddenError("these credentials may not write to this collection")


async def visibility_of(hub: Hub, agency: str, collection: Collection) -> Visibility:
    """What an agency that reads the collection may see of it."""
    classes = await hub.feed.classes(collection.number)
    return Visibility(collection.number, agency, readable(classes, agency), hub.catalog.version)
