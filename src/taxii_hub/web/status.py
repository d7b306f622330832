"""TAXII 2.1 section 4.3: what became of one POST."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.exchange import publish
from taxii_hub.taxii import resources
from taxii_hub.web.answers import answer
from taxii_hub.web.deps import api_root_of, client_of, hub_of


async def get(request: Request) -> Response:
    """The status resource, for the agency that published."""
    account = client_of(request)
    api_root = api_root_of(request, account)
    status = await publish.status(hub_of(request), account, api_root, request.path_params["status_id"])
    return await answer(request, resources.status(status))
