"""TAXII 2.1 section 4.2: one API root."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.taxii import resources
from taxii_hub.web.answers import answer
from taxii_hub.web.deps import api_root_of, client_of


async def get(request: Request) -> Response:
    """The API root, for members."""
    account = client_of(request)
    return await answer(request, resources.api_root(api_root_of(request, account)))
