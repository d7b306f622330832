"""TAXII 2.1 sections 5.1 and 5.2: the collections of an API root, and one of them."""

from __future__ import annotations

from taxii_hub.exchange.access import may_read, may_write, visible_collections
from taxii_hub.taxii import resources
from taxii_hub.web.answers import Answer, answer
from taxii_hub.web.deps import api_root_of, client_of, place_of
from taxii_hub.web.visit import Visit


async def get_all(visit: Visit) -> Answer:
    """Those listed to this account, with its own rights."""
    account = client_of(visit)
    listed = visible_collections(visit.hub, account, api_root_of(visit, account))
    return await answer(visit, resources.collections(listed))


async def get(visit: Visit) -> Answer:
    """One collection, the same as its entry in the list."""
    account = client_of(visit)
    place = place_of(visit, account)
    return await answer(visit, resources.collection(place.collection, may_read(place), may_write(place)))
