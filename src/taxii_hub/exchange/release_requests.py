"""A reader who knows an id asks its origin for release, and learns nothing by asking.

The question is kept as it was written and nothing is looked up, so that the answer, its time and the work
are the same whether the thing exists, is hidden, is in the queue or can be seen already. Whose it is, is
found out when officers look. A question that nobody answers ends as one about nothing does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import Final, Literal

from taxii_hub.errors import BadRequestError, NotFoundError, TooManyRequestsError
from taxii_hub.exchange import acts
from taxii_hub.exchange.access import place_for, visible_api_roots
from taxii_hub.exchange.audit import actor_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.releases import MOST, PERIOD, require_officer
from taxii_hub.ledger.leaves import leaf_of, legible
from taxii_hub.model import Account, ReleaseRequest, Visibility

HOUR: Final = 3600 * 1_000_000
TIME_TO_ANSWER: Final = 7 * 24 * HOUR
MOST_PER_HOUR: Final = 20

State = Literal["open", "answered", "no answer"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: names as the reader wrote them, and why he needs it."""

    api_root: str
    collection: str
    object_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the last 90 days, as far as they concern objects of the agency; the median in seconds."""

    open: int
    granted: int
    denied: int
    no_answer: int
    median_seconds: float | None


def state_of(request: ReleaseRequest, now: int) -> State:
    """As its asker is told."""
    if request.answer is not None:
        return "answered"
    return "open" if now < request.due else "no answer"


async def ask(hub: Hub, account: Account, asked: Asked) -> ReleaseRequest:
    """Keep the question. Raises TooManyRequestsError after 20 of one account within an hour."""
    now = hub.now()
    times = await hub.requests.asked_since(account.id, now - HOUR)
    if len(times) >= MOST_PER_HOUR:
        wait = max(1, math.ceil((times[-MOST_PER_HOUR] + HOUR - now) / 1_000_000))
        raise TooManyRequestsError(
            f"an account asks for {MOST_PER_HOUR} releases in an hour at most: wait {wait} s", wait
        )
    request = ReleaseRequest(
        id=hub.new_id(),
        api_root=asked.api_root,
        collection=asked.collection,
        object_id=asked.object_id,
        agency=account.agency,
        account=account.id,
        reason=asked.reason,
        at=now,
        due=now + TIME_TO_ANSWER,
    )
    told = {
        "request": request.id,
        "api_root": legible(asked.api_root),
        "asked_of": legible(asked.collection),
        "object": legible(asked.object_id),
    }
    await hub.requests.ask(request, leaf_of("release-ask", now, actor_of(account), told))
    return request


async def asked_by(hub: Hub, account: Account, limit: int = MOST) -> tuple[ReleaseRequest, ...]:
    """What the account's agency asked, the newest first."""
    return await hub.requests.of_asker(account.agency, limit)


async def concerning(hub: Hub, account: Account, limit: int = MOST) -> tuple[ReleaseRequest, ...]:
    """For officers: questions of others about objects that their agency published, the most urgent first."""
    require_officer(account)
    roots = [root.path for root in visible_api_roots(hub, account)]
    found = await hub.requests.about(roots, hub.now() - PERIOD, 10 * MOST)
    by_place: dict[tuple[str, str], list[ReleaseRequest]] = {}
    for each in found:
        if each.agency != account.agency:
            by_place.setdefault((each.api_root, each.collection), []).append(each)
    mine: set[str] = set()
    for (root, name), asked in by_place.items():
        own = await _own(hub, account, root, name, {each.object_id for each in asked})
        mine |= {each.id for each in asked if each.object_id in own}
    return tuple(each for each in found if each.id in mine)[:limit]


async def answer(
    hub: Hub, account: Account, request_id: str, *, granted: bool, words: str
) -> tuple[ReleaseRequest, str | None]:
    """Say yes or no. Yes releases the last version to the asker's agency, or proposes that; returns the
    proposal too. Raises NotFoundError where the question is none of theirs, BadRequestError."""
    request = await _concerned(hub, account, request_id)
    if state_of(request, hub.now()) != "open":
        raise BadRequestError("it is not open any more; `taxii-hub releases requests` shows its state")
    proposal = None
    if granted:
        place = place_for(hub, account, request.api_root, request.collection)
        reason = f"asked for by {request.agency}: {words}"
        if await hub.queue.of_objects(account.agency, place.collection.feed, [request.object_id]):
            raise BadRequestError("a version of it waits for release itself; that has to be settled first")
        moved = await acts.release(hub, place, request.object_id, [request.agency], reason)
        proposal = moved.proposal
    now = hub.now()
    told = replace(request, answer=words, granted=granted, answered_at=now, answered_by=account.agency)
    details = {
        "request": request.id,
        "object": legible(request.object_id),
        "asker": request.agency,
        "granted": granted,
        "proposal": proposal,
        "reason": words,
    }
    if not await hub.requests.answer(told, leaf_of("release-answer", now, actor_of(account), details)):
        raise BadRequestError("somebody answered it meanwhile")
    return told, proposal


async def figures(hub: Hub, account: Account) -> Figures:
    """How questions about this agency's objects fare."""
    found = await concerning(hub, account, 10 * MOST)
    states = [state_of(each, hub.now()) for each in found]
    took = [each.answered_at - each.at for each in found if each.answered_at is not None]
    return Figures(
        open=states.count("open"),
        granted=sum(each.granted for each in found),
        denied=states.count("answered") - sum(each.granted for each in found),
        no_answer=states.count("no answer"),
        median_seconds=median(took) / 1_000_000 if took else None,
    )


async def _concerned(hub: Hub, account: Account, request_id: str) -> ReleaseRequest:
    require_officer(account)
    request = await hub.requests.one(request_id)
    if request is not None and request.agency != account.agency:
        own = await _own(hub, account, request.api_root, request.collection, {request.object_id})
        if own:
            return request
    raise NotFoundError("no question of this id concerns objects of this agency")


async def _own(hub: Hub, account: Account, api_root: str, name: str, ids: set[str]) -> frozenset[str]:
    """Which of these objects the agency published there, or has on hold."""
    try:
        place = place_for(hub, account, api_root, name)
    except NotFoundError:
        return frozenset()
    held = await hub.queue.of_objects(account.agency, place.collection.feed, sorted(ids))
    classes = await hub.feed.classes(place.collection.feed)
    own = tuple(sorted(n for n, policy in classes.items() if policy.origin == account.agency))
    visibility = Visibility(place.collection.feed, account.agency, own, hub.catalog.version, hub.now())
    fed = await hub.feed.classes_of(visibility, sorted(ids), own) if own else {}
    return frozenset(fed) | {each.object_id for each in held}
