"""``/api/v1``: erasure, legal holds, reviews and the search for a person, for an origin's liaison officers; and
the record of processing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from taxii_hub.catalog.lookup import find_agency
from taxii_hub.catalog.record import Record, record_of
from taxii_hub.errors import ForbiddenError, NotFoundError
from taxii_hub.exchange import erasing, reviews, subjects
from taxii_hub.web.api.callers import account_with, hub_of
from taxii_hub.web.api.places import CollectionName, ObjectId, RootPath, officer_before
from taxii_hub.web.json_body import json_body

router = APIRouter(prefix="/api/v1")

Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=20)]


class Why(BaseModel):
    """The reason stands in the audit log; that of an erasure is told to those who received the object."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=3, max_length=500)]


class Wanted(Why):
    """Any one name or identifier is enough. They are written into no log."""

    names: Words = []
    identifiers: Words = []


class Erased(BaseModel):
    """``kept``: by a legal hold, where nobody reads it."""

    kept: bool


class HoldSaid(BaseModel):
    """``done``: this was the second officer's word; else another officer has to say the same."""

    done: bool


class NextReview(BaseModel):
    """The day on which it is due again."""

    due: str


class Found(BaseModel):
    """``complete`` is false where the search reached its bound."""

    hits: list[subjects.Hit]
    looked_at: int
    complete: bool


@router.post(
    "/objects/{api_root}/{collection}/{object_id}/erase", summary="Erase an own object, in all its versions"
)
async def erase(
    request: Request, api_root: RootPath, collection: CollectionName, object_id: ObjectId
) -> Erased:
    """For liaison officers of the agency that published it. Past receivers find it among their withdrawals."""
    hub, place = officer_before(request, api_root, collection)
    asked = await json_body(request, Why)
    return Erased(kept=await erasing.erase(hub, place, object_id, asked.reason))


@router.post(
    "/objects/{api_root}/{collection}/{object_id}/legal-hold",
    summary="Keep an own object from being erased; takes two officers",
)
async def hold(
    request: Request, api_root: RootPath, collection: CollectionName, object_id: ObjectId
) -> HoldSaid:
    """What is withdrawn, erased or over meanwhile is kept where nobody reads it."""
    hub, place = officer_before(request, api_root, collection)
    asked = await json_body(request, Why)
    return HoldSaid(done=await erasing.legal_hold(hub, place, object_id, asked.reason))


@router.post(
    "/objects/{api_root}/{collection}/{object_id}/lift-legal-hold",
    summary="End a legal hold; takes two officers",
)
async def lift(
    request: Request, api_root: RootPath, collection: CollectionName, object_id: ObjectId
) -> HoldSaid:
    """With the second officer's word, what was kept only because of the hold is erased."""
    hub, place = officer_before(request, api_root, collection)
    asked = await json_body(request, Why)
    return HoldSaid(done=await erasing.lift_hold(hub, place, object_id, asked.reason))


@router.get("/legal-holds/{api_root}/{collection}", summary="The legal holds of the account's agency")
async def holds(request: Request, api_root: RootPath, collection: CollectionName) -> list[erasing.Hold]:
    """Also those that wait for a second officer."""
    hub, place = officer_before(request, api_root, collection)
    return await erasing.holds(hub, place)


@router.get("/reviews/{api_root}/{collection}", summary="What the account's agency should look at again")
async def due(
    request: Request,
    api_root: RootPath,
    collection: CollectionName,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> list[reviews.Due]:
    """The longest due first."""
    hub, place = officer_before(request, api_root, collection)
    return await reviews.review_due(hub, place, limit)


@router.post(
    "/objects/{api_root}/{collection}/{object_id}/reviewed",
    summary="Say that an own object was looked at and is still needed",
)
async def reviewed(
    request: Request, api_root: RootPath, collection: CollectionName, object_id: ObjectId
) -> NextReview:
    """What its collection keeps no longer is over all the same."""
    hub, place = officer_before(request, api_root, collection)
    asked = await json_body(request, Why)
    return NextReview(due=await reviews.reviewed(hub, place, object_id, asked.reason))


@router.get("/processing", summary="The record of processing of the account's agency")
async def processing(
    request: Request,
    agency: Annotated[
        str | None, Query(max_length=100, description="Another one's, for auditors; default: the own.")
    ] = None,
) -> Record:
    """Made from the catalogue in force, for an agency's liaison officers and admins, and for auditors."""
    account, hub = account_with(request, "liaison", "admin", "auditor"), hub_of(request)
    name = agency or account.agency
    if name != account.agency and "auditor" not in account.roles:
        raise ForbiddenError("only auditors see the record of another agency")
    catalog = hub.catalogs.catalog
    found = find_agency(catalog, name)
    if found is None:
        raise NotFoundError("there is no such agency")
    return record_of(catalog, found)


@router.post("/subject-search", summary="What the account's agency published about a person")
async def search(request: Request) -> Found:
    """Only the agency's own objects are looked at, with who received them and when they are over."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    asked = await json_body(request, Wanted)
    subject = subjects.Subject(tuple(asked.names), tuple(asked.identifiers))
    answer = await subjects.subject_search(hub, account, subject, asked.reason)
    return Found(hits=answer.hits, looked_at=answer.looked_at, complete=answer.complete)
