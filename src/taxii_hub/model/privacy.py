"""What is over, what a legal hold keeps, and what is due for a look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HoldAnswer = Literal["asked", "done", "same-officer", "already", "none"]


@dataclass(frozen=True, slots=True)
class ExpiredVersion:
    """A version that is over and whose content is still stored. ``expired`` in microseconds."""

    object_id: str
    version: str
    policy: int
    expired: int
    held: bool


@dataclass(frozen=True, slots=True)
class LegalHold:
    """Nothing of the object is erased while ``in_force``.

    ``asked_by`` is the officer whose word waits for a second one: for the hold, or, where it is in force,
    for its end. ``set_by`` are the two who put it in force. Times in microseconds.
    """

    collection: int
    object_id: str
    agency: str
    reason: str
    in_force: bool
    asked_by: str | None
    asked_at: int
    set_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """One officer's word on a legal hold."""

    collection: int
    object_id: str
    agency: str
    officer: str
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewDue:
    """An object that its origin should look at again; ``since`` when it was published or last reviewed."""

    object_id: str
    version: str
    policy: int
    since: int


@dataclass(frozen=True, slots=True)
class ReviewAsked:
    """``classes`` are those of the agency; ``before`` in microseconds."""

    collection: int
    agency: str
    classes: tuple[int, ...]
    before: int
