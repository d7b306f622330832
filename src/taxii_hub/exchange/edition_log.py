"""Which editions of lists were ingested, as ingesting needs to know it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from taxii_hub.store.base import EditionRecord, Lineage, Members


class EditionLog(Protocol):
    """Which editions of a list were ingested, and which objects the newest of them hold."""

    async def editions(self, lineage: Lineage, report: str | None = None) -> tuple[EditionRecord, ...]:
        """All of them, the newest first: by edition, then by when it was begun. With ``report`` only the
        one that has it."""

    async def members(self, record: EditionRecord) -> dict[str, tuple[str, ...]]:
        """What the edition holds; empty where that was forgotten."""

    async def begin(self, record: EditionRecord, members: Members) -> None:
        """Remember an edition before anything of it is published; repeating it changes nothing."""

    async def finish(self, record: EditionRecord) -> None:
        """All of it is published."""

    async def forget(self, records: Sequence[EditionRecord]) -> None:
        """Forget what these editions hold; that they were ingested stays known."""

    async def records(
        self, lineage: Lineage, keys: Iterable[str], edition: int
    ) -> dict[str, tuple[str, ...]]:
        """What is remembered of these records, except where a later file said it."""

    async def remember(self, lineage: Lineage, members: Members, edition: int) -> None:
        """Remember what these records hold, where files add up and no edition holds them all."""

    async def claim(self, lineage: Lineage, holder: str, seconds: float) -> str | None:
        """Become (or stay) the only one who ingests this list; else who it is."""

    async def release(self, lineage: Lineage, holder: str) -> None:
        """Let others ingest this list."""
