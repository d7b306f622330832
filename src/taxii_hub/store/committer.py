"""Group commit, one committer for each collection, and the way of a commit to it.

Waiting requests are committed together: one journalled transaction serves them all, and one
request never fails its neighbours, because a failing group is cut in halves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, PyMongoError, ServerSelectionTimeoutError

from taxii_hub.errors import UnavailableError
from taxii_hub.model import Status
from taxii_hub.store.base import Change, ChangeResult, Publication, Settlement, SettleResult
from taxii_hub.store.clock import Clock
from taxii_hub.store.forward import (
    HolderBusyError,
    HolderGoneError,
    Receiver,
    Result,
    Sender,
    private_socket,
)
from taxii_hub.store.gaining_base import AgainResult, FeedAgain
from taxii_hub.store.lease import Held, Leases, Member
from taxii_hub.store.transaction import BUDGET, Conflicts, Transactions
from taxii_hub.store.wire import Job

GROUP_REQUESTS = 64
GROUP_OBJECTS = 500
GROUP_BYTES = 4 * 1024 * 1024
PART_OBJECTS = 2000
PART_BYTES = 8 * 1024 * 1024

Document = dict[str, Any]
log = structlog.get_logger(__name__)


class Committer:
    """Commits for one collection with one session; jobs wait in the order of their arrival."""

    def __init__(
        self, collection: int, database: AsyncDatabase[Document], leases: Leases, now: Clock | None = None
    ) -> None:
        self.collection = collection
        self._session = database.client.start_session()
        self.lsid = self._session.session_id["id"]
        self._leases = leases
        self._transactions = Transactions(database, Conflicts(self._conflict), now)
        self._queue: deque[tuple[Job, asyncio.Future[Result]]] = deque()
        self._fresh: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._held_until = 0.0
        self._guest_of: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the lease is ours, by our own count of seconds."""
        return time.monotonic() < self._held_until

    async def claim(self) -> Held:
        """Take or renew the lease; tells who holds it otherwise."""
        held = await self._leases.acquire(self.collection, self.lsid)
        return self._note(held)

    async def steal(self, dead: Held) -> None:
        """Take over from a holder that is gone."""
        held = await self._leases.steal(self.collection, dead, self.lsid)
        if held is not None:
            log.info("took over a collection's commits", collection=self.collection)
            self._note(held)

    def _note(self, held: Held) -> Held:
        if held.holder == self._leases.member.id:
            self._held_until = held.until
        return held

    async def be_guest_of(self, held: Held) -> None:
        """Commit beside a holder on another host: right, only slower."""
        if self._guest_of != held.holder:
            await self._leases.join_as_guest(self.collection, self.lsid)
            self._guest_of = held.holder

    async def submit(self, job: Job, *, fresh: bool = False) -> Result:
        """The job's result, once it is durable. ``fresh``: nobody tried it before, here or elsewhere."""
        if fresh and isinstance(job, Publication):
            self._fresh.add(job.id)
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((job, future))
        self._go_on()
        return await asyncio.shield(future)

    def _go_on(self, ended: asyncio.Task[None] | None = None) -> None:
        """Work while something waits, also after a job that nobody foresaw ended the task."""
        if ended is not None and not ended.cancelled() and (error := ended.exception()) is not None:
            log.error("a commit failed unforeseen", collection=self.collection, exc_info=error)
        if self._queue and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())
            self._task.add_done_callback(self._go_on)

    async def _work(self) -> None:
        while self._queue:
            group = self._take()
            try:
                await self._settle(group)
            finally:
                _fail(group, UnavailableError("The write could not be done; nothing of it was stored."))
            # Woken writers join the next group instead of the one after it.
            await asyncio.sleep(0)

    def _take(self) -> list[tuple[Job, asyncio.Future[Result]]]:
        group = [self._queue.popleft()]
        if not isinstance(group[0][0], Publication):
            return group
        objects, size = _weight(group[0][0])
        while self._queue and len(group) < GROUP_REQUESTS:
            job = self._queue[0][0]
            if not isinstance(job, Publication):
                break
            more, bytes_more = _weight(job)
            objects, size = objects + more, size + bytes_more
            if objects > GROUP_OBJECTS or size > GROUP_BYTES:
                break
            group.append(self._queue.popleft())
        return group

    async def _settle(self, group: list[tuple[Job, asyncio.Future[Result]]]) -> None:
        jobs = [job for job, _ in group]
        fresh = self._no_more_fresh(jobs)
        try:
            if not self.holds or self._held_until - time.monotonic() < 1.5:
                await self.claim()
            results = await self._commit(jobs, fresh)
        except UnavailableError as error:
            _fail(group, error)
        except ConnectionFailure as error:
            self._away(group, error)
        except PyMongoError:
            if len(group) > 1:
                half = len(group) // 2
                await self._settle(group[:half])
                await self._settle(group[half:])
                return
            if fresh:  # unless its caller had it committed before, after all
                await self._settle(group)
                return
            log.exception("a commit failed", collection=self.collection)
            _fail(group, UnavailableError("The database refused the write; nothing of it was stored."))
        else:
            for (_, future), result in zip(group, results, strict=True):
                if not future.done():
                    future.set_result(result)

    def _away(self, group: Sequence[tuple[Job, asyncio.Future[Result]]], error: ConnectionFailure) -> None:
        """Not the fault of one request: to look for a guilty one would only make all wait longer."""
        away = UnavailableError("The database cannot be reached right now; try again soon.")
        _fail(group, away)
        if isinstance(error, ServerSelectionTimeoutError):  # as long again would those wait
            _fail(self._queue, away)
            self._queue.clear()

    async def _commit(self, jobs: Sequence[Job], fresh: frozenset[str]) -> Sequence[Result]:
        if isinstance(jobs[0], Change):
            return [await self._transactions.change(self._session, jobs[0])]
        if isinstance(jobs[0], Settlement):
            return [await self._transactions.settle(self._session, jobs[0])]
        if isinstance(jobs[0], FeedAgain):
            return [await self._transactions.feed_again(self._session, jobs[0])]
        publications = [job for job in jobs if isinstance(job, Publication)]
        return await self._transactions.publish(self._session, publications, fresh)

    def _no_more_fresh(self, jobs: Sequence[Job]) -> frozenset[str]:
        """Those of the publications that are tried for the first time now."""
        fresh = self._fresh.intersection(job.id for job in jobs if isinstance(job, Publication))
        self._fresh -= fresh
        return frozenset(fresh)

    async def _conflict(self, seconds: float) -> None:
        if seconds > 1 and self.holds:
            await self._leases.end_guests(self.collection, self.lsid)

    async def stop(self) -> None:
        """Finish what waits, then give the lease back."""
        if self._task is not None:
            await self._task
        if self.holds:
            await self._leases.release(self.collection)
        await self._session.end_session()


def _weight(job: Job) -> tuple[int, int]:
    if not isinstance(job, Publication):
        return 1, 0
    return len(job.offers), sum(len(offer.data) for offer in job.offers)


def _fail(group: Iterable[tuple[Job, asyncio.Future[Result]]], error: UnavailableError) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
            future.exception()  # the caller may have hung up: then nobody else retrieves it


class Commits:
    """The way of every commit of this process: to its own committer, or to the lease's holder."""

    def __init__(self, database: AsyncDatabase[Document], now: Clock | None = None) -> None:
        self._now = now
        path = private_socket()
        self._database = database
        self._leases = Leases(database, Member.here(path))
        self._receiver = Receiver(path, self._taken_in)
        self._committers: dict[int, Committer] = {}
        self._senders: dict[str, Sender] = {}
        self._started = False
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Be reachable for the other processes of this host."""
        async with self._starting:
            if not self._started:
                await self._receiver.start()
                self._started = True

    async def stop(self) -> None:
        """Finish, and let others go on at once."""
        await self._receiver.stop()
        for committer in self._committers.values():
            await committer.stop()
        for sender in self._senders.values():
            await sender.close()

    async def publish(self, publication: Publication) -> Status:
        """Commit; an envelope beyond the limits of one transaction takes several."""
        parts = split(publication)
        for part in parts[:-1]:
            status = await self._status(part)
            parts[-1] = replace(parts[-1], settled=parts[-1].settled + _placed(part, status))
        return await self._status(parts[-1])

    async def _status(self, part: Publication) -> Status:
        result = await self._routed(part)
        if isinstance(result, str):
            raise TypeError(result)
        return result

    async def change(self, change: Change) -> ChangeResult:
        """Commit an act on an object."""
        return cast("ChangeResult", await self._told(change))

    async def settle(self, said: Settlement) -> SettleResult:
        """Commit an officer's word on what waits for release."""
        return cast("SettleResult", await self._told(said))

    async def feed_again(self, step: FeedAgain) -> AgainResult:
        """Commit a step of feeding an agency again."""
        return cast("AgainResult", await self._told(step))

    async def _told(self, job: Change | Settlement | FeedAgain) -> str:
        result = await self._routed(job)
        if isinstance(result, Status):
            raise TypeError(result.id)
        return result

    async def _routed(self, job: Job) -> Result:
        await self.start()
        deadline = time.monotonic() + BUDGET
        fresh = True
        while time.monotonic() < deadline:
            committer = self._committer(job.collection)
            if committer.holds:
                return await committer.submit(job, fresh=fresh)
            held = await committer.claim()
            if held.holder == self._leases.member.id:
                return await committer.submit(job, fresh=fresh)
            if held.host != self._leases.member.host:
                await committer.be_guest_of(held)
                return await committer.submit(job, fresh=fresh)
            try:
                fresh = False
                return await self._sender(held.address).send(job)
            except HolderGoneError:
                self._senders.pop(held.address, None)
                await committer.steal(held)
            except HolderBusyError:
                await asyncio.sleep(0.02)
        raise UnavailableError("No process could commit the write in time; send it again.")

    async def _taken_in(self, job: Job) -> Result:
        """From another process: only while the lease is ours, or can be renewed."""
        committer = self._committer(job.collection)
        if not committer.holds:
            held = await committer.claim()
            if held.holder != self._leases.member.id:
                raise HolderBusyError
        return await committer.submit(job)

    def _committer(self, collection: int) -> Committer:
        if collection not in self._committers:
            self._committers[collection] = Committer(collection, self._database, self._leases, self._now)
        return self._committers[collection]

    def _sender(self, address: str) -> Sender:
        if address not in self._senders:
            self._senders[address] = Sender(address)
        return self._senders[address]


def split(publication: Publication) -> list[Publication]:
    """Parts that each fit into one transaction; the last one has the publication's own id."""
    objects, weight = _weight(publication)
    if objects <= PART_OBJECTS and weight <= PART_BYTES:
        return [publication]
    parts: list[list[Any]] = [[]]
    size = 0
    for offer in publication.offers:
        full = len(parts[-1]) >= PART_OBJECTS or size + len(offer.data) > PART_BYTES
        if parts[-1] and offer.beside is None and full:
            parts.append([])
            size = 0
        parts[-1].append(offer)
        size += len(offer.data)
    result = [
        replace(publication, id=f"{publication.id}/{index}", offers=tuple(offers), settled=())
        for index, offers in enumerate(parts[:-1])
    ]
    return [*result, replace(publication, offers=tuple(parts[-1]))]


def _placed(part: Publication, status: Status) -> tuple[tuple[int, Any], ...]:
    asked = [offer for offer in part.offers if offer.beside is None]
    return tuple((offer.position, outcome) for offer, outcome in zip(asked, status.outcomes, strict=True))
