"""TAXII 2.1 section 5.3: what a collection holds, without the objects."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.exchange.poll import poll
from taxii_hub.model import Collection
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import STIX
from taxii_hub.web.answers import page_answer, wants_empty_list
from taxii_hub.web.deps import asked_of, client_of, hub_of, place_of


async def get(request: Request) -> Response:
    """One page of manifest records, in the order the objects were added."""
    account = client_of(request)
    place = place_of(request, account)
    asked = asked_of(request, "manifest")
    found = await poll(hub_of(request), place, asked, "manifest")
    body = resources.manifest(
        found.page, found.next, _media_type(place.collection), wants_empty_list(account)
    )
    return await page_answer(request, body, found.page)


def _media_type(collection: Collection) -> str:
    """That of STIX 2.1 objects, as the collection spells it (T-5.3-01)."""
    return STIX if STIX in collection.media_types else next(iter(collection.media_types), STIX)
