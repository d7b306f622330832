"""TAXII 2.1 section 4.3: what became of one POST."""

from __future__ import annotations

from taxii_hub.exchange import publish
from taxii_hub.taxii import resources
from taxii_hub.web.answers import Answer, answer
from taxii_hub.web.deps import api_root_of, client_of
from taxii_hub.web.visit import Visit


async def get(visit: Visit) -> Answer:
    """The status resource, for the agency that published."""
    account = client_of(visit)
    api_root = api_root_of(visit, account)
    status = await publish.status(visit.hub, account, api_root, visit.names["status_id"])
    return await answer(visit, resources.status(status))
