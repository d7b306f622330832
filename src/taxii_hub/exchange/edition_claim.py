"""One ingest of a list at a time, over all processes and hosts."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from taxii_hub.errors import UnavailableError
from taxii_hub.exchange.ending import end_task
from taxii_hub.exchange.hub import Hub
from taxii_hub.store.base import Lineage

CLAIM = 10.0
"""Seconds for which a list belongs to whoever ingests it; renewed while he lives."""


@dataclass(slots=True)
class Claim:
    """A list belongs to one ingest at a time; ``lost`` when somebody else took it over."""

    hub: Hub
    lineage: Lineage
    holder: str
    lost: bool = False

    def require(self) -> None:
        """Raises UnavailableError where somebody else has taken over meanwhile."""
        if self.lost:
            raise UnavailableError("another ingest of this list has taken over; run this one again")

    async def keep(self) -> None:
        """Renew, until cancelled."""
        while not self.lost:
            await asyncio.sleep(CLAIM / 4)
            with suppress(UnavailableError):
                self.lost = await self.hub.editions.claim(self.lineage, self.holder, CLAIM) is not None


@asynccontextmanager
async def claimed(hub: Hub, lineage: Lineage) -> AsyncIterator[Claim]:
    """Be the only one who ingests this list; waits for one that was killed to be given up."""
    claim = Claim(hub, lineage, f"{socket.gethostname()} process {os.getpid()} ({uuid.uuid4().hex[:8]})")
    deadline = time.monotonic() + 1.5 * CLAIM
    while (other := await hub.editions.claim(lineage, claim.holder, CLAIM)) is not None:
        if time.monotonic() > deadline:
            raise UnavailableError(f"this list is being ingested by {other}; try again when that is done")
        await asyncio.sleep(0.25)
    keeper = asyncio.create_task(claim.keep())
    try:
        yield claim
    finally:
        await end_task(keeper)
        with suppress(UnavailableError):
            await hub.editions.release(lineage, claim.holder)
