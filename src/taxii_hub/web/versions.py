"""TAXII 2.1 section 5.8: which versions of one object there are."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.exchange.poll import poll_object
from taxii_hub.taxii import resources
from taxii_hub.web.answers import page_answer, wants_empty_list
from taxii_hub.web.deps import asked_of, client_of, hub_of, place_of


async def get(request: Request) -> Response:
    """One page of version timestamps, in the order they were added."""
    account = client_of(request)
    place = place_of(request, account)
    asked = asked_of(request, "versions")
    object_id = request.path_params["object_id"]
    found = await poll_object(hub_of(request), place, object_id, asked, "manifest")
    body = resources.versions(found.page, found.next, wants_empty_list(account))
    return await page_answer(request, body, found.page)
