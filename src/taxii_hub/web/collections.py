"""TAXII 2.1 sections 5.1 and 5.2: the collections of an API root, and one of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.exchange.access import may_read, may_write, visible_collections
from taxii_hub.taxii import resources
from taxii_hub.web.answers import answer
from taxii_hub.web.deps import api_root_of, client_of, hub_of, place_of


async def get_all(request: Request) -> Response:
    """Those listed to this account, with its own rights."""
    account = client_of(request)
    listed = visible_collections(hub_of(request), account, api_root_of(request, account))
    return await answer(request, resources.collections(listed))


async def get(request: Request) -> Response:
    """One collection, the same as its entry in the list."""
    account = client_of(request)
    place = place_of(request, account)
    return await answer(request, resources.collection(place.collection, may_read(place), may_write(place)))
