"""What has to follow an act after its commit: remembered in the commit, so that no crash forgets it.

``follow_ups``  {_id: "<act>/<n>", c, i: object, before, after: classes, at}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.store.audit_queue import durable
from taxii_hub.store.feed import database_errors
from taxii_hub.store.follow_ups_base import Connection, FollowUp

Document = dict[str, Any]

INDEXES: dict[str, list[IndexModel]] = {"follow_ups": [IndexModel([("at", ASCENDING)], name="oldest")]}
AT_ONCE = 1000


class FollowUpStore:
    """MongoDB's answer to :class:`taxii_hub.exchange.connecting.FollowUps`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        safe = durable(database)
        self._waiting = safe["follow_ups"]
        self._entries = safe["entries"]

    async def waiting(self) -> tuple[FollowUp, ...]:
        """The oldest first."""
        async with database_errors():
            rows = await self._waiting.find({}, sort=[("at", ASCENDING)], limit=AT_ONCE).to_list()
        return tuple(
            FollowUp(row["_id"], row["c"], row["i"], row["before"], row["after"], int(row["at"]))
            for row in rows
        )

    async def done(self, follow_up: FollowUp) -> None:
        """It need not be looked at again."""
        async with database_errors():
            await self._waiting.delete_one({"_id": follow_up.id})

    async def connecting(
        self, collection: int, classes: Sequence[int], object_id: str
    ) -> tuple[Connection, ...]:
        """Objects are stored as bytes and their references are in no index, so all relationships and sightings
        of these classes are read: a second for some 100,000, and no write is slower for it."""
        needle = object_id.encode()
        fields = {"i": 1, "p": 1, "b": 1, "v": 1, "s": 1, "l": 1}
        found: list[Connection] = []
        async with database_errors():
            for name in ("relationship", "sighting"):
                # By the range of their ids, which the index has in order; that of the types has last versions only.
                ids = {"$gte": f"{name}--", "$lt": f"{name}-."}
                wanted = {"c": collection, "i": ids, "p": {"$in": list(classes)}}
                rows = self._entries.find(wanted, fields, hint="object", batch_size=5000)
                found += [_connection(row) async for row in rows if needle in row["b"]]
        return tuple(found)


def _connection(row: Document) -> Connection:
    return Connection(row["i"], row["p"], row["v"], row["s"], row.get("l") == 1, bytes(row["b"]))
