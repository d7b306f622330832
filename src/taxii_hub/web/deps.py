"""From a request to what the journeys take: account → Accept → API root → collection → filters.

The credentials come first: who has none learns nothing else, and a consumer whose Accept header is
refused is still known by name to the admin who looks for the reason.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from starlette.requests import HTTPConnection, Request

from taxii_hub.errors import ForbiddenError
from taxii_hub.exchange.access import Place, api_root_for, place_for
from taxii_hub.exchange.accounts import API_KEY_HEADER
from taxii_hub.model import Account, ApiRoot, Role
from taxii_hub.policy.readers import purposes_of
from taxii_hub.taxii.filters import Asked, Kind, parse_query
from taxii_hub.taxii.media_types import check_accept
from taxii_hub.web.body import Uploads
from taxii_hub.web.visit import visit_of

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

PURPOSE_HEADER: Final = "TAXII-Hub-Purpose"
"""Names the purpose of one request; without it the account's default counts."""


def hub_of(request: HTTPConnection) -> Hub:
    """The hub that this process serves."""
    return cast("Hub", request.app.state.hub)


def uploads_of(request: Request) -> Uploads:
    """The bodies that this process is reading."""
    return cast("Uploads", request.app.state.uploads)


def account_of(request: HTTPConnection) -> Account:
    """Who asks. Raises UnauthorizedError, TooManyFailuresError, UnavailableError.

    The source is the peer; behind a proxy named in ``TAXII_HUB_TRUSTED_PROXIES`` the server has put
    the client's own address there.
    """
    source = request.client.host if request.client else ""
    account = hub_of(request).accounts.authenticate(
        _joined(request, "authorization"), _joined(request, API_KEY_HEADER), source, time.time()
    )
    purpose = _joined(request, PURPOSE_HEADER)
    if purpose is not None:
        account = replace(account, purpose=purpose)
    visit_of(request).account = account
    return account


def account_with(request: HTTPConnection, *roles: Role) -> Account:
    """Who asks, if he has one of ``roles``; else ForbiddenError."""
    account = account_of(request)
    if account.roles.isdisjoint(roles):
        raise ForbiddenError(f"this is for accounts with the role {' or '.join(roles)}")
    return account


def client_of(request: Request) -> Account:
    """Who asks, with an Accept header that the hub can meet. Raises NotAcceptableError too."""
    account = account_of(request)
    check_accept(_joined(request, "accept"))
    return account


def api_root_of(request: Request, account: Account) -> ApiRoot:
    """The API root that the path names. Raises NotFoundError, also for one he is no member of."""
    api_root = api_root_for(hub_of(request), account, request.path_params["api_root"])
    _check_purpose(request, account, api_root)
    return api_root


def place_of(request: Request, account: Account) -> Place:
    """The collection that the path names, by id or alias. Raises NotFoundError."""
    names = request.path_params
    place = place_for(hub_of(request), account, names["api_root"], names["collection"])
    _check_purpose(request, account, place.api_root)
    visit_of(request).collection = place.collection
    return place


def _check_purpose(request: Request, account: Account, api_root: ApiRoot) -> None:
    """A purpose that the request names must be one that the account holds in this framework: to answer as
    if it had named none would hide from the client why it gets less."""
    held = purposes_of(api_root, account)
    if PURPOSE_HEADER.lower() in request.headers and account.purpose not in held:
        told = ", ".join(sorted(held)) or "none"
        raise ForbiddenError(
            f"the purpose that {PURPOSE_HEADER} names is not among those that these credentials hold in this API "
            f"root; they hold: {told}"
        )


def asked_of(request: Request, kind: Kind) -> Asked:
    """The filters of the request. Raises BadParameterError."""
    asked = parse_query(request.scope["query_string"], kind)
    visit_of(request).asked = asked
    return asked


def _joined(request: HTTPConnection, name: str) -> str | None:
    """All lines of one header as one value: taking the first only would be a guess."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None
