"""TAXII 2.1 section 5.3: what a collection holds, without the objects."""

from __future__ import annotations

from taxii_hub.exchange.poll import poll
from taxii_hub.model import Collection
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import STIX
from taxii_hub.web.answers import Answer, page_answer, wants_empty_list
from taxii_hub.web.deps import asked_of, client_of, place_of
from taxii_hub.web.visit import Visit


async def get(visit: Visit) -> Answer:
    """One page of manifest records, in the order the objects were added."""
    account = client_of(visit)
    place = place_of(visit, account)
    asked = asked_of(visit, "manifest")
    found = await poll(visit.hub, place, asked, "manifest")
    body = resources.manifest(
        found.page, found.next, _media_type(place.collection), wants_empty_list(account)
    )
    return await page_answer(visit, body, found.page)


def _media_type(collection: Collection) -> str:
    """That of STIX 2.1 objects, as the collection spells it (T-5.3-01)."""
    return STIX if STIX in collection.media_types else next(iter(collection.media_types), STIX)
