"""What has to follow an act after its commit, and what the journeys need of the store for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FollowUp:
    """That what connects an object has to follow its move from the class ``before`` to ``after``, made at
    ``at`` (microseconds); ``id`` that of the act."""

    id: str
    collection: int
    object_id: str
    before: int
    after: int
    at: int


@dataclass(frozen=True, slots=True)
class Connection:
    """A relationship or sighting as it stands in one class."""

    object_id: str
    policy: int
    data: bytes


class FollowUps(Protocol):
    """Raises UnavailableError when the database is away."""

    async def waiting(self) -> tuple[FollowUp, ...]:
        """What acts left to be done, the oldest first."""

    async def done(self, follow_up: FollowUp) -> None:
        """It need not be looked at again."""

    async def connecting(
        self, collection: int, classes: Sequence[int], object_id: str
    ) -> tuple[Connection, ...]:
        """Relationships and sightings in these classes that may name the object (the last version in each
        class); for nobody's eyes."""
