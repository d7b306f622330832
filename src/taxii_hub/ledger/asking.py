"""What is asked of a stored log, and what it answers beside rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows are wanted: from ``first`` to before ``end`` by number, the others by what their leaves
    say; ``since`` and ``until`` (before it) are microseconds. ``newest``: the greatest numbers first."""

    first: int = 0
    end: int | None = None
    kinds: tuple[str, ...] = ()
    account: str | None = None
    agency: str | None = None
    feeds: tuple[int, ...] = ()
    since: int | None = None
    until: int | None = None
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """An object's version as it stands, or once stood, under a stamp."""

    object_id: str
    version: str
    policy: int


@dataclass(frozen=True, slots=True)
class LogState:
    """How many leaves have a number, how many wait for one, and when (microseconds) the last checkpoint was
    signed if it does not cover all of the first; None where it does."""

    leaves: int
    queued: int
    unsigned_since: int | None
