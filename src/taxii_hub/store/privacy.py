"""Retention, erasure, legal holds and reviews in MongoDB; no readers' query meets any of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from taxii_hub.model import (
    ExpiredVersion,
    HoldAnswer,
    HoldAsked,
    LegalHold,
    ReviewAsked,
    ReviewDue,
)
from taxii_hub.store.audit_queue import durable
from taxii_hub.store.erasing import NO_DIGEST
from taxii_hub.store.feed import database_errors
from taxii_hub.store.reading import entry_of

Document = dict[str, Any]

INDEXES: dict[str, list[IndexModel]] = {
    "legal_holds": [
        IndexModel([("c", ASCENDING), ("i", ASCENDING), ("agency", ASCENDING)], name="object", unique=True)
    ],
    "legal_kept": [IndexModel([("c", ASCENDING), ("i", ASCENDING)], name="object")],
    "reviews": [IndexModel([("c", ASCENDING), ("i", ASCENDING)], name="object")],
    "chores": [],
}
_NAMED = {"i": 1, "v": 1, "w": 1, "a": 1, "p": 1, "s": 1, "e": 1, "x": 1}


class MongoPrivacy:
    """MongoDB's answer to :class:`taxii_hub.exchange.privacy_store.PrivacyStore`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        safe = durable(database)
        self._entries = safe["entries"]
        self._history = safe["stamp_history"]
        self._holds = safe["legal_holds"]
        self._kept = safe["legal_kept"]
        self._reviews = safe["reviews"]
        self._chores = safe["chores"]

    # --- retention -----------------------------------------------------------------------------

    async def expired(self, collection: int, at: int, limit: int = 0) -> tuple[ExpiredVersion, ...]:
        """What is over and still stored, the longest first."""
        over = {"c": collection, "e": {"$lte": at}, "x": {"$ne": NO_DIGEST}}
        async with database_errors():
            held = await self._holds.distinct("i", {"c": collection, "in_force": True})
            found = self._entries.find(
                over, _NAMED, hint="expiry", sort=[("e", ASCENDING)], limit=limit, batch_size=5000
            )
            return tuple(
                ExpiredVersion(row["i"], entry_of(row).version, row["p"], row["e"], row["i"] in held)
                for row in await found.to_list()
            )

    async def expired_ids(self, collection: int, at: int) -> tuple[str, ...]:
        """Objects of which something is over, tombstones included, but for those under a legal hold."""
        async with database_errors():
            held = await self._holds.distinct("i", {"c": collection, "in_force": True})
            found = self._entries.find(
                {"c": collection, "e": {"$lte": at}}, {"i": 1}, hint="expiry", batch_size=10_000
            )
            return tuple(dict.fromkeys([row["i"] async for row in found if row["i"] not in held]))

    # --- legal holds ---------------------------------------------------------------------------

    async def hold(self, asked: HoldAsked) -> HoldAnswer:
        """The first officer's word is kept, a second one's puts the hold in force."""
        key = _key(asked)
        first = {"reason": asked.reason, "in_force": False, **_asked(asked)}
        async with database_errors():
            with suppress(DuplicateKeyError):
                await self._holds.insert_one({**key, **first})
                return "asked"
            there = await self._holds.find_one(key)
            if there is None:
                return "none"
            if there["in_force"]:
                return "already"
            if there["asked_by"] == asked.officer:
                return "same-officer"
            second = {
                "in_force": True,
                "asked_by": None,
                "set_by": [there["asked_by"], asked.officer],
                "asked_at": Int64(asked.at),
            }
            done = await self._holds.update_one(
                {**key, "in_force": False, "asked_by": there["asked_by"]}, {"$set": second}
            )
        return "done" if done.modified_count else "already"

    async def lift(self, asked: HoldAsked) -> HoldAnswer:
        """What was kept because of the hold is erased with the second word."""
        key = _key(asked)
        async with database_errors():
            there = await self._holds.find_one(key)
            if there is None:
                return "none"
            if there["asked_by"] == asked.officer:
                return "same-officer"
            if there["asked_by"] is None:
                free = {**key, "in_force": True, "asked_by": None}
                done = await self._holds.update_one(free, {"$set": _asked(asked)})
                return "asked" if done.modified_count else "already"
            gone = await self._holds.delete_one({**key, "asked_by": there["asked_by"]})
            if not gone.deleted_count:
                return "already"
            await self._kept.delete_many(key)
        return "done"

    async def holds(self, agency: str, collection: int | None = None) -> tuple[LegalHold, ...]:
        """Those of an agency, in force or asked for."""
        wanted: Document = {"agency": agency}
        if collection is not None:
            wanted["c"] = collection
        async with database_errors():
            rows = await self._holds.find(wanted, sort=[("c", ASCENDING), ("i", ASCENDING)]).to_list()
        return tuple(_hold(row) for row in rows)

    async def hold_on(self, collection: int, object_id: str, agency: str) -> LegalHold | None:
        """The one on an object."""
        async with database_errors():
            row = await self._holds.find_one({"c": collection, "i": object_id, "agency": agency})
        return None if row is None else _hold(row)

    # --- reviews -------------------------------------------------------------------------------

    async def review_due(self, asked: ReviewAsked, limit: int = 0) -> tuple[ReviewDue, ...]:
        """An entry that moved to a new stamp was published when it got its first one."""
        collection, classes, before = asked.collection, list(asked.classes), asked.before
        old = {"c": collection, "p": {"$in": classes}, "s": {"$lte": before}}
        async with database_errors():
            ids = {row["i"] async for row in self._entries.find({**old, "l": 1}, {"i": 1}, hint="last")}
            firsts: dict[str, int] = {}
            async for row in self._history.find(old, {"i": 1, "s": 1}, hint="stamp"):
                firsts[row["i"]] = min(row["s"], firsts.get(row["i"], row["s"]))
            wanted = {"c": collection, "i": {"$in": sorted(ids | firsts.keys())}, "p": {"$in": classes}}
            looked = self._reviews.find({"c": collection, "agency": asked.agency})
            reviewed = {row["i"]: row["at"] async for row in looked}
            found: dict[str, ReviewDue] = {}
            async for row in self._entries.find({**wanted, "x": {"$ne": NO_DIGEST}}, _NAMED, hint="object"):
                since = max(min(row["s"], firsts.get(row["i"], row["s"])), reviewed.get(row["i"], 0))
                one = ReviewDue(row["i"], entry_of(row).version, row["p"], since)
                if since <= before and (row["i"] not in found or found[row["i"]].version < one.version):
                    found[row["i"]] = one
        due = sorted(found.values(), key=lambda each: (each.since, each.object_id))
        return tuple(due[:limit] if limit else due)

    async def reviewed(self, collection: int, object_id: str, agency: str, at: int) -> None:
        """Its origin looked at it."""
        key = f"{collection}/{agency}/{object_id}"
        said = {"c": collection, "i": object_id, "agency": agency, "at": Int64(at)}
        async with database_errors():
            await self._reviews.update_one({"_id": key}, {"$set": said}, upsert=True)

    # --- chores --------------------------------------------------------------------------------

    async def due_for(self, chore: str, now: int, every: int) -> bool:
        """Of several processes that ask at once the update lets one through."""
        async with database_errors():
            with suppress(DuplicateKeyError):
                await self._chores.update_one(
                    {"_id": chore}, {"$setOnInsert": {"next": Int64(0)}}, upsert=True
                )
            taken = await self._chores.update_one(
                {"_id": chore, "next": {"$lte": Int64(now)}}, {"$set": {"next": Int64(now + every)}}
            )
        return taken.modified_count == 1


def _key(asked: HoldAsked) -> Document:
    return {"c": asked.collection, "i": asked.object_id, "agency": asked.agency}


def _asked(asked: HoldAsked) -> Document:
    return {"asked_by": asked.officer, "asked_at": Int64(asked.at)}


def _hold(row: Document) -> LegalHold:
    return LegalHold(
        collection=row["c"],
        object_id=row["i"],
        agency=row["agency"],
        reason=row["reason"],
        in_force=row["in_force"],
        asked_by=row["asked_by"],
        asked_at=int(row["asked_at"]),
        set_by=tuple(row.get("set_by", ())),
    )
