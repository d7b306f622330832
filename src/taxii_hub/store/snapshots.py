"""Points in time to read from: one for all that a page asks, and where it matters one of this very moment.

A primary that has lost its majority goes on answering for some seconds from what it knew last, and a new
one may begin a little behind. That is good enough for whoever asks for more than he has: what is missing
comes later, in order. It is not good enough for telling a reader that his position lies after the end of
the feed: he would go back and get things twice. So that is said only of a snapshot which was held against
the collection's clock, that every commit moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeVar

from bson.timestamp import Timestamp
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from taxii_hub.errors import UnavailableError
from taxii_hub.store.lanes import Lanes
from taxii_hub.store.queries import Find

NO_SNAPSHOT = frozenset({239, 246})
"""SnapshotTooOld, and SnapshotUnavailable: a collection or an index was made a moment ago."""
PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)
MAX_TIME_MS: Final = 30_000
_CONFIRM_MS: Final = 4000

Document = dict[str, Any]
Result = TypeVar("Result")


class Point:
    """One point in time to read from: that at which MongoDB answers the first find is that of all others.

    Several may be asked at a time after the first, or with :meth:`rows_of_all`.
    """

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._at: Timestamp | None = None

    async def rows(
        self, find: Find, fields: Mapping[str, int], limit: int, of: str = "entries"
    ) -> list[Document]:
        """The first ``limit`` rows, or as many as one batch holds (16 MB), which leaves no cursor open."""
        found: list[Document] = (await self._ask(_few(find, fields, limit, of)))["firstBatch"]
        return found

    async def rows_of_all(
        self, finds: Sequence[Find], fields: Mapping[str, int], limit: int
    ) -> list[list[Document]]:
        """:meth:`rows` of several, asked at a time. Where they are the first, MongoDB answers all at one
        point unless something is committed in between; those behind the newest are then asked again."""
        asked = [_few(find, fields, limit, "entries") for find in finds]
        cursors = await _all_done([self._answer(each, self._at) for each in asked])
        if self._at is None:
            self._at = newest = max(cursor["atClusterTime"] for cursor in cursors)
            behind = [n for n, cursor in enumerate(cursors) if cursor["atClusterTime"] != newest]
            anew = await _all_done([self._answer(asked[n], newest) for n in behind])
            for n, cursor in zip(behind, anew, strict=True):
                cursors[n] = cursor
        return [cursor["firstBatch"] for cursor in cursors]

    async def batches(
        self, find: Find, fields: Mapping[str, int], limit: int = 0, batch: int = 0
    ) -> AsyncGenerator[list[Document], None]:
        """All rows (with a ``limit`` so many), in batches of at most ``batch`` rows and 16 MB.

        Wants ``contextlib.aclosing`` where it may be left before its end.
        """
        bounds = {"limit": limit, "batchSize": batch or limit}
        bounds = {name: number for name, number in bounds.items() if number}
        cursor = await self._ask({**_find(find, fields, "entries"), **bounds})
        bounds.pop("limit", None)
        try:
            yield cursor["firstBatch"]
            while cursor["id"]:
                more = {"getMore": cursor["id"], "collection": "entries", **bounds}
                cursor = (await self._lanes.ask(more, again=False))["cursor"]
                yield cursor["nextBatch"]
        finally:
            if cursor["id"]:
                self._lanes.tell({"killCursors": "entries", "cursors": [cursor["id"]]})

    async def all(
        self, find: Find, fields: Mapping[str, int], limit: int = 0, batch: int = 0
    ) -> list[Document]:
        """The rows of all batches."""
        async with aclosing(self.batches(find, fields, limit, batch)) as batches:
            return [row async for rows in batches for row in rows]

    async def _ask(self, command: Document) -> Document:
        cursor = await self._answer(command, self._at)
        if self._at is None:
            self._at = cursor["atClusterTime"]
        return cursor

    async def _answer(self, command: Document, at: Timestamp | None) -> Document:
        concern: Document = {"level": "snapshot"}
        if at is not None:
            concern["atClusterTime"] = at
        cursor: Document = (await self._lanes.ask({**command, "readConcern": concern}))["cursor"]
        return cursor


class Snapshots:
    """Points in time of one database."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._lanes = Lanes(database)
        self._confirmed = database.get_collection("clocks", read_concern=ReadConcern("linearizable"))

    async def close(self) -> None:
        """To be done before the client is closed."""
        await self._lanes.close()

    async def read(self, read: Callable[[Point], Awaitable[Result]]) -> Result:
        """All that ``read`` asks, at one point in time; again where MongoDB has no such point just now."""
        for pause in PAUSES:
            try:
                return await read(Point(self._lanes))
            except OperationFailure as error:
                if error.code not in NO_SNAPSHOT:
                    raise
                await asyncio.sleep(pause)
        return await read(Point(self._lanes))

    async def read_present(self, collection: int, read: Callable[[Point], Awaitable[Result]]) -> Result:
        """The same at a point that is surely not before this moment. Raises UnavailableError.

        For a linearizable answer the primary asks the majority, so a dethroned one never gives it.
        """
        found = await self._confirmed.find_one({"_id": collection}, {"last": 1}, max_time_ms=_CONFIRM_MS)
        now = _last(found)
        clock_of = Find({"_id": collection}, (), "_id_")

        async def both(point: Point) -> tuple[int, Result]:
            clocks = await point.rows(clock_of, {"last": 1}, 1, "clocks")
            return _last(clocks[0] if clocks else None), await read(point)

        for pause in PAUSES:
            reached, result = await self.read(both)
            if reached >= now:
                return result
            await asyncio.sleep(pause)
        raise UnavailableError("The database is changing its primary; try again soon.")


async def _all_done(asked: Sequence[Awaitable[Document]]) -> list[Document]:
    """Raises the first error when all have ended: none goes on for an answer that is not given any more."""
    found: list[Document] = []
    for ended in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
        found.append(ended)
    return found


def _few(find: Find, fields: Mapping[str, int], limit: int, of: str) -> Document:
    return {**_find(find, fields, of), "limit": limit, "singleBatch": True, "batchSize": limit}


def _find(find: Find, fields: Mapping[str, int], of: str) -> Document:
    asked = {
        "find": of,
        "filter": find.filter,
        "projection": fields,
        "hint": find.hint,
        "maxTimeMS": MAX_TIME_MS,
    }
    if find.order:
        asked["sort"] = dict(find.order)
    return asked


def _last(clock: Document | None) -> int:
    return 0 if clock is None else int(clock["last"])
