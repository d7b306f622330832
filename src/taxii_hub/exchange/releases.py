"""The desk of the liaison officers: what waits for them, their signatures and refusals (R6, R7).

What is published is the object as it was submitted, byte for byte, under a policy that is never wider than
the one that the officers saw, nor than what its markings mean on the day of the release: the meet of both.
Between submission and release an agency may have left a group, or the other end of a relationship been
narrowed; and nobody may gain sight of it by a change that no officer has seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import Final, NoReturn

from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError, UnavailableError
from taxii_hub.exchange.access import Place, place_for, visibility_of
from taxii_hub.exchange.acts import require_liaison, with_beside
from taxii_hub.exchange.changes import ATTEMPTS, with_pairs
from taxii_hub.exchange.connecting import keep_connected
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import policed
from taxii_hub.exchange.publish import publish_members
from taxii_hub.model import Account, Ended, Policy, VersionFilter
from taxii_hub.policy.reading import LADDER, meet
from taxii_hub.store.base import Change, Proposal, Settlement, SettleResult
from taxii_hub.taxii.envelope import parse_envelope

HOUR: Final = 3600 * 1_000_000
SOON: Final = 24 * HOUR
"""Microseconds before its deadline from which a proposal presses."""
PERIOD: Final = 90 * 24 * HOUR
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as an officer decides on it: who would read it, and whether he may sign it."""

    proposal: Proposal
    policy: Policy
    was: Policy | None
    may_sign: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the last 90 days: what ended how, and how long it took (median seconds, None where none did)."""

    waiting: int
    pressing: int
    ended: dict[str, int]
    median_seconds: float | None


async def waiting(hub: Hub, account: Account, limit: int = MOST) -> tuple[Proposal, ...]:
    """What waits for the officers of the account's agency, the most urgent first; without content."""
    require_officer(account)
    return await hub.queue.waiting(account.agency, limit)


async def shown(hub: Hub, account: Account, proposal_id: str) -> Shown:
    """One that waits, with its content. Raises NotFoundError."""
    require_officer(account)
    proposal = await _proposal(hub, account, proposal_id)
    classes = await hub.feed.classes(proposal.collection)
    mine = account.id == proposal.account or account.id in {each.account for each in proposal.signed}
    was = None if proposal.taken_from is None else classes[proposal.taken_from]
    return Shown(proposal, classes[proposal.policy], was, not mine)


async def ended(hub: Hub, account: Account, limit: int = MOST) -> tuple[Ended, ...]:
    """What became of proposals of the last 90 days, the newest first."""
    require_officer(account)
    return await hub.queue.ends(account.agency, hub.now() - PERIOD, limit)


async def sign(hub: Hub, account: Account, proposal_id: str) -> SettleResult:
    """One officer's signature: ``signed`` while others are needed, ``released`` by the last one.

    Raises NotFoundError, ForbiddenError (the submitter, no officer), BadRequestError (signed already, the
    deadline has passed, or the object cannot be published any more: the message says why).
    """
    proposal, place = await _desk(hub, account, proposal_id)
    for _ in range(ATTEMPTS):
        said = await _signature(hub, place, proposal)
        result = await hub.feed.settle(said)
        if result != "classes":
            break
    else:
        raise UnavailableError("Others change this object all the time; try again soon.")
    if result not in ("signed", "released"):
        await _refused(hub, account, proposal, result)
    if result == "released" and said.change is not None and said.change.follow:
        await keep_connected(hub)
    if result == "released" and proposal.offer is not None and place.collection.granular == "tear-line":
        # The object is there already, so this adds its tear line only, which may have to wait as well.
        members = parse_envelope(b'{"objects":[' + proposal.offer.data + b"]}")
        await publish_members(hub, _submitter(place, proposal), members, proposal.at)
    return result


async def refuse(hub: Hub, account: Account, proposal_id: str, reason: str) -> None:
    """One officer's refusal ends it; the submitter's status says why. Raises as :func:`sign` does."""
    proposal, place = await _desk(hub, account, proposal_id)
    result = await hub.feed.settle(replace(_said(hub, place, proposal), word="refuse", reason=reason))
    if result != "refused":
        await _refused(hub, account, proposal, result)


async def figures(hub: Hub, account: Account) -> Figures:
    """How the desk of this agency does."""
    require_officer(account)
    there = await hub.queue.waiting(account.agency, MOST)
    past = await hub.queue.ends(account.agency, hub.now() - PERIOD, 10_000)
    results = sorted({each.result for each in past})
    decided = [each.ended_at - each.at for each in past if each.result in ("released", "refused")]
    return Figures(
        waiting=len(there),
        pressing=sum(each.due < hub.now() + SOON for each in there),
        ended={result: sum(each.result == result for each in past) for result in results},
        median_seconds=median(decided) / 1_000_000 if decided else None,
    )


def require_officer(account: Account) -> None:
    """Raises ForbiddenError for an account without the role liaison."""
    if "liaison" not in account.roles:
        raise ForbiddenError("this is for accounts with the role liaison")


async def _proposal(hub: Hub, account: Account, proposal_id: str) -> Proposal:
    proposal = await hub.queue.proposal(account.agency, proposal_id)
    if proposal is None:
        raise NotFoundError("nothing of this id waits for the liaison officers of this agency")
    return proposal


async def _desk(hub: Hub, account: Account, proposal_id: str) -> tuple[Proposal, Place]:
    require_officer(account)
    proposal = await _proposal(hub, account, proposal_id)
    place = place_for(hub, account, proposal.api_root, proposal.collection_id)
    require_liaison(place)
    return proposal, place


def _said(hub: Hub, place: Place, proposal: Proposal) -> Settlement:
    return Settlement(
        id=hub.new_id(),
        collection=proposal.collection,
        proposal=proposal.id,
        agency=place.account.agency,
        account=place.account.id,
        epoch=hub.catalog.version,
        at=hub.now(),
        word="sign",
        signatures=place.collection.signatures,
    )


def _submitter(place: Place, proposal: Proposal) -> Place:
    account = Account(proposal.account, proposal.agency, frozenset({"reader", "writer"}))
    return replace(place, account=account)


async def _signature(hub: Hub, place: Place, proposal: Proposal) -> Settlement:
    said = _said(hub, place, proposal)
    if proposal.offer is None:
        return replace(said, change=await _move(hub, said, proposal))
    origin = _submitter(place, proposal)
    (member,) = parse_envelope(b'{"objects":[' + proposal.offer.data + b"]}")
    (today,) = await policed(hub, origin, [member.value or {}])
    classes = await hub.feed.classes(proposal.collection)
    policy = meet(classes[proposal.policy], today.policy)
    if policy.level > LADDER.index(hub.settings.ceiling):
        raise BadRequestError(f"this hub holds nothing above {hub.settings.ceiling}; refuse it")
    numbers = await hub.feed.intern(proposal.collection, frozenset({policy}))
    ends = [each for each in (proposal.offer.expires, today.expires) if each is not None]
    return replace(
        said,
        policy=numbers[policy],
        expires=min(ends, default=None),
        readable=(await visibility_of(hub, origin.account, place.collection)).classes,
    )


async def _move(hub: Hub, said: Settlement, proposal: Proposal) -> Change:
    """What the last signature does; the tear line goes along as it does without signatures."""
    change = _change(said, proposal)
    if proposal.taken_from is not None:
        classes = await hub.feed.classes(proposal.collection)
        before, after = classes[proposal.taken_from], classes[proposal.policy]
        change = await with_beside(hub, change, before, after)
    return await with_pairs(hub, change)


def _change(said: Settlement, proposal: Proposal) -> Change:
    """The version that was proposed, where it still stands in the class that the officers saw."""
    there = () if proposal.taken_from is None else (proposal.taken_from,)
    return Change(
        id=said.id,
        collection=said.collection,
        agency=said.agency,
        account=said.account,
        epoch=said.epoch,
        readable=there,
        own=there,
        object_id=proposal.object_id,
        versions=VersionFilter(frozenset(), (proposal.version,)),
        at=said.at,
        kind="release" if proposal.kind == "release" else "regrade",
        to=proposal.policy,
        reason=proposal.reason,
    )


async def _refused(hub: Hub, account: Account, proposal: Proposal, result: SettleResult) -> NoReturn:
    if result == "submitter":
        raise ForbiddenError("who submitted it does not release it; another liaison officer has to sign")
    if result == "again":
        raise BadRequestError("this account has signed it already; another liaison officer has to sign")
    if result == "late":
        raise BadRequestError("its deadline has passed; it has to be submitted again")
    if result == "failed":
        end = await hub.queue.ended(account.agency, proposal.id)
        raise BadRequestError(f"it could not be published: {end.message if end else 'no reason is known'}")
    raise NotFoundError("it was settled meanwhile; `taxii-hub releases list --settled` shows how")
