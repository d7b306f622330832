"""The clock of a collection, which every commit moves before it does anything else (rule R1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bson.int64 import Int64
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.errors import StoreError, UnavailableError
from taxii_hub.store.following import touched_text
from taxii_hub.store.plan import STEP

Clock = Callable[[], int]

DAY = 24 * 3600 * 1_000_000
MINUTE = 60 * 1_000_000


def refuse_a_jump(clock: Mapping[str, Any]) -> None:
    """A clock is never set back, so one wrong jump forward would last: better no write (R1)."""
    jump = clock["last"] - clock["before"]
    skew = abs(int(clock["now"]) - time.time_ns() // 1000)
    if clock["before"] and jump > DAY and skew > MINUTE:
        raise UnavailableError(
            f"The clocks of hub and database differ by {skew // 1_000_000} s and this write would move "
            "the collection's clock by more than a day. Set the clocks right, then send it again.",
            retry_after=60,
        )


class ClockInCommit:
    """Moves clocks inside transactions.

    ``now`` (microseconds) stands in for MongoDB's own clock, for tests that need the same stamps twice.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]], now: Clock | None = None) -> None:
        self._clocks = database["clocks"]
        self._now = now

    async def move(
        self, session: AsyncClientSession, collection: int, entries: int, classes: Collection[int] = ()
    ) -> int:
        """``last = max(ceil_ms(last + STEP * n), $$NOW)``, by the database's own clock. ``classes``: those
        of entries that come, go, move or get a new stamp, for everybody who follows (``following.py``)."""
        before = {"$ifNull": ["$last", Int64(0)]}
        ahead = {"$add": [before, Int64(STEP * entries + 999)]}
        whole = {"$subtract": [ahead, {"$mod": [ahead, Int64(1000)]}]}
        now = {"$multiply": [{"$toLong": "$$NOW"}, Int64(1000)]} if self._now is None else Int64(self._now())
        moved = {"before": before, "now": now, "last": {"$max": [whole, now]}}
        clock = await self._clocks.find_one_and_update(
            {"_id": collection},
            [{"$set": {**moved, "touched": {"$literal": touched_text(classes)}}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if clock is None:
            raise StoreError("MongoDB upserted a clock and returned none")
        if self._now is None:
            refuse_a_jump(clock)
        return int(clock["last"])
