"""Reading entries: every page comes from one snapshot, so stamp order is what a poller sees."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
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
PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0)

Document = dict[str, Any]
Result = TypeVar("Result")
EMPTY = Page(())


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
        """Rows of all finds in stamp order, at most ``limit`` of each find."""
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
        if len(cursors) == 1:
            return aiter(cursors[0])
        batches = [await _bounded(cursor) for cursor in cursors]
        return _replay(heapq.merge(*batches, key=lambda row: row["s"]))

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


async def _bounded(cursor: AsyncIterator[Document]) -> list[Document]:
    rows: list[Document] = []
    size = 0
    async for row in cursor:
        rows.append(row)
        if size > MAX_PAGE_BYTES:  # one row beyond the page's end, so that the page knows of more
            await _close(cursor)
            break
        size += len(row.get("b", b""))
    return rows


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
