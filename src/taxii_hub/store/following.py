"""Following the clocks: every commit moves the clock of its collection, and names there what it touched.

One small event a commit, however many objects it holds. A commit names the policy classes of the entries
that came, went, moved or got a new stamp; an event that names none (a restored clock, an older hub)
concerns the whole collection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from taxii_hub.errors import StoreError
from taxii_hub.store.marks import Marks

HEARTBEAT_MS: Final = 500
"""Milliseconds after which MongoDB says that nothing happened."""
_SEEN: Final = {
    "operationType": 1,
    "documentKey": 1,
    "fullDocument.touched": 1,
    "updateDescription.updatedFields.touched": 1,
}

Document = dict[str, Any]
log = structlog.get_logger(__name__)


def touched_text(classes: Iterable[int]) -> str:
    """The value of a clock's ``touched``. Never the same twice: MongoDB reports what differs."""
    return f"{ObjectId()}:{','.join(map(str, sorted(classes)))}"


def touched_classes(text: object) -> frozenset[int] | None:
    """What was touched; None where the text does not say."""
    if not isinstance(text, str):
        return None
    _, colon, numbers = text.partition(":")
    return frozenset(map(int, filter(None, numbers.split(",")))) if colon else None


class Follower:
    """Keeps the marks of this process right; began anew by :meth:`keep` after it was cut off."""

    def __init__(self, database: AsyncDatabase[Document], marks: Marks) -> None:
        self._clocks = database.get_collection("clocks", read_concern=ReadConcern("majority"))
        self._client = database.client
        self._marks = marks
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def keep(self) -> None:
        """Follow, if that is not being done; called each second."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Follow no longer. The driver may lose a cancellation, or make an error of it."""
        self._stopping = True
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=HEARTBEAT_MS / 1000)

    async def _run(self) -> None:
        try:
            await self._follow()
        except (PyMongoError, StoreError) as error:
            if not self._stopping:
                log.warning("no word of new commits; each poll asks the database", error=type(error).__name__)
        finally:
            self._marks.lost()

    async def _follow(self) -> None:
        # A majority read tells a moment that every later snapshot includes, so nothing falls between the
        # first event and the first read. The driver would resume a broken stream silently: here it ends.
        async with self._client.start_session() as session:
            await self._clocks.find_one({}, {"_id": 1}, session=session)
            start: Document = {"$changeStream": {"startAtOperationTime": session.operation_time}}
            stages: list[Document] = [start, {"$project": _SEEN}]
            events = await self._clocks.aggregate(stages, session=session, maxAwaitTimeMS=HEARTBEAT_MS)
            async with events:
                while events.alive and not self._stopping:
                    event = await events.try_next()
                    if event is not None:
                        self._tell(event)
                    said_at = session.operation_time
                    self._marks.heard(0 if said_at is None else said_at.time * 1_000_000)
        raise StoreError("the change stream of the clocks ended")

    def _tell(self, event: Mapping[str, Any]) -> None:
        if "documentKey" not in event:
            raise StoreError("the clocks were dropped")
        said = event.get("fullDocument") or event.get("updateDescription", {}).get("updatedFields", {})
        self._marks.touched(event["documentKey"]["_id"], touched_classes(said.get("touched")))
