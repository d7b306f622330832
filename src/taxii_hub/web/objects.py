"""TAXII 2.1 sections 5.4 and 5.5: polling a collection's objects, and adding to them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.exchange import publish
from taxii_hub.exchange.access import require_writing
from taxii_hub.exchange.poll import poll
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import check_content_type
from taxii_hub.web.answers import answer, page_answer, wants_empty_list
from taxii_hub.web.body import read_body
from taxii_hub.web.deps import asked_of, client_of, hub_of, place_of, uploads_of
from taxii_hub.web.visit import visit_of


async def get(request: Request) -> Response:
    """One page of what this account may see, in the order it was added."""
    account = client_of(request)
    place = place_of(request, account)
    asked = asked_of(request, "objects")
    found = await poll(hub_of(request), place, asked, "objects")
    body = resources.envelope(found.page, found.next, wants_empty_list(account))
    return await page_answer(request, body, found.page)


async def post(request: Request) -> Response:
    """Add objects. The body is read only when nothing else stands against the request."""
    account = client_of(request)
    hub = hub_of(request)
    place = place_of(request, account)
    require_writing(place)
    check_content_type(request.headers.get("content-type"))
    requested_at = hub.now()
    with uploads_of(request).room() as take:
        body = await read_body(request, place.api_root.max_content_length, take)
        status = await publish.publish(hub, place, body, requested_at)
    visit = visit_of(request)
    visit.objects, visit.published = len(status.outcomes), status.stored
    return await answer(request, resources.status(status), 202)
