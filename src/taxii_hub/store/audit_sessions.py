"""Which processes write into the log, so that one that ends uncleanly leaves a record of what may be missing.

``audit_sessions``: ``{_id, host, pid, started, durable, beat, open}``; ``durable`` (microseconds, by the
process's clock): what it read out before then is in the log; ``beat``: when it last said so, by MongoDB's.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import pymongo
from bson.int64 import Int64
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.ledger.leaves import HUB, leaf_of
from taxii_hub.stix import timestamps
from taxii_hub.store.audit_queue import PATIENCE, durable, queued
from taxii_hub.store.feed import database_errors

Document = dict[str, Any]

SILENCE = 10.0
"""Seconds without a beat after which a process counts as dead."""


class AuditSessions:
    """The sessions of all processes; ``id`` is this one's."""

    def __init__(self, database: AsyncDatabase[Document], session: str, silence: float = SILENCE) -> None:
        database = durable(database)
        self._client = database.client
        self._sessions = database["audit_sessions"]
        self._queue = database["audit_queue"]
        self._silence = silence
        self.id = session

    async def beat(self, until: int) -> None:
        """Everything before ``until`` is durable; opens the session where it is not (or was found dead)."""
        who = {"host": socket.gethostname(), "pid": os.getpid(), "open": True}
        said = {**{name: {"$literal": value} for name, value in who.items()}, "durable": Int64(until)}
        began = {"$ifNull": ["$started", Int64(until)]}
        async with database_errors():
            with pymongo.timeout(PATIENCE):
                await self._sessions.update_one(
                    {"_id": self.id}, [{"$set": {**said, "beat": "$$NOW", "started": began}}], upsert=True
                )

    async def close(self) -> None:
        """A clean end: nothing is missing."""
        async with database_errors():
            await self._sessions.delete_one({"_id": self.id})

    async def settle(self) -> int:
        """A leaf for every process that ended without closing its session; how many that were."""
        silent = {"$lt": ["$beat", {"$subtract": ["$$NOW", int(self._silence * 1000)]}]}
        found = 0
        async with database_errors():
            dead = await self._sessions.find({"open": True, "$expr": silent}, {"_id": 1}).to_list()
            for document in dead:
                found += await self._bury({"_id": document["_id"], "open": True, "$expr": silent})
        return found

    async def _bury(self, which: Document) -> int:
        async def bury(session: AsyncClientSession) -> int:
            document = await self._sessions.find_one_and_delete(which, session=session)
            if document is None:
                return 0  # another process was quicker, or it lives after all
            await self._queue.insert_one(queued(_gap(document)), session=session)
            return 1

        async with self._client.start_session() as session:
            with pymongo.timeout(PATIENCE):
                return await session.with_transaction(bury)


def _gap(document: Document) -> bytes:
    """Which process, and from when to when content-page leaves of it may be missing."""
    now = time.time_ns() // 1000
    details = {
        "process": document["_id"],
        "host": document["host"],
        "pid": document["pid"],
        "from": timestamps.format(document["durable"]),
        "until": timestamps.format(max(now, document["durable"])),
    }
    return leaf_of("gap", now, HUB, details)
