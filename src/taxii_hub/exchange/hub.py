"""The hub as one process holds it: what the journeys, the web room and the commands work on."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from taxii_hub.catalog.lookup import in_force_on
from taxii_hub.errors import HubError, StoreError
from taxii_hub.exchange.accounts import Accounts
from taxii_hub.exchange.audit import Audit
from taxii_hub.exchange.checking import Checking
from taxii_hub.exchange.connecting import FollowUps
from taxii_hub.exchange.consumers import Consumers
from taxii_hub.exchange.edition_log import EditionLog
from taxii_hub.exchange.ending import end_task
from taxii_hub.exchange.gaining import keep_feeding
from taxii_hub.exchange.privacy_store import PrivacyStore
from taxii_hub.exchange.release_queue import ReleaseQueue, RequestLog
from taxii_hub.exchange.retention import keep_erasing
from taxii_hub.keyring import Keyring
from taxii_hub.ledger.leaves import HUB
from taxii_hub.model import Account, Catalog, Reader
from taxii_hub.policy.reading import ReadableSets
from taxii_hub.settings import Settings
from taxii_hub.stix.validation import Validator
from taxii_hub.store.base import AgainResult, Feed, FeedAgain, Gain, Settlement

if TYPE_CHECKING:
    from taxii_hub.exchange.access import Place

OVERDUE_EVERY = 5.0
"""Seconds between two looks at what nobody released in time."""
OVERDUE_AT_ONCE = 50
BEAT = 1.0
"""Seconds between two looks at what changed."""
DAY = 86_400 * 1_000_000
STALE = 5.0
"""Seconds without a successful look after which this process is not ready."""


def microseconds() -> int:
    """The time that the hub goes by, since the Unix epoch."""
    return time.time_ns() // 1000


def random_id() -> str:
    """For what the hub names itself: statuses and acts."""
    return str(uuid.uuid4())


log = structlog.get_logger(__name__)


class CatalogInForce(Protocol):
    """The catalogue that every running hub serves."""

    @property
    def catalog(self) -> Catalog:
        """Raises StoreError if there is none."""

    async def refresh(self) -> None:
        """Take over a newer version."""

    async def apply(
        self,
        document: Mapping[str, Any],
        by: str,
        expected_version: int | None = None,
        gains: Sequence[Gain] = (),
    ) -> Catalog:
        """Put a catalogue in force as the next version."""

    async def check(self, document: Mapping[str, Any]) -> None:
        """Raise what ``apply`` would refuse."""


class RunningFeed(Feed, Protocol):
    """A feed with what keeps it up to date."""

    async def refresh(self) -> None:
        """Read what changed."""

    async def gains(self) -> tuple[Gain, ...]:
        """Who is still to be fed again, the oldest gain first."""

    async def gain(self, gain_id: str) -> Gain | None:
        """One gain as it stands."""

    async def feed_again(self, step: FeedAgain) -> AgainResult:
        """One step of a gain; the next one where it was said before."""

    async def count_again(self, step: FeedAgain) -> int:
        """How many objects a whole gain would feed now."""

    async def stop(self) -> None:
        """Finish waiting commits."""


@dataclass(slots=True)
class Hub:
    """Everything one process needs. ``check`` refuses a database that must not be used; ``close``
    ends the connections."""

    settings: Settings
    keyring: Keyring
    catalogs: CatalogInForce
    accounts: Accounts
    consumers: Consumers
    feed: RunningFeed
    queue: ReleaseQueue
    requests: RequestLog
    privacy: PrivacyStore
    follow_ups: FollowUps
    editions: EditionLog
    audit: Audit
    validator: Validator
    check: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    now: Callable[[], int] = microseconds
    new_id: Callable[[], str] = random_id
    beaten_at: float = float("-inf")
    trouble: str | None = None
    checking: Checking = field(default_factory=Checking, repr=False)
    large_pages: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4), repr=False)
    """Pages of many megabytes are read a few at a time: all at once they take tens of megabytes each."""
    readable: ReadableSets = field(default_factory=ReadableSets, repr=False)
    readers: dict[tuple[Account, str], Reader] = field(default_factory=dict, repr=False)
    """Accounts in API roots of today's catalogue, as the reading rule sees them."""
    places: dict[tuple[Account, str, str], Place] = field(default_factory=dict, repr=False)
    """Accounts before collections of today's catalogue, by what a URL calls them."""
    _looked_at: float = float("-inf")
    _today: tuple[Catalog, int, Catalog] | None = field(default=None, repr=False)
    _heart: asyncio.Task[None] | None = field(default=None, repr=False)
    _upkeep: asyncio.Task[None] | None = field(default=None, repr=False)
    _feeding: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def catalog(self) -> Catalog:
        """The catalogue in force, as it stands today. Raises StoreError if there is none."""
        catalog = self.catalogs.catalog
        day = self.now() // DAY
        known = self._today
        if known is None or known[0] is not catalog or known[1] != day:
            known = self._today = (catalog, day, in_force_on(catalog, self.now()))
            self.readers.clear()
            self.places.clear()
        return known[2]

    async def start(self) -> None:
        """Look at everything once, then go on looking each second."""
        await self.check()
        await self._beat()
        await self.audit.start()
        self._heart = asyncio.create_task(self._keep_beating())
        self._upkeep = asyncio.create_task(keep_erasing(self))
        self._feeding = asyncio.create_task(keep_feeding(self))

    async def stop(self) -> None:
        """Finish what was begun; what consumers did is told a last time."""
        for task in (self._heart, self._upkeep, self._feeding):
            if task is not None:
                await end_task(task)
        for last in (self.accounts.flush, self.consumers.flush, self.feed.stop, self.audit.stop, self.close):
            try:
                await last()
            except HubError as error:
                log.warning("could not finish in order", error=str(error))

    def ready(self) -> list[str]:
        """Why this process should get no requests; empty when it should."""
        if time.monotonic() - self.beaten_at >= STALE:
            return [self.trouble or "the database has not answered for five seconds"]
        try:
            self.catalogs.catalog  # noqa: B018 - raises where none is in force
        except StoreError as error:
            return [str(error)]
        return []

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._beat()
            except HubError as error:
                if self.trouble is None:
                    log.warning("a look at what changed failed", error=str(error))
                self.trouble = str(error)

    async def _beat(self) -> None:
        await self.keyring.refresh()
        await self.catalogs.refresh()
        await self.accounts.refresh()
        await self.feed.refresh()
        await self.consumers.refresh()
        await self._refuse_overdue()
        self.beaten_at = time.monotonic()
        self.trouble = None

    async def _refuse_overdue(self) -> None:
        """Every process looks; the commit lets one of them end a proposal, and the others find it gone."""
        if time.monotonic() - self._looked_at < OVERDUE_EVERY:
            return
        self._looked_at = time.monotonic()
        for each in await self.queue.overdue(self.now(), OVERDUE_AT_ONCE):
            said = Settlement(
                id=self.new_id(),
                collection=each.collection,
                proposal=each.id,
                agency=each.agency,
                account=HUB.account,
                epoch=0,
                at=self.now(),
                word="expire",
            )
            await self.feed.settle(said)
