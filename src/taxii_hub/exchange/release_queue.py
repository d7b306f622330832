"""What waits for liaison officers, as their desk needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from taxii_hub.model import Ended, ReleaseRequest
from taxii_hub.store.base import Proposal


class ReleaseQueue(Protocol):
    """Reading what waits, for its origin only. Raises UnavailableError when the database is away."""

    async def waiting(self, agency: str, limit: int) -> tuple[Proposal, ...]:
        """What waits for this agency's officers, the most urgent first; without content."""

    async def proposal(self, agency: str, proposal_id: str) -> Proposal | None:
        """One of them, with its content."""

    async def ended(self, agency: str, proposal_id: str) -> Ended | None:
        """What became of one."""

    async def ends(self, agency: str, since: int, limit: int) -> tuple[Ended, ...]:
        """What became of those that were settled since, the newest first."""

    async def of_objects(self, agency: str, collection: int, ids: Sequence[str]) -> tuple[Proposal, ...]:
        """What the agency submitted of these objects and nobody is fed yet, with content."""

    async def overdue(self, now: int, limit: int) -> tuple[Proposal, ...]:
        """What nobody settled in time, of all agencies; without content."""

    async def propose(self, proposal: Proposal, leaf: bytes) -> bool:
        """Add a release or regrading; False where one of this kind and version waits already."""

    async def pressing(self, now: int, soon: int) -> Mapping[str, tuple[int, int]]:
        """For each agency how many wait, and how many of them are due before ``soon``."""


class RequestLog(Protocol):
    """Readers' questions for release. Raises UnavailableError when the database is away."""

    async def asked_since(self, account: str, since: int) -> tuple[int, ...]:
        """When this account asked, the oldest first (microseconds)."""

    async def ask(self, request: ReleaseRequest, leaf: bytes) -> None:
        """Keep a question; durable on return."""

    async def of_asker(self, agency: str, limit: int) -> tuple[ReleaseRequest, ...]:
        """What an agency asked, the newest first."""

    async def about(self, api_roots: Sequence[str], since: int, limit: int) -> tuple[ReleaseRequest, ...]:
        """What was asked since of these API roots, the most urgent first."""

    async def one(self, request_id: str) -> ReleaseRequest | None:
        """One of them."""

    async def answer(self, request: ReleaseRequest, leaf: bytes) -> bool:
        """Keep its answer; False where somebody answered before."""
