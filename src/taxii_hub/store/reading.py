"""Reading entries: every page comes from one snapshot, so stamp order is what a poller sees."""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import accumulate
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.model import Entry, ObjectQuery, Page, Visibility
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Projection, Standing
from taxii_hub.store.last_classes import last_classes
from taxii_hub.store.marks import Newest
from taxii_hub.store.queries import (
    BY_STAMP,
    FIELDS,
    LAST,
    Find,
    newest_finds,
    page_finds,
    start_of,
    version_finds,
)
from taxii_hub.store.shares import merged, scans_of, size_of
from taxii_hub.store.snapshots import Point, Snapshots

MAX_PAGE_BYTES = 32 * 1024 * 1024

Document = dict[str, Any]
EMPTY = Page(())


class FeedReader:
    """Pages of entries; needs a Visibility for each of them (rule R4)."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._snapshots = Snapshots(database)

    async def close(self) -> None:
        """To be done before the client is closed."""
        await self._snapshots.close()

    async def page(
        self, visibility: Visibility, query: ObjectQuery, projection: Projection, limit: int
    ) -> tuple[Page, Newest | None]:
        """One page in stamp order. An empty one that starts somewhere says where the reader stands
        (``Page.mark``), and comes with the newest stamp of the same snapshot that it was decided by."""
        finds = page_finds(visibility, query, scans_of(query, limit))
        position = start_of(query)

        async def read(point: Point) -> tuple[Page, Newest | None]:
            page = await self._merged(point, finds, projection, limit)
            if page.stamps or position is None:
                return page, None
            newest = await self._newest(point, visibility)
            at = position if newest.stamp is None else min(position, newest.stamp)
            return Page((), mark=at), newest

        page, newest = await self._snapshots.read(read)
        if _sets_back(page, position):
            return await self._snapshots.read_present(visibility.collection, read)
        return page, newest

    async def object_page(
        self, visibility: Visibility, object_id: str, query: ObjectQuery, projection: Projection, limit: int
    ) -> Page:
        """Versions of one object in stamp order; ``exists`` is False where none is visible."""

        async def read(point: Point) -> Page:
            if query.versions == LAST:
                page = await self._last_version(point, visibility, object_id, query, projection)
            else:
                narrowed = replace(query, ids=(object_id,))
                page = await self._merged(point, page_finds(visibility, narrowed), projection, limit)
            if page.stamps or not page.exists:
                return page
            return await self._nothing_of(point, visibility, object_id, query)

        page = await self._snapshots.read(read)
        if _sets_back(page, start_of(query)):
            return await self._snapshots.read_present(visibility.collection, read)
        return page

    async def _last_version(
        self,
        point: Point,
        visibility: Visibility,
        object_id: str,
        query: ObjectQuery,
        projection: Projection,
    ) -> Page:
        """Where the last one has expired there is none, as on pages: expiry revives nothing."""
        best: Document | None = None
        for find in version_finds(visibility, object_id, expired=True):
            row = await self._first(point, find, {**FIELDS[projection], "v": 1, "t": 1, "e": 1})
            if row is not None and (best is None or row["v"] > best["v"]):
                best = row
        if best is None:
            return Page((), exists=False)
        if best.get("e") is not None and best["e"] <= visibility.at:
            return EMPTY
        start = start_of(query)
        if (start is not None and best["s"] <= start) or (query.types and best["t"] not in query.types):
            return EMPTY
        return _page([best], projection, 1)

    async def _nothing_of(
        self, point: Point, visibility: Visibility, object_id: str, query: ObjectQuery
    ) -> Page:
        newest: int | None = None
        for find in version_finds(visibility, object_id, expired=False):
            stamps = [row["s"] for row in await point.all(replace(find, order=()), {"_id": 0, "s": 1})]
            newest = max(stamps if newest is None else [newest, *stamps], default=None)
        if newest is None:
            return Page((), exists=False)
        position = start_of(query)
        return Page((), mark=None if position is None else min(position, newest))

    async def classes_of(
        self, visibility: Visibility, ids: Sequence[str], among: Sequence[int]
    ) -> dict[str, int]:
        """The class of each object's last visible version, if it is one of ``among``."""
        return await self._snapshots.read(lambda point: last_classes(point, visibility, ids, among))

    async def newest(self, visibility: Visibility) -> int | None:
        """The newest stamp that the reader may see."""
        return (await self._snapshots.read(lambda point: self._newest(point, visibility))).stamp

    async def _newest(self, point: Point, visibility: Visibility) -> Newest:
        newest = Newest(None)
        for find in newest_finds(visibility):
            row = await self._first(point, find, {"_id": 0, "s": 1, "e": 1})
            if row is not None and (newest.stamp is None or row["s"] > newest.stamp):
                newest = Newest(row["s"], row.get("e"))
        return newest

    async def _first(self, point: Point, find: Find, fields: Mapping[str, int]) -> Document | None:
        rows = await point.rows(find, fields, 1)
        return rows[0] if rows else None

    async def _merged(self, point: Point, finds: list[Find], projection: Projection, limit: int) -> Page:
        """A page of what all finds give together, in stamp order."""
        fields = FIELDS[projection]
        if not finds:
            return EMPTY
        if finds[0].order != BY_STAMP:
            batches = [point.batches(find, fields, batch=limit + 1) for find in finds]
            rows = await _first_by_stamp(batches, limit + 1)
        elif len(finds) > 1:
            rows = await merged(point, finds, fields, limit + 1, MAX_PAGE_BYTES)
        else:
            rows = await _whole(point.batches(finds[0], fields, limit + 1))
        return _page(rows, projection, limit)


def _sets_back(page: Page, position: int | None) -> bool:
    """Whether the reader would be told to go on from before his own position."""
    return position is not None and page.mark is not None and page.mark < position


async def _whole(batches: AsyncGenerator[list[Document], None]) -> list[Document]:
    """The rows of one find, and none beyond a page's bytes. They come batch by batch, of at most 16 MB each:
    so what is in memory is bounded however large the objects are."""
    found: list[Document] = []
    async with aclosing(batches):
        async for rows in batches:
            found += rows
            if len(rows) < len(found) and size_of(found) > MAX_PAGE_BYTES:
                break
    return found


def _page(rows: list[Document], projection: Projection, limit: int) -> Page:
    """``rows`` are one more than fit, if there are so many: those of the limit fit, or up to the one that
    fills the bytes of a page."""
    data = [] if projection == "manifest" else [row["b"] for row in rows]
    fit = limit
    if sum(map(len, data)) > MAX_PAGE_BYTES:
        ends = accumulate(map(len, data))
        fit = min(limit, 1 + next(index for index, end in enumerate(ends) if end > MAX_PAGE_BYTES))
    more = len(rows) > fit
    if more:
        del rows[fit:], data[fit:]
    stamps = [row["s"] for row in rows]
    if projection == "content":
        return Page(stamps, data, more=more)
    return Page(stamps, data, [row["i"] for row in rows], [_version(row) for row in rows], more=more)


async def _first_by_stamp(
    finds: Sequence[AsyncGenerator[list[Document], None]], limit: int
) -> list[Document]:
    """The first rows of finds that come in another order; no more of them are held than are wanted."""
    kept: list[tuple[int, Document]] = []
    for batches in finds:
        async with aclosing(batches):
            async for rows in batches:
                for row in rows:
                    if len(kept) < limit:
                        heapq.heappush(kept, (-row["s"], row))
                    elif row["s"] < -kept[0][0]:
                        heapq.heapreplace(kept, (-row["s"], row))
    return [row for _, row in sorted(kept, key=lambda each: -each[0])]


def entry_of(row: Mapping[str, Any]) -> Entry:
    """The noun of a stored row."""
    return Entry(row["i"], _version(row), row["s"], row.get("b", b""))


def _version(row: Mapping[str, Any]) -> str:
    """The text that names the version; an unversioned object is named by its first acceptance."""
    version = row["v"]
    if not version:
        return timestamps.format(row["a"])
    return row.get("w") or timestamps.canonical(version)


def standing_of(row: Mapping[str, Any]) -> Standing:
    """The noun of a whole stored row."""
    entry = entry_of(row)
    return Standing(row["v"] or row["a"], entry.version, row["p"], entry.stamp, row.get("e"), entry.data)
