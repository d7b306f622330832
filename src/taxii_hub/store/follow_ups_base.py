"""What has to follow an act after its commit."""

from __future__ import annotations

from dataclasses import dataclass


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
    """A version of a relationship or sighting as it stands in one class since ``stamp``; ``last``: nobody who
    reads the class has a newer one in it."""

    object_id: str
    policy: int
    version: int
    stamp: int
    last: bool
    data: bytes
