"""Policies interned to small integers, and the rule that makes a cached set of them safe.

A reader's query names the classes it may read. Were an entry committed under a class that the
reading process does not know yet, the reader would pass its stamp and never see it. So:

* a process uses its cache only while the read that filled it *began* less than :data:`LIFETIME` ago;
* a page that came later than the *slack* (a third of that) after its classes were looked up is read
  again if they have changed meanwhile (``exchange/poll.py``);
* a new class is used for the first time when lifetime and slack have passed since it was committed
  (or since this process first saw it): by then every page that can show it was asked for by name.

Both sides count their own monotonic seconds, so no two clocks are compared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from pymongo import ReadPreference, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from taxii_hub.errors import StoreError
from taxii_hub.model import Policy

LIFETIME = 1.5
"""Seconds that a process may use what it read of the classes; more than one heartbeat."""

Document = dict[str, Any]


class PolicyClasses:
    """The classes of all collections, as this process knows them."""

    def __init__(
        self,
        database: AsyncDatabase[Document],
        lifetime: float = LIFETIME,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policies = database.get_collection("policies", read_concern=ReadConcern("majority"))
        self._counters = database["counters"]
        self._client = database.client
        self._lifetime = lifetime
        self.slack = lifetime / 3
        self._clock = clock
        self._by_collection: dict[int, dict[int, Policy]] = {}
        self._numbers: dict[tuple[int, Policy], int] = {}
        self._ripe: set[int] = set()
        self._seen_at: dict[int, float] = {}
        self._complete_at = float("-inf")
        self._refreshing = asyncio.Lock()

    def fresh(self, collection: int) -> Mapping[int, Policy] | None:
        """What :meth:`of` says, where it needs nobody's word for it."""
        if self._clock() - self._complete_at >= self._lifetime:
            return None
        return self._by_collection.get(collection, {})

    async def of(self, collection: int) -> Mapping[int, Policy]:
        """The classes of one collection: every one that an entry may carry at this moment."""
        known = self.fresh(collection)
        if known is None:
            await self.refresh()
            known = self._by_collection.get(collection, {})
        return known

    async def refresh(self) -> None:
        """Read what is new. Class numbers become visible in ascending order (see ``_insert``)."""
        async with self._refreshing:
            began = self._clock()
            newest = max(self._seen_at, default=0)
            unripe = [number for number in self._seen_at if number not in self._ripe]
            wanted: Document = {"_id": {"$gt": newest}}
            if unripe:
                wanted = {"$or": [wanted, {"_id": {"$in": unripe}}]}
            async for document in self._policies.find(wanted):
                self._learn(document)
            self._complete_at = began

    def _learn(self, document: Mapping[str, Any]) -> None:
        number = document["_id"]
        policy = _policy_of(document)
        self._by_collection.setdefault(document["c"], {})[number] = policy
        self._numbers.setdefault((document["c"], policy), number)
        self._seen_at.setdefault(number, self._clock())
        if document.get("ripe"):
            self._ripe.add(number)

    async def intern(self, collection: int, policies: frozenset[Policy]) -> dict[Policy, int]:
        """Class numbers of the policies, once each of them may be used."""
        numbers = {policy: self._number(collection, policy) for policy in policies}
        if None in numbers.values():
            await self.refresh()
            for policy in sorted(policies, key=policy_key):
                if self._number(collection, policy) is None:
                    await self._insert(collection, policy)
            await self.refresh()
            numbers = {policy: self._number(collection, policy) for policy in policies}
        found = {policy: number for policy, number in numbers.items() if number is not None}
        await self._ripen([n for n in found.values() if n not in self._ripe])
        return found

    def _number(self, collection: int, policy: Policy) -> int | None:
        return self._numbers.get((collection, policy))

    async def _insert(self, collection: int, policy: Policy) -> None:
        """The counter's write conflict orders the inserts: numbers become visible in their order."""
        document = {
            "c": collection,
            "key": policy_key(policy),
            "origin": policy.origin,
            "level": policy.level,
            "audience": _listed(policy.audience),
            "needs": sorted(policy.needs),
            "purposes": _listed(policy.purposes),
        }

        async def insert(session: AsyncClientSession) -> None:
            counter = await self._counters.find_one_and_update(
                {"_id": "policies"},
                {"$inc": {"last": 1}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if counter is None:
                raise StoreError("MongoDB upserted a counter and returned none")
            await self._policies.insert_one({"_id": counter["last"], **document}, session=session)

        try:
            async with self._client.start_session() as session:
                await session.with_transaction(insert, read_preference=ReadPreference.PRIMARY)
        except DuplicateKeyError:
            return  # another process was quicker; the refresh that follows reads its number

    async def _ripen(self, numbers: list[int]) -> None:
        if not numbers:
            return
        first_use = max(self._seen_at[number] for number in numbers) + self._lifetime + self.slack
        wait = first_use - self._clock()
        if wait > 0:
            await asyncio.sleep(wait)
        await self._policies.update_many({"_id": {"$in": numbers}}, {"$set": {"ripe": True}})
        self._ripe.update(numbers)


def policy_key(policy: Policy) -> str:
    """Equal exactly for equal policies."""
    parts = [policy.origin, str(policy.level), _joined(policy.audience), _joined(policy.needs)]
    return "|".join([*parts, _joined(policy.purposes)])


def _policy_of(document: Mapping[str, Any]) -> Policy:
    return Policy(
        origin=document["origin"],
        level=document["level"],
        audience=_set(document["audience"]),
        needs=frozenset(document["needs"]),
        purposes=_set(document["purposes"]),
    )


def _set(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _listed(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _joined(values: frozenset[str] | None) -> str:
    return "*" if values is None else ",".join(sorted(values))
