"""How expired versions are erased: the content goes, and nothing comes back by it (R7).

Where an older version of the object still lives, in whatever class, its readers must not get it as their
last one: the expired entry stays as a *tombstone*, without bytes and digest. A later run takes the
tombstone away when it hides nothing any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bson.int64 import Int64
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.ledger.leaves import HUB, leaf_of, stamps_document
from taxii_hub.store.base import Change, Proposal
from taxii_hub.store.held import held_document
from taxii_hub.store.plan import Known, head_fields, heads_of

Document = dict[str, Any]

NO_DIGEST: Final = b""
"""The digest of a tombstone."""


@dataclass(slots=True)
class ExpiryPlan:
    """``erased`` are the versions whose content goes with it: those of ``deletes`` that are no
    tombstones, and those of ``updates`` that become one."""

    deletes: list[Any] = field(default_factory=list)
    updates: dict[Any, Document] = field(default_factory=dict)
    erased: list[Known] = field(default_factory=list)


def plan_expiry(known: Iterable[Known], at: int) -> ExpiryPlan:
    """What is to be done to the entries of some objects, all of each, at that moment (microseconds)."""
    objects: dict[str, list[Known]] = {}
    for entry in known:
        objects.setdefault(entry.id, []).append(entry)
    plan = ExpiryPlan()
    for entries in objects.values():
        _plan_one(entries, at, plan)
    return plan


def _plan_one(entries: Sequence[Known], at: int, plan: ExpiryPlan) -> None:
    over = [entry for entry in entries if entry.expires is not None and entry.expires <= at]
    living = [(e.version, e.stamp) for e in entries if e.expires is None or e.expires > at]
    tombs = {e.key for e in over if living and (e.version, e.stamp) > min(living)}
    gone = {entry.key for entry in over} - tombs
    plan.deletes += sorted(gone)
    for entry in over:
        if entry.digest != NO_DIGEST:
            plan.erased.append(replace(entry))
            if entry.key in tombs:
                plan.updates[entry.key] = {"x": NO_DIGEST, "b": b""}
    rest = [entry for entry in entries if entry.key not in gone]
    for entry, heads in zip(rest, heads_of(rest), strict=True):
        if heads != entry.heads:
            plan.updates.setdefault(entry.key, {}).update(head_fields(heads))


def expiry_leaf(change: Change, plan: ExpiryPlan, at: int, origins: Mapping[int, str]) -> bytes:
    """What was erased because it was over: how much of whose, under which stamps."""
    whose = Counter(origins[e.policy] for e in plan.erased if origins.get(e.policy))
    stamps = sorted({entry.stamp for entry in plan.erased})
    details = {
        "status": change.id,
        "feed": change.collection,
        "objects": len({entry.id for entry in plan.erased}),
        "origins": dict(sorted(whose.items())),
        **(stamps_document(stamps) if stamps else {}),
    }
    return leaf_of("expire", at, HUB, details)


class HoldsInCommit:
    """Legal holds as a transaction of their collection meets them."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._holds = database["legal_holds"]
        self._kept = database["legal_kept"]
        self._entries = database["entries"]
        self._policies = database["policies"]

    async def among(
        self, session: AsyncClientSession, collection: int, object_ids: Sequence[str]
    ) -> set[str]:
        """Those of the objects on which a hold is in force."""
        wanted = {"c": collection, "i": {"$in": list(object_ids)}, "in_force": True}
        return {row["i"] async for row in self._holds.find(wanted, {"i": 1}, session=session)}

    async def free(self, session: AsyncClientSession, change: Change) -> list[str]:
        """The objects of an expiry that nothing forbids to erase."""
        held = await self.among(session, change.collection, change.objects)
        return [each for each in change.objects if each not in held]

    async def origins(self, session: AsyncClientSession, plan: ExpiryPlan) -> dict[int, str]:
        """Whose the classes of the erased versions are; copies are nobody's."""
        wanted = {"_id": {"$in": sorted({entry.policy for entry in plan.erased})}}
        found = self._policies.find(wanted, {"origin": 1}, session=session)
        return {row["_id"]: row["origin"] async for row in found}

    async def keep(
        self,
        session: AsyncClientSession,
        change: Change,
        deletes: Sequence[Any],
        proposals: Sequence[Proposal],
        at: int,
    ) -> None:
        """What a hold forbids to erase goes where no reader can meet it."""
        moved = change.to is not None
        if moved or not await self.among(session, change.collection, [change.object_id]):
            return
        rows: list[Document] = []
        if deletes:
            found = self._entries.find({"_id": {"$in": list(deletes)}}, session=session)
            rows = [{"entry": row} for row in await found.to_list()]
        rows += [{"proposal": held_document(each)} for each in proposals]
        whose = {"c": change.collection, "i": change.object_id, "agency": change.agency, "at": Int64(at)}
        if rows:
            await self._kept.insert_many([{**whose, **row} for row in rows], session=session)
