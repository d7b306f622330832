"""Answers of the TAXII resources: ready bytes, the one media type, gzip where it is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.model import Account, Page
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import TAXII
from taxii_hub.web.coding import coded
from taxii_hub.web.visit import visit_of

JSON = "application/json"


async def answer(
    request: Request,
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = TAXII,
) -> Response:
    """``body`` as a response, coded as the client asks for."""
    sent, coding = await coded(body, request.headers.get("accept-encoding"))
    told = {"content-type": media_type, "vary": "Accept-Encoding", **(headers or {})}
    if coding is not None:
        told["content-encoding"] = coding
    return Response(sent, status, told)


async def page_answer(request: Request, body: bytes, page: Page) -> Response:
    """One page of objects, manifest records or versions, with its date headers."""
    visit = visit_of(request)
    visit.objects = len(page.entries)
    visit.newest = page.entries[-1].stamp if page.entries else None
    visit.mark = page.mark
    return await answer(request, body, headers=resources.date_headers(page))


def wants_empty_list(account: Account) -> bool:
    """Whether an empty answer names its list: Elastic's program fails without (clients.md 23)."""
    return account.client_profile == "elastic"
