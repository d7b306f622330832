"""TAXII 2.1 sections 5.6 and 5.7: one object, and deleting it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.errors import ForbiddenError, NotFoundError
from taxii_hub.exchange import acts
from taxii_hub.exchange.access import may_read, may_write
from taxii_hub.exchange.poll import poll_object
from taxii_hub.taxii import resources
from taxii_hub.web.answers import answer, page_answer, wants_empty_list
from taxii_hub.web.deps import asked_of, client_of, hub_of, place_of


async def get(request: Request) -> Response:
    """The versions of one object that match; 404 where the account may see none at all."""
    account = client_of(request)
    place = place_of(request, account)
    asked = asked_of(request, "object")
    object_id = request.path_params["object_id"]
    found = await poll_object(hub_of(request), place, object_id, asked, "objects")
    body = resources.envelope(found.page, found.next, wants_empty_list(account))
    return await page_answer(request, body, found.page)


async def delete(request: Request) -> Response:
    """Remove versions of an object; section 5.7 fixes who is told 403 and who 404 (T-5.7-10 to -12)."""
    account = client_of(request)
    hub = hub_of(request)
    place = place_of(request, account)
    rights = {may_read(place), may_write(place)}
    if rights == {False}:
        raise NotFoundError("there is no such collection, or it is not listed to this account")
    if False in rights:
        raise ForbiddenError("deleting needs the right to read and to write this collection")
    asked = asked_of(request, "delete")
    await acts.remove(hub, place, request.path_params["object_id"], asked)
    return await answer(request, b"")
