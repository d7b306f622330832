"""Feeding again what an agency may read since it gained rights (R7), as copies that only it reads.

An entry of a gained class gets a copy with a new stamp, of the same version and later: who reads both sees
the copy, and nobody else notices. The entries are taken in stamp order up to the moment of the first step;
what is committed afterwards is new to the agency anyway.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bson.int64 import Int64
from pymongo import ASCENDING
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.ledger.leaves import HUB, leaf_of, stamps_document
from taxii_hub.model import Membership
from taxii_hub.store.change import ChangePlan, Feeding, settle_heads
from taxii_hub.store.gaining_base import AgainResult, FeedAgain, Gain
from taxii_hub.store.plan import Heads, Known
from taxii_hub.store.queries import MAX_SCANS, chunks

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """The entries of one step: those of ``ids`` with stamps after ``first`` up to ``last``. ``over``: the
    step is the last one; None as a whole where nothing is left to do."""

    ids: tuple[str, ...]
    first: int
    last: int
    until: int
    over: bool


def plan_again(step: FeedAgain, known: Sequence[Known], window: Window) -> ChangePlan:
    """Which entries of the window are fed again: of each object those that are the last version for some
    account of the agency and that it could not read before."""
    gained = {each.number: each for each in step.classes}
    objects: dict[str, list[Known]] = {}
    for entry in known:
        objects.setdefault(entry.id, []).append(entry)
    chosen = [
        entry
        for entry in known
        if entry.copy_of is None
        and entry.policy in gained
        and window.first < entry.stamp <= window.last
        and (entry.expires is None or entry.expires > step.at)
        and not _hidden(entry, objects[entry.id], step)
    ]
    plan = ChangePlan()
    for entry in sorted(chosen, key=lambda each: each.stamp):
        _feed(entry, gained[entry.policy].copies, objects[entry.id], plan)
    for object_id in dict.fromkeys(fed.entry.id for fed in plan.fed):
        settle_heads(objects[object_id], plan)
    return plan


def _hidden(entry: Known, entries: Sequence[Known], step: FeedAgain) -> bool:
    """Whether every account of the agency that reads the entry has, or gets, something later instead."""
    gained = {each.number: each for each in step.classes}
    mine = gained[entry.policy]
    for other in entries:
        if other.policy not in mine.implied or other is entry:
            continue
        if other.version > entry.version:
            return True
        if other.version < entry.version or other.policy == mine.copies:
            continue
        if other.copy_of is None and (other.policy not in gained or other.stamp > entry.stamp):
            return True
    return False


def _feed(entry: Known, number: int, entries: list[Known], plan: ChangePlan) -> None:
    stored = next((e for e in entries if e.policy == number and e.version == entry.version), None)
    if stored is not None:
        stored.copy_of = entry.policy
        plan.fed.append(Feeding(stored, stored.key))
        return
    copy = replace(entry, key=None, policy=number, copy_of=entry.policy, heads=Heads())
    entries.append(copy)
    plan.fed.append(Feeding(copy, entry.key, copy=True))


class GainsInCommit:
    """What a step asks and writes beside the entries; every call is part of its transaction."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._entries = database["entries"]
        self._gains = database["gains"]

    async def window(self, session: AsyncClientSession, step: FeedAgain, now: int) -> Window | None:
        """What this step looks at; ``now``: the collection's clock."""
        gain = await self._gains.find_one({"_id": step.gain, "open": True}, session=session)
        if gain is None:
            return None
        first, until = gain.get("position", 0), gain.get("until", now)
        rows: list[tuple[int, str]] = []
        for numbers in chunks([each.number for each in step.classes], MAX_SCANS):
            found = self._entries.find(
                {"c": step.collection, "p": {"$in": numbers}, "s": {"$gt": first, "$lte": until}, "l": 1},
                {"_id": 0, "s": 1, "i": 1},
                sort=[("s", ASCENDING)],
                hint="last",
                limit=step.limit,
                session=session,
            )
            rows = heapq.nsmallest(step.limit, [*rows, *[(row["s"], row["i"]) async for row in found]])
        over = len(rows) < step.limit
        ids = tuple(dict.fromkeys(object_id for _, object_id in rows))
        return Window(ids, first, until if over else rows[-1][0], until, over)

    async def went_on(
        self, session: AsyncClientSession, step: FeedAgain, window: Window, fed: int
    ) -> AgainResult:
        """Note how far the gain is."""
        told = {
            "$set": {"position": Int64(window.last), "until": Int64(window.until), "open": not window.over},
            "$inc": {"fed": fed},
        }
        await self._gains.update_one({"_id": step.gain}, told, session=session)
        return "done" if window.over else "more"


def again_leaf(step: FeedAgain, stamps: Sequence[int]) -> bytes:
    """What the audit log says of a step that fed something."""
    details = {
        "feed": step.collection,
        "epoch": step.epoch,
        "to": step.agency,
        "gain": step.gain,
        **stamps_document(stamps),
    }
    return leaf_of("history", stamps[-1], HUB, details)


async def open_gains(database: AsyncDatabase[Document]) -> tuple[Gain, ...]:
    """Those that are not at their end, the oldest first."""
    rows = await database["gains"].find({"open": True}, sort=[("at", ASCENDING)]).to_list()
    return tuple(_gain(row) for row in rows)


async def gain_of(database: AsyncDatabase[Document], gain_id: str) -> Gain | None:
    """One gain as it stands."""
    row = await database["gains"].find_one({"_id": gain_id})
    return None if row is None else _gain(row)


async def count_again(database: AsyncDatabase[Document], step: FeedAgain) -> int:
    """How many objects the whole gain would feed now."""
    count = 0
    for each in step.classes:
        others = [number for number in each.implied if number not in (each.number, each.copies)]
        wanted = {
            "c": step.collection,
            "p": each.number,
            "l": 1,
            "u": {"$nin": others},
            "e": {"$not": {"$lte": step.at}},
        }
        count += await database["entries"].count_documents(wanted, hint="last")
    return count


def gain_document(gain: Gain) -> Document:
    """As stored with the catalogue that gave the rights."""
    return {
        "_id": gain.id,
        "c": gain.collection,
        "agency": gain.agency,
        "before": None if gain.before is None else _standing_document(gain.before),
        "after": _standing_document(gain.after),
        "epoch": gain.epoch,
        "at": Int64(gain.at),
        "open": True,
        "fed": 0,
    }


def _standing_document(standing: Membership) -> Document:
    return {
        "level": standing.level,
        "clearances": sorted(standing.clearances),
        "purposes": sorted(standing.purposes),
    }


def _gain(row: Mapping[str, Any]) -> Gain:
    before = row["before"]
    return Gain(
        collection=row["c"],
        agency=row["agency"],
        before=None if before is None else _standing(row["agency"], before),
        after=_standing(row["agency"], row["after"]),
        id=row["_id"],
        epoch=row["epoch"],
        at=row["at"],
        fed=row["fed"],
    )


def _standing(agency: str, row: Mapping[str, Any]) -> Membership:
    return Membership(agency, row["level"], frozenset(row["clearances"]), frozenset(row["purposes"]))
