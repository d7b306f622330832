"""From a request to what the journeys take: account → Accept → API root → collection → filters.

The credentials come first: who has none learns nothing else, and a consumer whose Accept header is
refused is still known by name to the admin who looks for the reason.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from taxii_hub.errors import ForbiddenError
from taxii_hub.exchange.access import Place, api_root_for, place_for
from taxii_hub.exchange.accounts import API_KEY_HEADER
from taxii_hub.model import Account, ApiRoot, Role
from taxii_hub.policy.readers import purposes_of
from taxii_hub.taxii.filters import Asked, Kind, parse_query
from taxii_hub.taxii.media_types import check_accept
from taxii_hub.web.certificates import certificate_of
from taxii_hub.web.visit import Visit

PURPOSE_HEADER: Final = "TAXII-Hub-Purpose"
"""Names the purpose of one request; without it the account's default counts."""

_API_KEY: Final = API_KEY_HEADER.lower().encode()
_PURPOSE: Final = PURPOSE_HEADER.lower().encode()


def account_of(visit: Visit) -> Account:
    """Who asks. Raises UnauthorizedError, TooManyFailuresError, UnavailableError."""
    account = visit.hub.accounts.authenticate(
        visit.header(b"authorization"),
        visit.header(_API_KEY),
        visit.source,
        time.time(),
        certificate_of(visit.scope),
    )
    purpose = visit.header(_PURPOSE)
    if purpose is not None:
        account = replace(account, purpose=purpose)
    visit.account = account
    return account


def account_with(visit: Visit, *roles: Role) -> Account:
    """Who asks, if he has one of ``roles``; else ForbiddenError."""
    account = account_of(visit)
    if account.roles.isdisjoint(roles):
        raise ForbiddenError(f"this is for accounts with the role {' or '.join(roles)}")
    return account


def client_of(visit: Visit) -> Account:
    """Who asks, with an Accept header that the hub can meet. Raises NotAcceptableError too."""
    account = account_of(visit)
    check_accept(visit.header(b"accept"))
    return account


def api_root_of(visit: Visit, account: Account) -> ApiRoot:
    """The API root that the path names. Raises NotFoundError, also for one he is no member of."""
    api_root = api_root_for(visit.hub, account, visit.names["api_root"])
    _check_purpose(visit, account, api_root)
    return api_root


def place_of(visit: Visit, account: Account) -> Place:
    """The collection that the path names, by id or alias. Raises NotFoundError."""
    names = visit.names
    place = place_for(visit.hub, account, names["api_root"], names["collection"])
    _check_purpose(visit, account, place.api_root)
    visit.collection = place.collection
    return place


def _check_purpose(visit: Visit, account: Account, api_root: ApiRoot) -> None:
    """A purpose that the request names must be one that the account holds in this framework: to answer as
    if it had named none would hide from the client why it gets less."""
    if visit.header(_PURPOSE) is None:
        return
    held = purposes_of(api_root, account)
    if account.purpose not in held:
        told = ", ".join(sorted(held)) or "none"
        raise ForbiddenError(
            f"the purpose that {PURPOSE_HEADER} names is not among those that these credentials hold in this API "
            f"root; they hold: {told}"
        )


def asked_of(visit: Visit, kind: Kind) -> Asked:
    """The filters of the request. Raises BadParameterError."""
    visit.asked = asked = parse_query(visit.scope["query_string"], kind)
    return asked
