"""Who asks the hub's own API, and what serves him: as for the TAXII resources, from FastAPI's request."""

from __future__ import annotations

from fastapi import Request

from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account, Role
from taxii_hub.web import deps
from taxii_hub.web.body import Take, Uploads
from taxii_hub.web.body import read_body as read_body_of
from taxii_hub.web.visit import visit_of


def hub_of(request: Request) -> Hub:
    """The hub that this process serves."""
    return visit_of(request).hub


def uploads_of(request: Request) -> Uploads:
    """The bodies that this process is reading."""
    return visit_of(request).serving.uploads


def account_of(request: Request) -> Account:
    """See ``deps.account_of``."""
    return deps.account_of(visit_of(request))


def account_with(request: Request, *roles: Role) -> Account:
    """See ``deps.account_with``."""
    return deps.account_with(visit_of(request), *roles)


async def read_body(request: Request, limit: int, take: Take) -> bytes:
    """See ``body.read_body``."""
    return await read_body_of(visit_of(request), limit, take)
