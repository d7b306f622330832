"""The stored audit log as those who read it need it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from taxii_hub.ledger.asking import LogState, Placed, RowFilter
from taxii_hub.ledger.log import Kept, Row, Tree


class AuditRecords(Protocol):
    """The stored log. Raises UnavailableError when the database is away."""

    async def tree(self) -> Tree:
        """Where it stands."""

    def rows(self, wanted: RowFilter, limit: int = 0) -> AsyncIterator[Row]:
        """Rows by their numbers."""

    def everything(self) -> AsyncIterator[Row]:
        """Every document, also such as no hub would have written."""

    async def kept(self, after: int = 0, limit: int = 0) -> list[Kept]:
        """Checkpoints by their numbers."""

    async def state(self) -> LogState:
        """How long it is and what it waits for."""

    async def newest_kept(self) -> Kept | None:
        """The last one."""

    async def tiles(self, indexes: Collection[int] | None = None) -> dict[int, bytes]:
        """The hashes in tiles."""

    async def tile_roots(self) -> dict[int, bytes]:
        """The root of every full tile."""

    async def counts(self, since: int | None, until: int | None) -> list[tuple[str, str | None, int]]:
        """How many leaves of each kind and agency."""

    async def classes_of(self, origin: str) -> dict[int, frozenset[int]]:
        """The policy classes of an origin's objects, by feed."""

    async def placed(self, feed: int, classes: Collection[int], stamps: Sequence[int]) -> dict[int, Placed]:
        """What stands, or once stood, in these classes under ascending stamps, by stamp."""

    async def stamps_of(self, feed: int, classes: Collection[int], object_id: str) -> dict[int, Placed]:
        """The same for one object."""
