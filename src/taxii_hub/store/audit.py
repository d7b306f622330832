"""The audit log in MongoDB: a queue that everybody writes to, and a tree that one process at a time grows.

    audit_queue        {_id, b: leaf}             durable, not yet numbered; a commit's leaf is written in the commit
    audit_log          {_id: n, h: hash, b: leaf, k, t, a, g, c}        what ``leaves.index_of`` says of the leaf
    audit_tiles        {_id, h: the hashes of 256 leaves, r: their root once there are all}
    audit_checkpoints  {_id: number, note, frontier}
    audit_state        {_id: "tree", size, frontier, checkpoints, signed, signed_at}; "sequencer": a lease; "keys"

The write conflict on the tree's state is the lock; the lease only keeps the processes out of each other's
way. A process that dies inside a transaction would keep the state locked for a minute: its session's id
stands in the lease, and whoever takes over ends it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import pymongo
from bson.binary import Binary
from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel, InsertOne, ReadPreference, ReturnDocument, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taxii_hub.errors import DamagedLogError
from taxii_hub.ledger.leaves import HUB, index_of, leaf_of, read
from taxii_hub.ledger.log import TILE, Kept, Tree, tile_root, tile_writes
from taxii_hub.ledger.merkle import Frontier, Head, leaf_hash
from taxii_hub.store.audit_queue import PATIENCE, durable, queued
from taxii_hub.store.feed import database_errors

Document = dict[str, Any]
Result = TypeVar("Result")

INDEXES: dict[str, list[IndexModel]] = {
    "audit_log": [
        IndexModel([("c", ASCENDING), ("_id", ASCENDING)], name="collection", sparse=True),
        IndexModel([("a", ASCENDING), ("_id", ASCENDING)], name="account"),
    ],
    "audit_tiles": [],
    "audit_checkpoints": [],
    "audit_sessions": [IndexModel([("open", ASCENDING)], name="open")],
    "audit_state": [],
}

BATCH = 1000
"""Leaves that one transaction numbers."""
LEASE_MS = 5000
_DUPLICATE = 11000
_BEGINNING = datetime.fromtimestamp(0, UTC)

Sign = Callable[[Head, int], str]
"""The signed text of the checkpoint with that number."""


class AuditStore:
    """Queueing leaves, numbering them, signing; ``holder`` names this process in the lease."""

    def __init__(self, database: AsyncDatabase[Document], holder: str) -> None:
        database = durable(database)
        self._client = database.client
        self._queue = database["audit_queue"]
        self._log = database["audit_log"]
        self._tiles = database["audit_tiles"]
        self._checkpoints = database["audit_checkpoints"]
        self._state = database["audit_state"]
        self._holder = holder
        self._session: AsyncClientSession | None = None
        self._one_at_a_time = asyncio.Lock()

    async def enqueue(self, leaves: Mapping[str, bytes]) -> None:
        """Durable on return; a leaf under the same name is written once however often it is sent."""
        async with database_errors():
            with pymongo.timeout(PATIENCE):
                try:
                    await self._queue.insert_many(
                        [queued(leaf, name) for name, leaf in leaves.items()], ordered=False
                    )
                except BulkWriteError as error:
                    wrong = [each["code"] for each in error.details["writeErrors"]]
                    if error.details["writeConcernErrors"] or set(wrong) != {_DUPLICATE}:
                        raise

    async def waiting(self) -> bool:
        """Whether a leaf waits for its number."""
        async with database_errors():
            return await self._queue.find_one({}, {"_id": 1}) is not None

    async def tree(self) -> Tree:
        """Where the log stands."""
        async with database_errors():
            return tree_of(await self._state.find_one({"_id": "tree"}))

    async def unsigned_since(self) -> int | None:
        """When the last checkpoint was made (0: never), if leaves came after it; else None."""
        async with database_errors():
            state = await self._state.find_one({"_id": "tree"}) or {}
        return None if state.get("size", 0) == state.get("signed", 0) else state.get("signed_at", 0)

    # --- the lease -----------------------------------------------------------------------------

    async def lead(self) -> bool:
        """Become, or stay, the one process that numbers leaves; False where another one is."""
        lsid = self._own_session().session_id["id"]
        async with database_errors():
            before = await self._take_lease(lsid)
            if before is None:
                with suppress(DuplicateKeyError):  # usually because somebody holds it
                    await self._state.insert_one({"_id": "sequencer", "expires": _BEGINNING})
                    before = await self._take_lease(lsid)
            if before is None:
                return False
            if before.get("lsid") not in {None, lsid}:
                await self._client.admin.command("killSessions", [{"id": before["lsid"]}])
        return True

    async def _take_lease(self, lsid: Binary) -> Document | None:
        """The lease as it was before, if it was free, ours or run out."""
        free = {"$or": [{"holder": self._holder}, {"$expr": {"$lt": ["$expires", "$$NOW"]}}]}
        ours = {"holder": {"$literal": self._holder}, "lsid": {"$literal": lsid}}
        until = {"$add": ["$$NOW", LEASE_MS]}
        return await self._state.find_one_and_update(
            {"_id": "sequencer", **free}, [{"$set": {**ours, "expires": until}}]
        )

    async def step_down(self) -> None:
        """Let another process number leaves at once."""
        async with database_errors():
            await self._state.update_one(
                {"_id": "sequencer", "holder": self._holder}, {"$set": {"expires": _BEGINNING}}
            )
            if self._session is not None:
                await self._session.end_session()
                self._session = None

    def _own_session(self) -> AsyncClientSession:
        if self._session is None:
            self._session = self._client.start_session()
        return self._session

    # --- the tree ------------------------------------------------------------------------------

    async def sequence(self) -> int:
        """Number what waits, at most BATCH of it; how many leaves that were."""
        return await self._transaction(self._sequence)

    async def checkpoint(self, sign: Sign, at: int) -> Kept | None:
        """Sign the tree as it is; None where nothing was added since the last checkpoint."""

        async def signed(session: AsyncClientSession) -> Kept | None:
            state = await self._locked(session)
            tree = tree_of(state)
            if tree.size == state.get("signed", 0):
                return None
            number = tree.checkpoints + 1
            kept = Kept(number, sign(Head(tree.size, _grown(tree).root()), number), tree.frontier)
            document = {"_id": number, "note": kept.note, "frontier": list(tree.frontier)}
            await self._checkpoints.insert_one(document, session=session)
            stood = {"checkpoints": number, "signed": Int64(tree.size), "signed_at": Int64(at)}
            await self._state.update_one({"_id": "tree"}, {"$set": stood}, session=session)
            return kept

        return await self._transaction(signed)

    async def note_keys(self, newest: Mapping[str, int]) -> None:
        """A leaf for each kind of key that got a newer one since somebody last looked."""

        async def noted(session: AsyncClientSession) -> None:
            known = await self._state.find_one({"_id": "keys"}, session=session) or {}
            newer = {kind: number for kind, number in newest.items() if number > known.get(kind, 0)}
            if not newer:
                return
            await self._state.update_one({"_id": "keys"}, {"$set": newer}, upsert=True, session=session)
            leaf = leaf_of("keys", time.time_ns() // 1000, HUB, {"newest": newer})
            await self._queue.insert_one(queued(leaf), session=session)

        await self._transaction(noted)

    async def _sequence(self, session: AsyncClientSession) -> int:
        tree = tree_of(await self._locked(session))
        waiting = await self._queue.find({}, session=session, limit=BATCH).to_list()
        if not waiting:
            return 0
        rows = [row_of(tree.size + place, document["b"]) for place, document in enumerate(waiting)]
        frontier = _grown(tree)
        frontier.extend(row["h"] for row in rows)
        await self._log.insert_many(rows, session=session)
        await self._tile(session, tree.size, [row["h"] for row in rows])
        await self._queue.delete_many({"_id": {"$in": [each["_id"] for each in waiting]}}, session=session)
        grown = {"size": Int64(frontier.size), "frontier": frontier.nodes}
        await self._state.update_one({"_id": "tree"}, {"$set": grown}, session=session)
        return len(rows)

    async def _tile(self, session: AsyncClientSession, first: int, hashes: Sequence[bytes]) -> None:
        partial = b""
        if first % TILE:
            found = await self._tiles.find_one({"_id": first // TILE}, session=session)
            partial = found["h"] if found is not None else b""
        writes: list[InsertOne[Document] | UpdateOne] = []
        for index, data in tile_writes(first, partial, hashes).items():
            fields: Document = {"h": data}
            if (root := tile_root(data)) is not None:
                fields["r"] = root
            writes.append(UpdateOne({"_id": index}, {"$set": fields}, upsert=True))
        await self._tiles.bulk_write(writes, session=session)

    async def _locked(self, session: AsyncClientSession) -> Document:
        """The tree's state, which nobody else changes before this transaction has ended."""
        found = await self._state.find_one_and_update(
            {"_id": "tree"},
            {"$inc": {"turns": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return found or {}

    async def _transaction(self, body: Callable[[AsyncClientSession], Awaitable[Result]]) -> Result:
        async with self._one_at_a_time, database_errors():
            session = self._own_session()
            with pymongo.timeout(PATIENCE):
                return await session.with_transaction(
                    body,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority", j=True),
                    read_preference=ReadPreference.PRIMARY,
                )


def tree_of(state: Mapping[str, Any] | None) -> Tree:
    """The noun of the stored state."""
    if state is None:
        return Tree()
    frontier = tuple(bytes(node) for node in state.get("frontier", ()))
    return Tree(state.get("size", 0), frontier, state.get("checkpoints", 0))


def _grown(tree: Tree) -> Frontier:
    try:
        return tree.grown()
    except ValueError:
        raise DamagedLogError(
            "the state of the audit log's tree was changed by somebody: nothing is added before it is restored; "
            "`taxii-hub audit verify` says more, and what is written meanwhile waits in its queue"
        ) from None


def row_of(n: int, leaf: bytes) -> Document:
    leaf = bytes(leaf)
    try:
        index = index_of(read(leaf))
    except (ValueError, KeyError, TypeError):
        # The queue must never stand still: what cannot be read is logged as that.
        leaf = leaf_of("damaged", time.time_ns() // 1000, HUB, {"bytes": leaf[:1000].hex()})
        index = index_of(read(leaf))
    return {"_id": Int64(n), "h": leaf_hash(leaf), "b": leaf, **{k: _stored(v) for k, v in index.items()}}


def _stored(value: Any) -> Any:
    return Int64(value) if isinstance(value, int) else value
