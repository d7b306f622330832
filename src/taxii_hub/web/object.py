"""TAXII 2.1 sections 5.6 and 5.7: one object, and deleting it."""

from __future__ import annotations

from taxii_hub.errors import ForbiddenError, NotFoundError
from taxii_hub.exchange import acts
from taxii_hub.exchange.access import may_read, may_write
from taxii_hub.exchange.poll import poll_object
from taxii_hub.taxii import resources
from taxii_hub.web.answers import Answer, answer, page_answer, wants_empty_list
from taxii_hub.web.deps import asked_of, client_of, place_of
from taxii_hub.web.visit import Visit


async def get(visit: Visit) -> Answer:
    """The versions of one object that match; 404 where the account may see none at all."""
    account = client_of(visit)
    place = place_of(visit, account)
    asked = asked_of(visit, "object")
    object_id = visit.names["object_id"]
    found = await poll_object(visit.hub, place, object_id, asked, "objects")
    body = resources.envelope(found.page, found.next, wants_empty_list(account))
    return await page_answer(visit, body, found.page)


async def delete(visit: Visit) -> Answer:
    """Remove versions of an object; section 5.7 fixes who is told 403 and who 404 (T-5.7-10 to -12)."""
    account = client_of(visit)
    hub = visit.hub
    place = place_of(visit, account)
    rights = {may_read(place), may_write(place)}
    if rights == {False}:
        raise NotFoundError("there is no such collection, or it is not listed to this account")
    if False in rights:
        raise ForbiddenError("deleting needs the right to read and to write this collection")
    asked = asked_of(visit, "delete")
    await acts.remove(hub, place, visit.names["object_id"], asked)
    return await answer(visit, b"")
