"""Who did what: every page read and every act becomes a leaf of the audit log.

A page's leaf is queued in memory before the answer ends and written within half a second; everything
else is durable before it is done or answered. One process of all grows the tree and signs it once a
minute. docs/audit.md says what a leaf holds and what a gap is.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import structlog

from taxii_hub.errors import HubError, UnavailableError
from taxii_hub.exchange.audit_records import AuditRecords
from taxii_hub.exchange.ending import end_task
from taxii_hub.keyring import KINDS, Keyring
from taxii_hub.ledger.checkpoint import Checkpoint, Signer, VerifierKey, origin_of, verifiers_of
from taxii_hub.ledger.leaves import Actor, leaf_of, legible, stamps_document, values_of
from taxii_hub.ledger.log import Kept
from taxii_hub.ledger.merkle import Head
from taxii_hub.model import Account, Collection, ObjectQuery, Page
from taxii_hub.stix import timestamps

FLUSH_EVERY: Final = 0.4
"""Seconds between two writes of what is queued: durable within a second."""
FULL: Final = 2000
"""Leaves in memory at which an answer waits for them to be written."""
BEAT_EVERY: Final = 1.0
SETTLE_EVERY: Final = 5.0
PATIENCE: Final = 10.0
"""Seconds that another process may take to number what waits."""
MINUTE: Final = 60 * 1_000_000

View = Literal["objects", "manifest", "object", "versions"]

log = structlog.get_logger(__name__)


class AuditLog(Protocol):
    """What the journeys need of the stored log. Raises UnavailableError when the database is away."""

    async def enqueue(self, leaves: Mapping[str, bytes]) -> None:
        """Durable on return."""

    async def waiting(self) -> bool:
        """Whether a leaf waits for its number."""

    async def unsigned_since(self) -> int | None:
        """When the last checkpoint was made, if leaves came after it."""

    async def lead(self) -> bool:
        """Become, or stay, the one process that grows the tree."""

    async def step_down(self) -> None:
        """Let another one."""

    async def sequence(self) -> int:
        """Number what waits; how many leaves that were."""

    async def checkpoint(self, sign: Callable[[Head, int], str], at: int) -> Kept | None:
        """Sign the tree as it is, if it has grown."""

    async def note_keys(self, newest: Mapping[str, int]) -> None:
        """A leaf for each kind of key that got a newer one."""


class AuditSessions(Protocol):
    """Which processes write into the log."""

    @property
    def id(self) -> str:
        """This process."""

    async def beat(self, until: int) -> None:
        """Everything before ``until`` is durable."""

    async def close(self) -> None:
        """A clean end."""

    async def settle(self) -> int:
        """A leaf for every process that ended uncleanly."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One page as it was read: by whom, of what, asked how. ``object_id``: where one object was asked for."""

    account: Account
    collection: Collection
    view: View
    query: ObjectQuery
    page: Page
    epoch: int
    purpose: str | None = None
    object_id: str | None = None


class Audit:
    """The log as one process writes it."""

    def __init__(
        self,
        stored: AuditLog,
        sessions: AuditSessions,
        records: AuditRecords,
        keyring: Keyring,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._log = stored
        self._sessions = sessions
        self.records = records
        self._keyring = keyring
        self._now = now
        self._count = itertools.count()
        self._waiting: dict[str, bytes] = {}
        self._empty: dict[tuple[str, str, str, int, int], int] = {}
        """Empty pages by account and its agency, collection (id and feed) and minute."""
        self._flushing = asyncio.Lock()
        self._durable = now()
        self._tasks: list[asyncio.Task[None]] = []
        self._keys: dict[str, int] = {}
        self._settled_at = self._beaten_at = float("-inf")

    # --- what is said of reads and acts --------------------------------------------------------

    async def page(self, reading: Reading) -> None:
        """A page that is about to be answered. Raises UnavailableError where it has to wait and cannot."""
        if not reading.page.stamps:
            account, collection = reading.account, reading.collection
            who = (account.id, account.agency, collection.id, collection.feed, self._now() // MINUTE)
            self._empty[who] = self._empty.get(who, 0) + 1
            return
        self._put("page", actor_of(reading.account), _page_details(reading))
        if reading.collection.audit == "before-answer" or len(self._waiting) >= FULL:
            await self.flush()

    async def act(self, kind: str, by: Actor | Account, **details: Any) -> None:
        """Anything else that was done, or is about to be; durable on return.

        ``details`` are JSON values with whole numbers; None is left out. Never the content of an object.
        """
        name = self._name()
        await self._log.enqueue({name: leaf_of(kind, self._now(), actor_of(by), {**details, "id": name})})

    def _put(self, kind: str, by: Actor, details: Mapping[str, Any]) -> None:
        name = self._name()
        self._waiting[name] = leaf_of(kind, self._now(), by, {**details, "id": name})

    def _name(self) -> str:
        return f"{self._sessions.id}-{next(self._count)}"

    async def flush(self) -> None:
        """Everything that was queued before this call is durable on return."""
        async with self._flushing:
            began, batch, self._waiting = self._now(), self._waiting, {}
            written = False
            try:
                if batch:
                    await self._log.enqueue(batch)
                written = True
            finally:
                if not written:
                    self._waiting = {**batch, **self._waiting}
            self._durable = began

    def _put_empty(self, before: int) -> None:
        """One leaf for each account, collection and minute that is over."""
        for who in [each for each in self._empty if each[-1] < before]:
            account, agency, collection, feed, minute = who
            times = self._empty.pop(who)
            said = {"collection": collection, "feed": feed, "pages": times}
            self._put("empty", Actor(account, agency), {**said, "minute": timestamps.format(minute * MINUTE)})

    # --- the log's own life --------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """The name of this log."""
        return origin_of(self._keyring)

    def verifiers(self) -> list[VerifierKey]:
        """The public halves of all signing keys, the newest first."""
        return verifiers_of(self._keyring)

    def _sign(self, head: Head, number: int) -> str:
        _, seed = self._keyring.newest("audit")
        return Signer(self.origin, seed).sign(Checkpoint(self.origin, head, number, self._now()))

    async def start(self) -> None:
        """Open this process's session, find dead ones, and go on tending."""
        await self.flush()
        await self._beat()
        try:
            await self.tend()
        except HubError as error:  # what is queued is safe, and the task goes on trying
            log.warning("the audit log does not grow", error=str(error))
        self._tasks = [
            asyncio.create_task(self._again(FLUSH_EVERY, self._flush_and_beat)),
            asyncio.create_task(self._again(BEAT_EVERY, self.tend)),
        ]

    async def stop(self) -> None:
        """A clean end: nothing stays in memory, and what was added is signed."""
        for task in self._tasks:
            await end_task(task)
        self._put_empty(self._now() // MINUTE + 1)
        await self.flush()
        await self._sessions.close()
        try:
            await self.catch_up(sign=True)
        finally:
            await self._log.step_down()

    async def catch_up(self, *, sign: bool) -> bool:
        """Number everything that waits; False where another process does that."""
        pending = await self._log.unsigned_since()
        if pending is None and not await self._log.waiting():
            return True
        if not await self._log.lead():
            return False
        while await self._log.sequence():
            pass
        since = await self._log.unsigned_since()
        if since is not None and (sign or self._now() - since >= MINUTE):
            await self._log.checkpoint(self._sign, self._now())
        return True

    async def settled(self, *, sign: bool) -> None:
        """Everything that was queued before this call has its number, whoever gives it, and with ``sign`` is
        signed. Raises UnavailableError where that takes too long."""
        await self.flush()
        end = time.monotonic() + PATIENCE
        while not await self.catch_up(sign=False) and await self._log.waiting():
            if time.monotonic() > end:
                raise UnavailableError("the hub that grows the audit log does not do so; look at its log")
            await asyncio.sleep(0.1)
        if sign:
            await self._log.checkpoint(self._sign, self._now())

    async def tend(self) -> None:
        """What has to be done each second by somebody."""
        newest: dict[str, int] = {kind: self._keyring.newest(kind)[0] for kind in KINDS}
        if newest != self._keys:
            await self._log.note_keys(newest)
            self._keys = newest
        if time.monotonic() - self._settled_at >= SETTLE_EVERY:
            self._settled_at = time.monotonic()
            if died := await self._sessions.settle():
                log.warning(
                    "processes ended uncleanly; the audit log has a gap record of each", processes=died
                )
        await self.catch_up(sign=False)

    async def _flush_and_beat(self) -> None:
        self._put_empty(self._now() // MINUTE)
        await self.flush()
        if time.monotonic() - self._beaten_at >= BEAT_EVERY:
            await self._beat()

    async def _beat(self) -> None:
        await self._sessions.beat(self._durable)
        self._beaten_at = time.monotonic()

    async def _again(self, pause: float, work: Callable[[], Any]) -> None:
        trouble = False
        while True:
            await asyncio.sleep(pause)
            try:
                await work()
            except HubError as error:
                if not trouble:
                    log.warning("the audit log could not be written", error=str(error))
                trouble = True
            else:
                trouble = False


def actor_of(by: Actor | Account) -> Actor:
    """As a leaf names him."""
    return by if isinstance(by, Actor) else Actor(by.id, by.agency)


def _page_details(reading: Reading) -> dict[str, Any]:
    query, collection = reading.query, reading.collection
    asked: dict[str, Any] = {
        "added_after": _moment(query.added_after),
        "position": _moment(query.position),
        "ids": values_of(query.ids),
        "types": values_of(query.types),
        "versions": _versions(query),
        "object": None if reading.object_id is None else legible(reading.object_id),
    }
    return {
        "view": reading.view,
        "collection": collection.id,
        "feed": collection.feed,
        "epoch": reading.epoch,
        "purpose": reading.purpose,
        "query": {name: value for name, value in asked.items() if value is not None} or None,
        **stamps_document(reading.page.stamps),
    }


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else timestamps.format(microseconds)


def _versions(query: ObjectQuery) -> list[str] | None:
    versions = query.versions
    named = [*sorted(versions.keywords), *(timestamps.canonical(each) for each in versions.exact[:20])]
    return None if named == ["last"] else named
