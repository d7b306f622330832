"""TAXII 2.1 sections 5.4 and 5.5: polling a collection's objects, and adding to them."""

from __future__ import annotations

from taxii_hub.exchange import publish
from taxii_hub.exchange.access import require_writing
from taxii_hub.exchange.poll import poll
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import check_content_type
from taxii_hub.web.answers import Answer, answer, page_answer, wants_empty_list
from taxii_hub.web.body import read_body
from taxii_hub.web.deps import asked_of, client_of, place_of
from taxii_hub.web.visit import Visit


async def get(visit: Visit) -> Answer:
    """One page of what this account may see, in the order it was added."""
    account = client_of(visit)
    place = place_of(visit, account)
    asked = asked_of(visit, "objects")
    found = await poll(visit.hub, place, asked, "content")
    body = resources.envelope(found.page, found.next, wants_empty_list(account))
    return await page_answer(visit, body, found.page)


async def post(visit: Visit) -> Answer:
    """Add objects. The body is read only when nothing else stands against the request."""
    account = client_of(visit)
    hub = visit.hub
    place = place_of(visit, account)
    require_writing(place)
    check_content_type(visit.header(b"content-type"))
    requested_at = hub.now()
    with visit.serving.uploads.room() as take:
        body = await read_body(visit, place.api_root.max_content_length, take)
        status = await publish.publish(hub, place, body, requested_at)
    visit.objects, visit.published = len(status.outcomes), status.stored
    return await answer(visit, resources.status(status), 202)
