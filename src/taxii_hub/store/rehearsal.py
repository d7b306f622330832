"""A store that decides as the real one does and writes nothing: what ``--dry-run`` acts on.

Everything that is not here reads what is there. What another act would change meanwhile is not foreseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from taxii_hub.model import HoldAnswer, HoldAsked, Policy, ReleaseRequest, Status
from taxii_hub.store.base import (
    Change,
    ChangeResult,
    Proposal,
    Publication,
    Settlement,
    SettleResult,
)
from taxii_hub.store.change import plan_change
from taxii_hub.store.feed import MongoFeed
from taxii_hub.store.follow_ups_base import Connection, FollowUp
from taxii_hub.store.held import HeldStore
from taxii_hub.store.plan import Heads, Known, heads_of
from taxii_hub.store.privacy import MongoPrivacy
from taxii_hub.store.release_requests import RequestStore
from taxii_hub.store.settling import judge
from taxii_hub.store.statuses import status_for

_COPY = -1


class RehearsedFeed:
    """A feed whose acts change nothing."""

    def __init__(self, feed: MongoFeed, queue: HeldStore) -> None:
        self._feed = feed
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._feed, name)

    async def intern(self, collection: int, policies: frozenset[Policy]) -> dict[Policy, int]:
        """A policy that has no class yet gets a number that no class has."""
        known = {policy: number for number, policy in (await self._feed.classes(collection)).items()}
        wanted = enumerate(sorted(policies, key=repr), 1)
        return {policy: known.get(policy, -number) for number, policy in wanted}

    async def commit(self, publication: Publication) -> Status:
        """What is settled already is known; of the rest only a commit could tell."""
        return status_for(publication, tuple(outcome for _, outcome in publication.settled))

    async def change(self, change: Change) -> ChangeResult:
        """What becomes of the act on the object itself; the rest goes along."""
        classes = await self._feed.classes(change.collection)
        rows = await self._feed.standing(change.collection, change.object_id)
        known = [
            Known(
                number,
                change.object_id,
                row.policy,
                row.version,
                row.stamp,
                b"",
                None,
                Heads(),
                row.expires,
                copy_of=None if classes[row.policy].origin else _COPY,
            )
            for number, row in enumerate(rows)
        ]
        known = [replace(e, heads=heads) for e, heads in zip(known, heads_of(known), strict=True)]
        result, _ = plan_change(change, known)
        if result == "not-found" and change.to is None:
            waits = await self._queue.of_objects(change.agency, change.collection, [change.object_id])
            return "done" if waits else result
        return "done" if result == "classes" else result

    async def settle(self, said: Settlement) -> SettleResult:
        """The verdict; whether the release would succeed only a commit could tell."""
        proposal = await self._queue.proposal(said.agency, said.proposal)
        return "gone" if proposal is None else judge(proposal, said)


class RehearsedQueue:
    """A release queue that takes nothing in."""

    def __init__(self, queue: HeldStore) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    async def propose(self, proposal: Proposal, leaf: bytes) -> bool:
        """As if none waited."""
        return True


class RehearsedRequests:
    """Readers' questions, none of which is kept."""

    def __init__(self, requests: RequestStore) -> None:
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._requests, name)

    async def ask(self, request: ReleaseRequest, leaf: bytes) -> None:
        """Nothing is kept."""

    async def answer(self, request: ReleaseRequest, leaf: bytes) -> bool:
        """As if nobody answered meanwhile."""
        return True


class RehearsedPrivacy:
    """Legal holds and reviews as they would be."""

    def __init__(self, privacy: MongoPrivacy) -> None:
        self._privacy = privacy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._privacy, name)

    async def hold(self, asked: HoldAsked) -> HoldAnswer:
        """As the second word, or the first."""
        there = await self._privacy.hold_on(asked.collection, asked.object_id, asked.agency)
        if there is None:
            return "asked"
        if there.in_force:
            return "already"
        return "same-officer" if there.asked_by == asked.officer else "done"

    async def lift(self, asked: HoldAsked) -> HoldAnswer:
        """The same for its end."""
        there = await self._privacy.hold_on(asked.collection, asked.object_id, asked.agency)
        if there is None:
            return "none"
        if there.asked_by is None:
            return "asked"
        return "same-officer" if there.asked_by == asked.officer else "done"

    async def reviewed(self, collection: int, object_id: str, agency: str, at: int) -> None:
        """Nothing is noted."""


class NothingToFollow:
    """No act was done, so nothing follows one."""

    async def waiting(self) -> tuple[FollowUp, ...]:
        return ()

    async def done(self, follow_up: FollowUp) -> None:
        """There is none."""

    async def connecting(
        self, collection: int, classes: Sequence[int], object_id: str
    ) -> tuple[Connection, ...]:
        return ()


class SilentLog:
    """An audit log that is told nothing."""

    def __init__(self, audit: Any) -> None:
        self._audit = audit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._audit, name)

    async def act(self, *said: Any, **details: Any) -> None:
        """Nothing was done."""
