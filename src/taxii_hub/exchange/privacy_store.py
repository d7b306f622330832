"""What the journeys need of a store for retention, erasure, legal holds and reviews."""

from __future__ import annotations

from typing import Protocol

from taxii_hub.model import ExpiredVersion, HoldAnswer, HoldAsked, LegalHold, ReviewAsked, ReviewDue


class PrivacyStore(Protocol):
    """Raises UnavailableError when the database is away."""

    async def expired(self, collection: int, at: int, limit: int = 0) -> tuple[ExpiredVersion, ...]:
        """What is over and still stored, the longest first; ``limit`` 0: all of it."""

    async def expired_ids(self, collection: int, at: int) -> tuple[str, ...]:
        """Objects of which something is over and an erasing run has something to do, or may have."""

    async def hold(self, asked: HoldAsked) -> HoldAnswer:
        """The first officer's word is kept, a second one's puts the hold in force."""

    async def lift(self, asked: HoldAsked) -> HoldAnswer:
        """The same for its end; what was kept because of it is erased with the second word."""

    async def holds(self, agency: str, collection: int | None = None) -> tuple[LegalHold, ...]:
        """Those of an agency, in force or asked for."""

    async def hold_on(self, collection: int, object_id: str, agency: str) -> LegalHold | None:
        """The one on an object."""

    async def review_due(self, asked: ReviewAsked, limit: int = 0) -> tuple[ReviewDue, ...]:
        """What was published, and last reviewed if ever, before that moment; the longest ago first."""

    async def reviewed(self, collection: int, object_id: str, agency: str, at: int) -> None:
        """Its origin looked at it."""

    async def due_for(self, chore: str, now: int, every: int) -> bool:
        """Whether this process is the one that does a chore now; asked again, not before ``every``
        (microseconds) is over."""
