"""Reading the log: rows, tiles and checkpoints, and which object a stamp stood for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.ledger.asking import LogState, Placed, RowFilter
from taxii_hub.ledger.log import Kept, Row, Tree
from taxii_hub.store.audit import tree_of
from taxii_hub.store.audit_queue import durable
from taxii_hub.store.feed import database_errors
from taxii_hub.store.reading import entry_of

Document = dict[str, Any]

FEW = 2000
"""Index keys up to which stamps are looked up one by one; more are read as a range."""
_INDEX = ("k", "t", "a", "g", "c")


class AuditReader:
    """Reads; writes nothing."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        database = durable(database)
        self._log = database["audit_log"]
        self._queue = database["audit_queue"]
        self._tiles = database["audit_tiles"]
        self._checkpoints = database["audit_checkpoints"]
        self._state = database["audit_state"]
        self._policies = database["policies"]
        self._entries = database["entries"]
        self._history = database["stamp_history"]

    async def tree(self) -> Tree:
        """Where the log stands."""
        async with database_errors():
            return tree_of(await self._state.find_one({"_id": "tree"}))

    async def state(self) -> LogState:
        """How long the log is and what it waits for; the queue's length is an estimate."""
        async with database_errors():
            found = await self._state.find_one({"_id": "tree"}) or {}
            queued = await self._queue.estimated_document_count()
        leaves = int(found.get("size", 0))
        signed = leaves == found.get("signed", 0)
        return LogState(leaves, queued, None if signed else int(found.get("signed_at", 0)))

    async def rows(self, wanted: RowFilter, limit: int = 0) -> AsyncIterator[Row]:
        """Rows by their numbers; ``limit`` 0: all of them."""
        order = DESCENDING if wanted.newest else ASCENDING
        async with database_errors():
            found = self._log.find(condition(wanted), sort=[("_id", order)], limit=limit, batch_size=1000)
            async for document in found:
                yield _row(document)

    async def everything(self) -> AsyncIterator[Row]:
        """Every document of the log, also such as no hub would have written, in the order of their numbers."""
        async with database_errors():
            async for document in self._log.find({}, sort=[("_id", ASCENDING)], batch_size=1000):
                yield _row(document)

    async def kept(self, after: int = 0, limit: int = 0) -> list[Kept]:
        """Checkpoints by their numbers."""
        async with database_errors():
            found = self._checkpoints.find({"_id": {"$gt": after}}, sort=[("_id", ASCENDING)], limit=limit)
            return [_kept(document) async for document in found]

    async def newest_kept(self) -> Kept | None:
        """The last checkpoint."""
        async with database_errors():
            document = await self._checkpoints.find_one({}, sort=[("_id", DESCENDING)])
        if document is None:
            return None
        return _kept(document)

    async def tiles(self, indexes: Collection[int] | None = None) -> dict[int, bytes]:
        """The hashes in tiles: of all, or of some."""
        wanted: Document = {} if indexes is None else {"_id": {"$in": sorted(indexes)}}
        async with database_errors():
            return {document["_id"]: bytes(document["h"]) async for document in self._tiles.find(wanted)}

    async def tile_roots(self) -> dict[int, bytes]:
        """The root of every full tile."""
        async with database_errors():
            found = self._tiles.find({"r": {"$exists": True}}, {"r": 1})
            return {document["_id"]: bytes(document["r"]) async for document in found}

    async def counts(self, since: int | None, until: int | None) -> list[tuple[str, str | None, int]]:
        """How many leaves of each kind and agency."""
        match = condition(RowFilter(since=since, until=until))
        stages: Sequence[Mapping[str, Any]] = [
            {"$match": match},
            {"$group": {"_id": {"k": "$k", "g": "$g"}, "n": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        async with database_errors():
            found = await self._log.aggregate(stages)
            return [(row["_id"]["k"], row["_id"].get("g"), row["n"]) async for row in found]

    # --- whose objects a page held -------------------------------------------------------------

    async def classes_of(self, origin: str) -> dict[int, frozenset[int]]:
        """The policy classes of an origin's objects, by the number of the collection's feed."""
        found: dict[int, set[int]] = {}
        async with database_errors():
            async for document in self._policies.find({"origin": origin}, {"c": 1}):
                found.setdefault(document["c"], set()).add(document["_id"])
        return {feed: frozenset(classes) for feed, classes in found.items()}

    async def placed(self, feed: int, classes: Collection[int], stamps: Sequence[int]) -> dict[int, Placed]:
        """What stands, or once stood, in these classes under ascending stamps, by stamp."""
        holding = await self._with_copies(feed, classes)
        few = len(stamps) * len(holding) <= FEW
        wanted: Document = {"$in": list(stamps)} if few else {"$gte": stamps[0], "$lte": stamps[-1]}
        stood = {"c": feed, "p": {"$in": holding}, "s": wanted}
        found = await self._placed(stood, classes, ("all", "stamp"))
        return {stamp: found[stamp] for stamp in stamps if stamp in found}

    async def stamps_of(self, feed: int, classes: Collection[int], object_id: str) -> dict[int, Placed]:
        """The same for one object, under whatever stamp."""
        wanted = {"c": feed, "i": object_id, "p": {"$in": await self._with_copies(feed, classes)}}
        return await self._placed(wanted, classes, ("object", "object"))

    async def _with_copies(self, feed: int, classes: Collection[int]) -> list[int]:
        """These classes, and those that hold copies of whomever's objects (no origin)."""
        async with database_errors():
            copies = await self._policies.find({"c": feed, "origin": ""}, {"_id": 1}).to_list()
        return sorted({*classes, *(document["_id"] for document in copies)})

    async def _placed(
        self, wanted: Document, classes: Collection[int], hints: tuple[str, str]
    ) -> dict[int, Placed]:
        """A copy counts where it is one of an entry in these classes."""
        fields = {"_id": 0, "s": 1, "i": 1, "v": 1, "w": 1, "a": 1, "p": 1, "y": 1}
        found: dict[int, Placed] = {}
        async with database_errors():
            for collection, index in zip((self._entries, self._history), hints, strict=True):
                async for row in collection.find(wanted, fields, hint=index, batch_size=5000):
                    if row["p"] not in classes and row.get("y") not in classes:
                        continue
                    found[row["s"]] = Placed(row["i"], entry_of(row).version, row["p"])
        return found


def condition(wanted: RowFilter) -> Document:
    """The filter as MongoDB takes it."""
    number: Document = {"$gte": wanted.first}
    if wanted.end is not None:
        number["$lt"] = wanted.end
    found: Document = {"_id": number}
    for name, values in (("k", wanted.kinds), ("c", wanted.feeds)):
        if values:
            found[name] = {"$in": list(values)}
    for name, value in (("a", wanted.account), ("g", wanted.agency)):
        if value is not None:
            found[name] = value
    time = {op: bound for op, bound in (("$gte", wanted.since), ("$lt", wanted.until)) if bound is not None}
    return {**found, "t": time} if time else found


def _kept(document: Mapping[str, Any]) -> Kept:
    """Also of a document that no hub would have written: the verification says what is wrong with it."""
    note, frontier = document.get("note"), document.get("frontier")
    nodes = frontier if isinstance(frontier, list) else []
    hashes = tuple(bytes(each) for each in nodes if isinstance(each, bytes))
    return Kept(document["_id"], note if isinstance(note, str) else "", hashes)


def _row(document: Mapping[str, Any]) -> Row:
    n = document["_id"]
    index = {name: document[name] for name in _INDEX if name in document}
    whole = int(n) if isinstance(n, int) and not isinstance(n, bool) else -1
    leaf, hashed = document.get("b", b""), document.get("h", b"")
    stray = document.keys() - {"_id", "h", "b", *_INDEX}
    return Row(
        whole,
        bytes(hashed) if isinstance(hashed, bytes) else b"",
        bytes(leaf) if isinstance(leaf, bytes) else b"",
        {**index, **dict.fromkeys(stray)},
    )
