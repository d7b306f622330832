"""The parts of paths that name a collection or an object, and a liaison officer before one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Path, Request

from taxii_hub.exchange.access import Place, place_for
from taxii_hub.web.api.callers import account_with, hub_of

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

RootPath = Annotated[str, Path(description="The path of the API root, such as five-eyes.")]
CollectionName = Annotated[str, Path(description="The collection's id or alias.")]
ObjectId = Annotated[str, Path(description="The object's STIX id.", max_length=300)]


def officer_before(request: Request, api_root: str, collection: str) -> tuple[Hub, Place]:
    """The hub, and the collection on behalf of the officer's agency.

    Raises UnauthorizedError, ForbiddenError for who is no liaison officer, NotFoundError.
    """
    account, hub = account_with(request, "liaison"), hub_of(request)
    return hub, place_for(hub, account, api_root, collection)
