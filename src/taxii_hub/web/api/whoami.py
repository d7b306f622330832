"""``/api/v1/whoami``: what these credentials are good for, for the person who has to set up a client."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

from taxii_hub.exchange.access import visible_api_roots, visible_collections
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import community_of
from taxii_hub.model import Account, ApiRoot, ClientProfile
from taxii_hub.policy.readers import membership_of, purposes_of, reader_of
from taxii_hub.policy.reading import LADDER
from taxii_hub.policy.tables import names
from taxii_hub.policy.vocabulary import terms_read_by
from taxii_hub.web.api.callers import account_of, hub_of

router = APIRouter(prefix="/api/v1")


class CollectionRights(BaseModel):
    """One collection and what this account may do with it."""

    id: str
    alias: str
    title: str
    can_read: bool
    can_write: bool


class ApiRootRights(BaseModel):
    """One API root that this account's agency is a member of, and how the account stands there.

    ``purpose`` is the one that this request is read for; ``markings`` are the terms of each vocabulary that
    this account reads, where nothing else restricts it. Terms that name readers depend on the object.
    """

    path: str
    title: str
    level: str
    clearances: list[str]
    purposes: list[str]
    purpose: str | None
    agreement: str | None
    collections: list[CollectionRights]
    markings: dict[str, list[str]]


class WhoAmI(BaseModel):
    """The account behind the credentials of this request; ``vocabularies`` are those of whose markings the
    hub understands the terms."""

    account: str
    title: str | None
    agency: str
    roles: list[str]
    client_profile: ClientProfile
    api_roots: list[ApiRootRights]
    vocabularies: list[str]


@router.get("/whoami", response_model_exclude_none=True, summary="What these credentials are good for")
async def whoami(request: Request) -> WhoAmI:
    """The account, its roles, and its rights on every collection that is listed to it."""
    account, hub = account_of(request), hub_of(request)
    return WhoAmI(
        account=account.id,
        title=account.title,
        agency=account.agency,
        roles=sorted(account.roles),
        client_profile=account.client_profile,
        api_roots=[_api_root(hub, account, root) for root in visible_api_roots(hub, account)],
        vocabularies=list(names()),
    )


def _api_root(hub: Hub, account: Account, root: ApiRoot) -> ApiRootRights:
    listed = [
        CollectionRights(
            id=collection.id,
            alias=collection.alias,
            title=collection.title,
            can_read=can_read,
            can_write=can_write,
        )
        for collection, can_read, can_write in visible_collections(hub, account, root)
    ]
    reader = reader_of(root, account)
    return ApiRootRights(
        path=f"/{root.path}/",
        title=root.title,
        level=LADDER[reader.level],
        clearances=sorted(reader.clearances),
        purposes=sorted(purposes_of(root, account)),
        purpose=reader.purpose,
        agreement=_agreement(root, account),
        collections=listed,
        markings=terms_read_by(reader, community_of(hub.catalog, hub.now())),
    )


def _agreement(root: ApiRoot, account: Account) -> str | None:
    """By what the agency takes part: its own agreement, else the framework's."""
    agreement = membership_of(root, account.agency).agreement or root.agreement
    return None if agreement is None else agreement.reference
