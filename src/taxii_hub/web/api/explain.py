"""``/api/v1/objects/…/explain`` and ``/dry-run``: who sees it and why, after and before it is shared."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from taxii_hub.exchange import explain as why
from taxii_hub.exchange.access import place_for, require_writing
from taxii_hub.exchange.checking import check_members
from taxii_hub.taxii.envelope import parse_envelope
from taxii_hub.web.api.callers import account_with, hub_of, read_body, uploads_of
from taxii_hub.web.api.places import CollectionName, ObjectId, RootPath, officer_before

router = APIRouter(prefix="/api/v1")

Agency = Annotated[str | None, Query(description="One agency; every member where it is left out.")]


class Foreseen(BaseModel):
    """What would become of one object of the envelope, in its order. ``held``: it would first wait for
    ``signatures`` liaison officers."""

    id: str
    ok: bool
    message: str | None = None
    policy: str | None = None
    readers: list[str] = []
    held: bool = False
    signatures: int = 0
    clauses: list[why.Because] = []


@router.get(
    "/objects/{api_root}/{collection}/{object_id}/explain",
    summary="Who sees an own object, and the clause that decided",
)
async def explain(
    request: Request,
    api_root: RootPath,
    collection: CollectionName,
    object_id: ObjectId,
    agency: Agency = None,
) -> list[why.Explained]:
    """For liaison officers, of what their own agency published. Nothing of the content is told."""
    hub, place = officer_before(request, api_root, collection)
    agencies = sorted(place.api_root.members) if agency is None else [agency]
    return await why.explain(hub, place, object_id, agencies, origin=place.account.agency)


@router.post(
    "/objects/{api_root}/{collection}/dry-run",
    summary="Who would read the objects of an envelope; nothing is stored",
)
async def dry_run(request: Request, api_root: RootPath, collection: CollectionName) -> list[Foreseen]:
    """For accounts that may write the collection; the body is a TAXII envelope or a STIX bundle."""
    account, hub = account_with(request, "writer"), hub_of(request)
    place = place_for(hub, account, api_root, collection)
    require_writing(place)
    with uploads_of(request).room() as take:
        body = await read_body(request, place.api_root.max_content_length, take)
        members = parse_envelope(body)
        settled, checked = check_members(hub.validator, place.collection, members, hub.now())
        seen = await why.foresee(hub, place, [item.value for item in checked])
    answers = {
        position: Foreseen(id=outcome.id, ok=False, message=outcome.message) for position, outcome in settled
    }
    for item, each in zip(checked, seen, strict=True):
        answers[item.position] = Foreseen(
            id=item.value["id"],
            ok=True,
            message=item.note,
            policy=each.words,
            readers=list(each.readers),
            held=each.signatures > 0,
            signatures=each.signatures,
            clauses=list(each.clauses),
        )
    return [answers[position] for position in sorted(answers)]
