"""Points in time to read from: one for all that a page asks, and where it matters one of this very moment.

A primary that has lost its majority goes on answering for some seconds from what it knew last, and a new
one may begin a little behind. That is good enough for whoever asks for more than he has: what is missing
comes later, in order. It is not good enough for telling a reader that his position lies after the end of
the feed: he would go back and get things twice. So that is said only of a snapshot which was held against
the collection's clock, that every commit moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from taxii_hub.errors import UnavailableError

NO_SNAPSHOT = frozenset({239, 246})
"""SnapshotTooOld, and SnapshotUnavailable: a collection or an index was made a moment ago."""
PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)
_CONFIRM_MS: Final = 4000

Document = dict[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Point:
    """One point in time to read from. Without a session it is that of a single find."""

    entries: AsyncCollection[Document]
    session: AsyncClientSession | None = None


class Snapshots:
    """Points in time of one database."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._client = database.client
        self._entries: AsyncCollection[Document] = database["entries"]
        self._alone = Point(database.get_collection("entries", read_concern=ReadConcern("snapshot")))
        self._clocks = database["clocks"]
        self._confirmed = database.get_collection("clocks", read_concern=ReadConcern("linearizable"))

    async def read(self, read: Callable[[Point], Awaitable[Result]], *, alone: bool = False) -> Result:
        """All that ``read`` asks, at one point in time; again where MongoDB has no such point just now.

        ``alone``: it asks one find only, or more whose points may differ; a session costs a fifth of a find.
        """
        for pause in PAUSES:
            try:
                return await self._at_once(read, alone)
            except OperationFailure as error:
                if error.code not in NO_SNAPSHOT:
                    raise
                await asyncio.sleep(pause)
        return await self._at_once(read, alone)

    async def read_present(self, collection: int, read: Callable[[Point], Awaitable[Result]]) -> Result:
        """The same at a point that is surely not before this moment. Raises UnavailableError.

        For a linearizable answer the primary asks the majority, so a dethroned one never gives it.
        """
        found = await self._confirmed.find_one({"_id": collection}, {"last": 1}, max_time_ms=_CONFIRM_MS)
        now = _last(found)

        async def both(point: Point) -> tuple[int, Result]:
            clock = await self._clocks.find_one({"_id": collection}, {"last": 1}, session=point.session)
            return _last(clock), await read(point)

        for pause in PAUSES:
            reached, result = await self.read(both)
            if reached >= now:
                return result
            await asyncio.sleep(pause)
        raise UnavailableError("The database is changing its primary; try again soon.")

    async def _at_once(self, read: Callable[[Point], Awaitable[Result]], alone: bool) -> Result:
        if alone:
            return await read(self._alone)
        async with self._client.start_session(snapshot=True) as session:
            return await read(Point(self._entries, session))


def _last(clock: Document | None) -> int:
    return 0 if clock is None else int(clock["last"])
