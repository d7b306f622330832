"""A page of several finds of one snapshot: each is asked for its share, all of them at a time.

MongoDB merges the index branches of one find by itself, one after the other; two finds of half the classes
it answers on two cores, and merges either in less than half the time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt
from operator import itemgetter
from typing import Any, Final

from taxii_hub.model import ObjectQuery
from taxii_hub.store.queries import MAX_SCANS, Find
from taxii_hub.store.snapshots import Point

LONG: Final = 500
"""Objects of a page from which a find of fewer branches is worth a command more."""
SIDE_BY_SIDE: Final = 100
"""Branches of a find that is one of several of a long page."""
SURELY_WHOLE: Final = 8 * 1024 * 1024
"""Of a batch with fewer bytes of objects than this nothing was left out because it grew too large (16 MB)."""
_LAST_STAMP: Final = 1 << 62
_STAMP: Final = itemgetter("s")

Document = dict[str, Any]


@dataclass(slots=True)
class Source:
    """One of the finds: rows that were read and not yet taken, in stamp order."""

    find: Find
    rows: list[Document] = field(default_factory=list)
    after: int | None = None
    ended: bool = False

    def taken(self, bound: int) -> list[Document]:
        """Take the rows up to this stamp."""
        end = bisect_right(self.rows, bound, key=_STAMP)
        ready, self.rows = self.rows[:end], self.rows[end:]
        return ready

    def next(self) -> Find:
        """What gives the rows after those that were read."""
        if self.after is None:
            return self.find
        return Find({**self.find.filter, "s": {"$gt": self.after}}, self.find.order, self.find.hint)

    def fill(self, rows: list[Document], asked: int) -> None:
        """Keep what came of :meth:`next`, as one batch."""
        self.rows = rows
        self.ended = not rows or (len(rows) < asked and size_of(rows) < SURELY_WHOLE)
        if rows:
            self.after = rows[-1]["s"]


def scans_of(query: ObjectQuery, limit: int) -> int:
    """How many branches one find of this page is to have: fewer where a whole page is to be expected, on a
    walk. Whoever asks for what is new gets little, and one find costs less than two."""
    walks = query.position is not None or query.added_after is None
    return SIDE_BY_SIDE if walks and limit >= LONG else MAX_SCANS


async def merged(
    point: Point, finds: Sequence[Find], fields: Mapping[str, int], limit: int, most_bytes: int
) -> list[Document]:
    """The first ``limit`` rows of all finds together, in stamp order, or those that fill ``most_bytes``; the
    last may be one too many. Read whole, several finds would cost as many pages."""
    share = _share(limit, len(finds))
    sources = [Source(find) for find in finds]
    found: list[Document] = []
    while sources and len(found) < limit and size_of(found) <= most_bytes:
        empty = [source for source in sources if not source.rows]
        batches = await point.rows_of_all([source.next() for source in empty], fields, share)
        for source, rows in zip(empty, batches, strict=True):
            source.fill(rows, share)
        # What comes of a find later stands after its last row.
        bound = min((s.rows[-1]["s"] for s in sources if not s.ended), default=_LAST_STAMP)
        found += sorted((row for s in sources for row in s.taken(bound)), key=_STAMP)
        sources = [source for source in sources if source.rows or not source.ended]
    return found


def _share(limit: int, finds: int) -> int:
    """Where any row is as likely of one find as of another, few pages need another round."""
    mean = limit // finds + 1
    return mean + 2 * isqrt(mean)


def size_of(rows: Sequence[Document]) -> int:
    """Bytes of objects."""
    return sum([len(row.get("b", b"")) for row in rows])
