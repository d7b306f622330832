"""``/api/v1/objects`` and ``/api/v1/withdrawals``: what origins do with their objects, and who lost what."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from taxii_hub.exchange import acts
from taxii_hub.exchange import withdrawals as following
from taxii_hub.exchange.changes import EVERY
from taxii_hub.model import VersionFilter
from taxii_hub.policy.reading import LADDER, describe
from taxii_hub.stix import timestamps
from taxii_hub.web.api.callers import account_of, account_with, hub_of
from taxii_hub.web.api.moments import moment
from taxii_hub.web.api.places import CollectionName, ObjectId, RootPath, officer_before
from taxii_hub.web.json_body import json_body

router = APIRouter(prefix="/api/v1")

MOST = 1000
Reason = Annotated[str, Field(min_length=3, max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReleaseAsked(_Asked):
    """``to``: agencies, countries (ISO 3166) or groups."""

    to: Annotated[list[Name], Field(min_length=1, max_length=200)]
    reason: Reason


class RegradeAsked(_Asked):
    """What is left out stays as it is. ``audience`` is a list like ``to``, or ``everyone``."""

    reason: Reason
    level: Literal["unclassified", "restricted", "confidential", "secret", "top-secret"] | None = None
    audience: Annotated[list[Name], Field(max_length=200)] | Literal["everyone"] | None = None
    needs: Annotated[list[Name], Field(max_length=50)] | None = None
    purposes: Annotated[list[Name], Field(max_length=50)] | None = None


class WithdrawAsked(_Asked):
    """``versions``: ``all`` or ``last``."""

    reason: Reason
    versions: Literal["all", "last"] = "all"


class AcknowledgeAsked(_Asked):
    """The ids of withdrawals that were carried out on the receiver's side."""

    withdrawals: Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=MOST)]


class Released(BaseModel):
    """The agencies that may read it now and could not before; with a ``proposal``, those that may when the
    officers have signed it."""

    added: list[str]
    proposal: str | None = None


class Regraded(BaseModel):
    """Who may read it now, in words; with a ``proposal``, who may when the officers have signed it."""

    policy: str
    proposal: str | None = None


class Lost(BaseModel):
    """A version that this account could see and can see no more. Never its content."""

    id: str
    collection: str
    object_id: str
    version: str
    at: str
    agency: str
    kind: str
    reason: str


class Withdrawals(BaseModel):
    """``next_after`` goes on where this page ends; absent on the last one."""

    withdrawals: list[Lost]
    next_after: str | None = None


class Acknowledged(BaseModel):
    """The ids that were this account's to acknowledge."""

    acknowledged: list[str]


class Follow(BaseModel):
    """A withdrawal as its origin follows it; ``overdue`` after 72 hours with somebody outstanding."""

    withdrawal: Lost
    acknowledged: list[str]
    outstanding: list[str]
    overdue: bool


@router.post(
    "/objects/{api_root}/{collection}/{object_id}/release",
    response_model_exclude_none=True,
    summary="Let more agencies read the last version of an own object",
)
async def release(
    request: Request, api_root: RootPath, collection: CollectionName, object_id: ObjectId
) -> Released:
    """For liaison officers of the agency that published it. Who is entitled now is fed it, once."""
    hub, place = officer_before(request, api_root, collection)
    asked = await json_body(request, ReleaseAsked)
    moved = await acts.release(hub, place, object_id, asked.to, asked.reason)
    return Released(added=list(moved.added), proposal=moved.proposal)


@router.post(
    "/objects/{api_root}/{collection}/{object_id}/regrade",
    response_model_exclude_none=True,
    summary="Give the last version of an own object another policy",
)
async def regrade(
    request: Request, api_root: RootPath, collection: CollectionName, object_id: ObjectId
) -> Regraded:
    """For liaison officers of the agency that published it. Who loses it finds it among the withdrawals."""
    hub, place = officer_before(request, api_root, collection)
    asked = await json_body(request, RegradeAsked)
    everyone = asked.audience == "everyone"
    named = asked.audience if isinstance(asked.audience, list) else None
    grade = acts.Grade(
        level=None if asked.level is None else LADDER.index(asked.level),
        audience=None if named is None else acts.agencies_named(hub, place, named),
        everyone=everyone,
        needs=None if asked.needs is None else frozenset(asked.needs),
        purposes=None if asked.purposes is None else frozenset(asked.purposes),
    )
    moved = await acts.regrade(hub, place, object_id, grade, asked.reason)
    return Regraded(policy=describe(moved.after), proposal=moved.proposal)


@router.post(
    "/objects/{api_root}/{collection}/{object_id}/withdraw",
    status_code=204,
    summary="Take versions of an own object back",
)
async def withdraw(
    request: Request, api_root: RootPath, collection: CollectionName, object_id: ObjectId
) -> None:
    """For liaison officers of the agency that published it. The reason is told to those who lose it."""
    hub, place = officer_before(request, api_root, collection)
    asked = await json_body(request, WithdrawAsked)
    versions = EVERY if asked.versions == "all" else VersionFilter()
    await acts.withdraw(hub, place, object_id, asked.reason, versions)


@router.get("/withdrawals", response_model_exclude_none=True, summary="What this account lost sight of")
async def withdrawals(
    request: Request,
    after: Annotated[str | None, Query(description="Only what was withdrawn after this time.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Withdrawals:
    """Of all collections that the account reads, the oldest first; never any content."""
    account, hub = account_of(request), hub_of(request)
    found, bound = await following.lost(hub, account, moment("after", after) or 0, limit)
    listed = [_lost(each) for each in found]
    return Withdrawals(withdrawals=listed, next_after=None if bound is None else timestamps.format(bound))


@router.post("/withdrawals/acknowledge", summary="Say which withdrawals were carried out")
async def acknowledge(request: Request) -> Acknowledged:
    """For accounts that read: what was received is gone on the receiver's side too. Others are ignored."""
    account, hub = account_with(request, "reader"), hub_of(request)
    asked = await json_body(request, AcknowledgeAsked)
    done = await following.acknowledge(hub, account, asked.withdrawals)
    return Acknowledged(acknowledged=sorted(done))


@router.get(
    "/withdrawals/{api_root}/{collection}/followed", summary="Who has still to act on own withdrawals"
)
async def followed(
    request: Request,
    api_root: RootPath,
    collection: CollectionName,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    overdue: Annotated[bool, Query(description="Only what somebody should have acted on by now.")] = False,
) -> list[Follow]:
    """For liaison officers: what their agency withdrew or erased, the newest first, and who received it."""
    hub, place = officer_before(request, api_root, collection)
    found = await (following.overdue if overdue else following.followed)(hub, place, limit)
    return [
        Follow(
            withdrawal=_lost(each.lost),
            acknowledged=list(each.acknowledged),
            outstanding=list(each.outstanding),
            overdue=each.overdue,
        )
        for each in found
    ]


def _lost(each: following.Lost) -> Lost:
    one = each.withdrawal
    return Lost(
        id=one.id,
        collection=each.collection,
        object_id=one.object_id,
        version=one.version,
        at=timestamps.format(one.at),
        agency=one.agency,
        kind=one.kind,
        reason=one.reason,
    )
