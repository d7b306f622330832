"""What becomes of what waits for liaison officers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """Which account of the origin signed, and when (microseconds)."""

    account: str
    at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a proposal. ``result`` is ``released``, ``refused``, ``expired``, ``withdrawn`` or
    ``failed``; ``by`` the accounts that decided, the last one last."""

    proposal: str
    kind: str
    api_root: str
    collection_id: str
    agency: str
    account: str
    object_id: str
    version_text: str
    at: int
    due: int
    ended_at: int
    result: str
    message: str | None
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A reader's question whether something may be released to his agency; whether it exists is not said.

    ``api_root`` and ``collection`` are as he wrote them. ``answer`` is None while nobody answered;
    ``granted`` says yes or no, ``answered_by`` the agency that did.
    """

    id: str
    api_root: str
    collection: str
    object_id: str
    agency: str
    account: str
    reason: str
    at: int
    due: int
    answer: str | None = None
    granted: bool = False
    answered_at: int | None = None
    answered_by: str | None = None
