"""Reading entries: every page comes from one snapshot, so stamp order is what a poller sees."""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from taxii_hub.model import Entry, ObjectQuery, Page, Visibility
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Projection, Standing
from taxii_hub.store.queries import (
    BY_STAMP,
    FIELDS,
    LAST,
    Find,
    class_finds,
    newest_finds,
    page_finds,
    start_of,
    version_finds,
)

MAX_PAGE_BYTES = 32 * 1024 * 1024
MAX_TIME_MS = 30_000
NO_SNAPSHOT = frozenset({239, 246})
"""SnapshotTooOld, and SnapshotUnavailable: a collection or an index was made a moment ago."""
SURELY_WHOLE = 8 * 1024 * 1024
"""Of a batch with fewer bytes of objects than this nothing was left out because it grew too large (16 MB)."""
LAST_STAMP = 1 << 62
PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)

Document = dict[str, Any]
Result = TypeVar("Result")
EMPTY = Page(())


@dataclass(slots=True)
class Source:
    """One of several finds of a page: rows that were read and not yet taken, in stamp order."""

    find: Find
    rows: list[Document] = field(default_factory=list)
    after: int | None = None
    ended: bool = False

    def taken(self, bound: int) -> list[Document]:
        """Take the rows up to this stamp."""
        end = bisect_right(self.rows, bound, key=_stamp_of)
        ready, self.rows = self.rows[:end], self.rows[end:]
        return ready


class FeedReader:
    """Pages of entries; needs a Visibility for each of them (rule R4)."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._client = database.client
        self._entries: AsyncCollection[Document] = database["entries"]

    async def page(
        self, visibility: Visibility, query: ObjectQuery, projection: Projection, limit: int
    ) -> Page:
        """One page in stamp order; an empty one says where the reader stands (``Page.mark``)."""

        async def read(session: AsyncClientSession) -> Page:
            finds = page_finds(visibility, query)
            rows = await self._merged(session, finds, projection, limit + 1)
            page = await self._cut(rows, limit)
            position = start_of(query)
            if page.entries or position is None:
                return page
            newest = await self._newest(session, visibility)
            return Page((), mark=position if newest is None else min(position, newest))

        return await self._in_snapshot(read)

    async def object_page(
        self, visibility: Visibility, object_id: str, query: ObjectQuery, projection: Projection, limit: int
    ) -> Page:
        """Versions of one object in stamp order; ``exists`` is False where none is visible."""

        async def read(session: AsyncClientSession) -> Page:
            if query.versions == LAST:
                page = await self._last_version(session, visibility, object_id, query, projection)
            else:
                narrowed = replace(query, ids=(object_id,))
                rows = await self._merged(session, page_finds(visibility, narrowed), projection, limit + 1)
                page = await self._cut(rows, limit)
            if page.entries or not page.exists:
                return page
            return await self._nothing_of(session, visibility, object_id, query)

        return await self._in_snapshot(read)

    async def _last_version(
        self,
        session: AsyncClientSession,
        visibility: Visibility,
        object_id: str,
        query: ObjectQuery,
        projection: Projection,
    ) -> Page:
        """Where the last one has expired there is none, as on pages: expiry revives nothing."""
        best: Document | None = None
        for find in version_finds(visibility, object_id, expired=True):
            row = await self._first(session, find, {**FIELDS[projection], "t": 1, "e": 1})
            if row is not None and (best is None or row["v"] > best["v"]):
                best = row
        if best is None:
            return Page((), exists=False)
        if best.get("e") is not None and best["e"] <= visibility.at:
            return EMPTY
        start = start_of(query)
        if (start is not None and best["s"] <= start) or (query.types and best["t"] not in query.types):
            return EMPTY
        return Page((entry_of(best),))

    async def _nothing_of(
        self, session: AsyncClientSession, visibility: Visibility, object_id: str, query: ObjectQuery
    ) -> Page:
        newest: int | None = None
        for find in version_finds(visibility, object_id, expired=False):
            cursor = self._entries.find(
                find.filter, {"_id": 0, "s": 1}, hint=find.hint, session=session, max_time_ms=MAX_TIME_MS
            )
            async for row in cursor:
                newest = row["s"] if newest is None else max(newest, row["s"])
        if newest is None:
            return Page((), exists=False)
        position = start_of(query)
        return Page((), mark=None if position is None else min(position, newest))

    async def classes_of(
        self, visibility: Visibility, ids: Sequence[str], among: Sequence[int]
    ) -> dict[str, int]:
        """The class of each object's last visible version, if it is one of ``among``."""

        async def read(session: AsyncClientSession) -> dict[str, int]:
            found: dict[str, int] = {}
            for find in class_finds(visibility, ids, among):
                rows = self._entries.find(
                    find.filter, {"_id": 0, "i": 1, "p": 1}, hint=find.hint, session=session
                ).max_time_ms(MAX_TIME_MS)
                found |= {row["i"]: row["p"] async for row in rows}
            return found

        return await self._in_snapshot(read)

    async def newest(self, visibility: Visibility) -> int | None:
        """The newest stamp that the reader may see."""
        return await self._in_snapshot(lambda session: self._newest(session, visibility))

    async def _in_snapshot(self, read: Callable[[AsyncClientSession], Awaitable[Result]]) -> Result:
        """All that ``read`` asks, at one point in time; again where MongoDB has no such point just now."""
        for pause in PAUSES:
            try:
                async with self._client.start_session(snapshot=True) as session:
                    return await read(session)
            except OperationFailure as error:
                if error.code not in NO_SNAPSHOT:
                    raise
                await asyncio.sleep(pause)
        async with self._client.start_session(snapshot=True) as session:
            return await read(session)

    async def _newest(self, session: AsyncClientSession, visibility: Visibility) -> int | None:
        stamps = []
        for find in newest_finds(visibility):
            row = await self._first(session, find, {"_id": 0, "s": 1})
            if row is not None:
                stamps.append(row["s"])
        return max(stamps, default=None)

    async def _first(
        self, session: AsyncClientSession, find: Find, fields: Mapping[str, int]
    ) -> Document | None:
        return await self._entries.find_one(
            find.filter,
            fields,
            sort=list(find.order),
            hint=find.hint,
            session=session,
            max_time_ms=MAX_TIME_MS,
        )

    async def _merged(
        self, session: AsyncClientSession, finds: list[Find], projection: Projection, limit: int
    ) -> AsyncIterator[Document]:
        """Rows of all finds in stamp order, ``limit`` of them if there are so many."""
        if len(finds) > 1 and finds[0].order == BY_STAMP:
            return _replay(await self._shares(session, finds, projection, limit))
        cursors = [
            self._entries.find(
                find.filter,
                FIELDS[projection],
                sort=list(find.order),
                hint=find.hint,
                limit=limit if find.order == BY_STAMP else 0,
                batch_size=limit,
                session=session,
                max_time_ms=MAX_TIME_MS,
            )
            for find in finds
        ]
        if not finds or finds[0].order != BY_STAMP:
            return _replay(await _first_by_stamp(cursors, limit))
        return aiter(cursors[0])

    async def _shares(
        self, session: AsyncClientSession, finds: Sequence[Find], projection: Projection, limit: int
    ) -> list[Document]:
        """Of each find its share of the rows, with a margin, and another one where that was used up: read
        whole, several finds would cost as many pages. The last rows may be one too many for the page."""
        share = limit * 5 // (len(finds) * 4) + 1
        sources = [Source(find) for find in finds]
        found: list[Document] = []
        size = 0
        while sources and len(found) < limit and size <= MAX_PAGE_BYTES:
            for source in sources:
                if not source.rows:
                    await self._refill(session, source, projection, share)
            # What comes of a find later stands after its last row.
            bound = min((s.rows[-1]["s"] for s in sources if not s.ended), default=LAST_STAMP)
            ready = sorted((row for s in sources for row in s.taken(bound)), key=_stamp_of)
            size += sum(len(row.get("b", b"")) for row in ready)
            found += ready
            sources = [source for source in sources if source.rows or not source.ended]
        return found

    async def _refill(
        self, session: AsyncClientSession, source: Source, projection: Projection, share: int
    ) -> None:
        """The next rows of a find as one batch, which leaves no cursor open."""
        find = source.find
        after = {} if source.after is None else {"s": {"$gt": source.after}}
        source.rows = await self._entries.find(
            {**find.filter, **after},
            FIELDS[projection],
            sort=list(find.order),
            hint=find.hint,
            limit=-share,
            batch_size=share,
            session=session,
            max_time_ms=MAX_TIME_MS,
        ).to_list()
        size = sum(len(row.get("b", b"")) for row in source.rows)
        source.ended = not source.rows or (len(source.rows) < share and size < SURELY_WHOLE)
        if source.rows:
            source.after = source.rows[-1]["s"]

    @staticmethod
    async def _cut(rows: AsyncIterator[Document], limit: int) -> Page:
        entries: list[Entry] = []
        size = 0
        async for row in rows:
            if len(entries) == limit or size > MAX_PAGE_BYTES:
                await _close(rows)
                return Page(tuple(entries), more=True)
            entries.append(entry_of(row))
            size += len(entries[-1].data)
        return Page(tuple(entries))


async def _first_by_stamp(cursors: Sequence[AsyncIterator[Document]], limit: int) -> list[Document]:
    """The first rows of cursors that come in another order; no more of them are held than are wanted."""
    kept: list[tuple[int, Document]] = []
    for cursor in cursors:
        async for row in cursor:
            if len(kept) < limit:
                heapq.heappush(kept, (-row["s"], row))
            elif row["s"] < -kept[0][0]:
                heapq.heapreplace(kept, (-row["s"], row))
    return [row for _, row in sorted(kept, key=lambda each: -each[0])]


def _stamp_of(row: Document) -> int:
    stamp: int = row["s"]
    return stamp


async def _replay(rows: Any) -> AsyncIterator[Document]:
    for row in rows:
        yield row


async def _close(rows: Any) -> None:
    close = getattr(rows, "close", None)
    if close is not None:
        await close()


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The noun of a stored row; an unversioned object is named by its first acceptance."""
    version = row["v"]
    if version:
        text = row.get("w") or timestamps.canonical(version)
    else:
        text = timestamps.format(row["a"])
    return Entry(id=row["i"], version=text, stamp=row["s"], data=row.get("b", b""))


def standing_of(row: Mapping[str, Any]) -> Standing:
    """The noun of a whole stored row."""
    entry = entry_of(row)
    return Standing(row["v"] or row["a"], entry.version, row["p"], entry.stamp, row.get("e"), entry.data)
