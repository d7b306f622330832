"""``/api/v1/releases``: the desk of the liaison officers; ``/api/v1/release-requests``: asking for release."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from taxii_hub.exchange import release_requests, releases
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.release_views import (
    Question,
    Settled,
    Waiting,
    question_view,
    settled_view,
    waiting_view,
)
from taxii_hub.policy.reading import describe
from taxii_hub.stix import timestamps
from taxii_hub.web.api.callers import account_of, account_with, hub_of
from taxii_hub.web.json_body import json_body

router = APIRouter(prefix="/api/v1")

MOST = 1000
Limit = Annotated[int, Query(ge=1, le=MOST)]
ProposalId = Annotated[str, Path(description="The id of what waits.", max_length=100)]
RequestId = Annotated[str, Path(description="The id of the question.", max_length=100)]
Words = Annotated[str, Field(min_length=3, max_length=500)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RefuseAsked(_Asked):
    """``reason`` is told to the submitter."""

    reason: Words


class AskAsked(_Asked):
    """Names as the reader knows them; whether there is such a thing is not said."""

    api_root: Annotated[str, Field(min_length=1, max_length=64)]
    collection: Annotated[str, Field(min_length=1, max_length=64)]
    object_id: Annotated[str, Field(min_length=3, max_length=300)]
    reason: Words


class AnswerAsked(_Asked):
    """``granted`` releases the object to the asker's agency, or proposes that; ``words`` are told to it."""

    granted: bool
    words: Words


class Queue(BaseModel):
    """What waits, the most urgent first; with ``settled`` what was settled, the newest first."""

    waiting: list[Waiting] | None = None
    settled: list[Settled] | None = None


class Shown(BaseModel):
    """What waits, as an officer decides on it. ``policy``: who would read it; ``policy_now`` who does."""

    waiting: Waiting
    policy: str
    policy_now: str | None
    may_sign: bool
    object: Any = None


class SignResult(BaseModel):
    """``signed`` while others have to sign too, else ``released``."""

    result: str


class Receipt(BaseModel):
    """What asking is answered with, whatever exists."""

    id: str
    deadline: str


class Answered(BaseModel):
    """``proposal``: where the release itself waits for signatures."""

    question: Question
    proposal: str | None = None


class ReleaseFigures(BaseModel):
    """What waits, and what became of the rest in 90 days; the median from submission to decision."""

    waiting: int
    pressing: int
    settled: dict[str, int]
    median_seconds: float | None


class QuestionFigures(BaseModel):
    """Questions of 90 days about own objects; the median time to an answer."""

    open: int
    granted: int
    denied: int
    no_answer: int
    median_seconds: float | None


class Statistics(BaseModel):
    """How the desk does."""

    releases: ReleaseFigures
    requests: QuestionFigures


@router.get("/releases", response_model_exclude_none=True, summary="What waits for this agency's officers")
async def queue(request: Request, settled: bool = False, limit: Limit = 100) -> Queue:
    """For liaison officers; without content. ``settled`` lists what was settled in the last 90 days instead."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    if settled:
        ended = await releases.ended(hub, account, limit)
        return Queue(settled=[settled_view(hub, each) for each in ended])
    found = await releases.waiting(hub, account, limit)
    return Queue(waiting=[waiting_view(hub, each) for each in found])


@router.get("/releases/statistics", summary="How the desk does")
async def statistics(request: Request) -> Statistics:
    """For liaison officers: of the last 90 days."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    one, two = await releases.figures(hub, account), await release_requests.figures(hub, account)
    return Statistics(
        releases=ReleaseFigures(
            waiting=one.waiting,
            pressing=one.pressing,
            settled=one.ended,
            median_seconds=one.median_seconds,
        ),
        requests=QuestionFigures(
            open=two.open,
            granted=two.granted,
            denied=two.denied,
            no_answer=two.no_answer,
            median_seconds=two.median_seconds,
        ),
    )


@router.get("/releases/requests", response_model_exclude_none=True, summary="Questions about own objects")
async def questions(request: Request, limit: Limit = 100) -> list[Question]:
    """For liaison officers: what others asked to be released, the most urgent first."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    found = await release_requests.concerning(hub, account, limit)
    return [question_view(hub, each) for each in found]


@router.post(
    "/releases/requests/{request_id}/answer",
    response_model_exclude_none=True,
    summary="Answer a question about an own object",
)
async def answer(request: Request, request_id: RequestId) -> Answered:
    """For liaison officers. A yes goes the way of every release, with the signatures that it needs."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    asked = await json_body(request, AnswerAsked)
    told, proposal = await release_requests.answer(
        hub, account, request_id, granted=asked.granted, words=asked.words
    )
    return Answered(question=question_view(hub, told), proposal=proposal)


@router.get("/releases/{proposal_id}", summary="One thing that waits, with its content")
async def show(request: Request, proposal_id: ProposalId) -> Shown:
    """For liaison officers of its origin."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    found = await releases.shown(hub, account, proposal_id)
    offer = found.proposal.offer
    return Shown(
        waiting=waiting_view(hub, found.proposal),
        policy=describe(found.policy),
        policy_now=None if found.was is None else describe(found.was),
        may_sign=found.may_sign,
        object=None if offer is None else orjson.loads(offer.data),
    )


@router.post("/releases/{proposal_id}/sign", summary="Release it, as one of its officers")
async def sign(request: Request, proposal_id: ProposalId) -> SignResult:
    """For liaison officers other than who submitted it; the last signature that is needed releases it."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    return SignResult(result=await releases.sign(hub, account, proposal_id))


@router.post("/releases/{proposal_id}/refuse", status_code=204, summary="Refuse it")
async def refuse(request: Request, proposal_id: ProposalId) -> None:
    """For liaison officers of its origin: one refusal ends it, and the submitter's status says why."""
    account, hub = account_with(request, "liaison"), hub_of(request)
    asked = await json_body(request, RefuseAsked)
    await releases.refuse(hub, account, proposal_id, asked.reason)


@router.post("/release-requests", status_code=202, summary="Ask for the release of something")
async def ask(request: Request) -> Receipt:
    """For readers. The answer is the same whatever exists; who may answer sees it until the deadline."""
    account, hub = account_with(request, "reader"), hub_of(request)
    asked = await json_body(request, AskAsked)
    wanted = release_requests.Asked(asked.api_root, asked.collection, asked.object_id, asked.reason)
    made = await release_requests.ask(hub, account, wanted)
    return Receipt(id=made.id, deadline=timestamps.format(made.due))


@router.get("/release-requests", response_model_exclude_none=True, summary="What this agency asked for")
async def asked_by(request: Request, limit: Limit = 100) -> list[Question]:
    """The newest first, with the answers that there are."""
    hub: Hub = hub_of(request)
    found = await release_requests.asked_by(hub, account_of(request), limit)
    return [question_view(hub, each) for each in found]
