"""TAXII 2.1 section 5.8: which versions of one object there are."""

from __future__ import annotations

from taxii_hub.exchange.poll import poll_object
from taxii_hub.taxii import resources
from taxii_hub.web.answers import Answer, page_answer, wants_empty_list
from taxii_hub.web.deps import asked_of, client_of, place_of
from taxii_hub.web.visit import Visit


async def get(visit: Visit) -> Answer:
    """One page of version timestamps, in the order they were added."""
    account = client_of(visit)
    place = place_of(visit, account)
    asked = asked_of(visit, "versions")
    object_id = visit.names["object_id"]
    found = await poll_object(visit.hub, place, object_id, asked, "manifest")
    body = resources.versions(found.page, found.next, wants_empty_list(account))
    return await page_answer(visit, body, found.page)
