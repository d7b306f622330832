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
