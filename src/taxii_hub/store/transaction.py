"""One commit: a single transaction that stamps, decides, writes, and records (rules R1 and R2).

The collection's clock document is moved first, inside the transaction: its write conflict lets one
uncommitted holder exist, so a larger stamp is handed out only when the smaller one is visible.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bson.int64 import Int64
from pymongo import DeleteMany
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, PyMongoError, ServerSelectionTimeoutError

from taxii_hub.errors import UnavailableError
from taxii_hub.model import Status
from taxii_hub.store.acting import Act, follow_up_documents
from taxii_hub.store.attempt import attempted
from taxii_hub.store.audit_queue import queued
from taxii_hub.store.base import Change, ChangeResult, Proposal, Publication, Settlement, SettleResult
from taxii_hub.store.change import ChangePlan, copy_document, plan_change
from taxii_hub.store.clock import Clock, ClockInCommit
from taxii_hub.store.commit_leaves import change_leaf, publish_leaves
from taxii_hub.store.erasing import HoldsInCommit, expiry_leaf, plan_expiry
from taxii_hub.store.gaining import GainsInCommit, again_leaf, plan_again
from taxii_hub.store.gaining_base import AgainResult, FeedAgain
from taxii_hub.store.meanwhile import meanwhile
from taxii_hub.store.plan import KNOWN_FIELDS, Known, Plan, planned
from taxii_hub.store.settling import End, QueueInCommit, judge, publication_of, words_for
from taxii_hub.store.statements import grouped, insert_all
from taxii_hub.store.statuses import change_document, status_of, statuses_for
from taxii_hub.store.withdrawals import withdrawal_documents
from taxii_hub.store.words import forget_erased, forget_words

Document = dict[str, Any]
Result = TypeVar("Result")

BUDGET = 10.0
"""Seconds that one commit may be tried again before the caller hears 503."""

STOOD_FIELDS = {"_id": 0, **dict.fromkeys(("c", "p", "s", "i", "v", "w", "a", "y"), 1)}


@dataclass(slots=True)
class Conflicts:
    """Told of every write conflict that a commit meets, with the seconds since its first try."""

    notice: Callable[[float], Awaitable[None]] | None = None

    async def met(self, seconds: float) -> None:
        """Let the owner of the lease look for a dead holder of the clock."""
        if self.notice is not None:
            await self.notice(seconds)


class Transactions:
    """Runs commits of one session; the session must not be shared by two tasks."""

    def __init__(
        self,
        database: AsyncDatabase[Document],
        conflicts: Conflicts | None = None,
        now: Clock | None = None,
    ) -> None:
        self._clock = ClockInCommit(database, now)
        self._entries = database["entries"]
        self._statuses = database["statuses"]
        self._audit = database["audit_queue"]
        self._history = database["stamp_history"]
        self._withdrawals = database["withdrawals"]
        self._follow_ups = database["follow_ups"]
        self._queue = QueueInCommit(database)
        self._holds = HoldsInCommit(database)
        self._gains = GainsInCommit(database)
        self._conflicts = conflicts or Conflicts()
        self._all_new = True

    async def publish(
        self, session: AsyncClientSession, group: Sequence[Publication], fresh: Collection[str] = ()
    ) -> list[Status]:
        """Commit publications of one collection together; the statuses are durable on return. ``fresh``: those
        that were never tried before, anywhere: nobody has to look whether they were committed already."""
        asked = [publication.id for publication in group if publication.id not in fresh]

        async def body() -> list[Status]:
            nonlocal asked
            tried, asked = asked, [publication.id for publication in group]
            return await self._publish(session, group, tried)

        return await self._run(session, body)

    async def change(self, session: AsyncClientSession, change: Change) -> ChangeResult:
        """Commit an act on one object, feeding again what becomes the last version for somebody (R7)."""
        return await self._run(session, lambda: self._change(session, change))

    async def settle(self, session: AsyncClientSession, said: Settlement) -> SettleResult:
        """Commit an officer's word on what waits; the last signature publishes in the same transaction."""
        return await self._run(session, lambda: self._settle(session, said))

    async def feed_again(self, session: AsyncClientSession, step: FeedAgain) -> AgainResult:
        """Commit one step of feeding an agency what it could not read before it gained rights (R7)."""
        return await self._run(session, lambda: self._feed_again(session, step))

    async def _publish(
        self, session: AsyncClientSession, group: Sequence[Publication], tried: Sequence[str]
    ) -> list[Status]:
        collection = group[0].collection
        offers = [offer for publication in group for offer in publication.offers]
        last = await self._clock.move(session, collection, len(offers), {each.policy for each in offers})
        done = await self._done(session, tried) if tried else {}
        todo = [publication for publication in group if publication.id not in done]
        plan = await self._decided(session, collection, todo, last)
        writing = self._write(session, (), plan.updates, plan.inserts)
        _, (statuses, documents) = await meanwhile(writing, lambda: statuses_for(todo, plan.outcomes))
        await self._queue.hold(session, plan.held)
        if statuses:
            await self._statuses.insert_many(documents, session=session)
            leaves = publish_leaves(todo, statuses, plan, last)
            await insert_all(self._audit, [queued(leaf) for leaf in leaves], session)
        done.update({status.id: status for status in statuses})
        return [done[publication.id] for publication in group]

    async def _decided(
        self, session: AsyncClientSession, collection: int, todo: Sequence[Publication], last: int
    ) -> Plan:
        """What to do. It is thought out while the database looks for what is known of the objects: as if that were
        nothing, where nothing was known of those before them."""
        waiting = await self._queue.waiting(session, todo)
        ids = list({offer.id for publication in todo for offer in publication.offers})
        looking = self._known(session, collection, ids)
        guess = self._all_new
        known, plan = await meanwhile(looking, lambda: planned(todo, last, waiting) if guess else None)
        self._all_new = not known
        return planned(todo, last, waiting, known) if known or plan is None else plan

    async def _done(self, session: AsyncClientSession, tried: Sequence[str]) -> dict[str, Status]:
        """Requests that were committed before (their answer was lost): answered from the status."""
        found = self._statuses.find({"_id": {"$in": list(tried)}}, session=session)
        return {document["_id"]: status_of(document) async for document in found}

    async def _known(self, session: AsyncClientSession, collection: int, ids: list[str]) -> list[Known]:
        if not ids:
            return []
        cursor = self._entries.find(
            {"c": collection, "i": {"$in": ids}},
            KNOWN_FIELDS,
            hint="object",
            session=session,
            batch_size=10_000,
        )
        return [Known.of(document) async for document in cursor]

    async def _change(self, session: AsyncClientSession, change: Change) -> ChangeResult:
        await self._clock.move(session, change.collection, 0)
        if await self._statuses.find_one({"_id": change.id}, session=session):
            return "done"  # committed before, its answer was lost
        if change.kind == "expire":
            return await self._expire(session, change)
        acts = [await self._planned(session, each) for each in (change, *change.also)]
        # Nothing is written before it is known that all of it can be.
        if any(act.result == "classes" for act in acts):
            return "classes"
        if not acts[0].moves and acts[0].result != "unchanged":
            return acts[0].result
        for act in acts:
            if act.moves:
                await self._carry_out(session, act)
        return "done" if any(act.moves for act in acts) else "unchanged"

    async def _planned(self, session: AsyncClientSession, change: Change) -> Act:
        known = await self._known(session, change.collection, [change.object_id])
        result, plan = plan_change(change, known)
        held: list[Proposal] = []
        if change.to is None and result in ("done", "not-found"):
            held = await self._queue.chosen(session, change)
        return Act(change, result, plan, known, held)

    async def _carry_out(self, session: AsyncClientSession, act: Act) -> None:
        change, plan, known, held = act.change, act.plan, act.known, act.held
        last = await self._clock.move(session, change.collection, len(plan.fed), plan.touched(known))
        going = [*plan.deletes, *(fed.key for fed in plan.fed if not fed.copy)]
        await self._remember(session, going)
        await self._holds.keep(session, change, plan.deletes, held, last)
        copies = await self._stamped(session, plan, last)
        await self._write(session, plan.deletes, plan.updates, copies)
        await self._statuses.insert_one(change_document(change.id), session=session)
        if change.to is None:
            await forget_words(self._statuses, change.agency, [change.object_id], session)
        if plan.taken:
            lost = withdrawal_documents(change, plan.taken, last)
            await self._withdrawals.insert_many(lost, session=session)
        if change.follow and plan.taken:
            left = follow_up_documents(change, plan.taken, last)
            await self._follow_ups.insert_many(left, session=session)
        await self._audit.insert_one(queued(change_leaf(change, plan, last)), session=session)
        await self._queue.withdraw(session, change, held, last)

    async def _expire(self, session: AsyncClientSession, change: Change) -> ChangeResult:
        """Erase what is over of these objects; who reads what is left notices nothing of it."""
        free = await self._holds.free(session, change)
        known = await self._known(session, change.collection, free)
        plan = plan_expiry(known, change.at)
        if not plan.deletes and not plan.updates:
            return "unchanged"
        gone = set(plan.deletes)
        classes = {entry.policy for entry in known if entry.key in gone}
        at = await self._clock.move(session, change.collection, 0, classes)
        await self._remember(session, plan.deletes)
        await self._write(session, plan.deletes, plan.updates, ())
        await self._statuses.insert_one(change_document(change.id), session=session)
        origins = await self._holds.origins(session, plan)
        await forget_erased(self._statuses, plan.erased, origins, session)
        await self._audit.insert_one(queued(expiry_leaf(change, plan, at, origins)), session=session)
        return "done"

    async def _feed_again(self, session: AsyncClientSession, step: FeedAgain) -> AgainResult:
        now = await self._clock.move(session, step.collection, 0)
        window = await self._gains.window(session, step, now)
        if window is None:
            return "done"
        known = await self._known(session, step.collection, list(window.ids))
        plan = plan_again(step, known, window)
        if plan.fed:
            last = await self._clock.move(session, step.collection, len(plan.fed), plan.touched(known))
            await self._remember(session, [fed.key for fed in plan.fed if not fed.copy])
            copies = await self._stamped(session, plan, last)
            await self._write(session, (), plan.updates, copies)
            await self._audit.insert_one(queued(again_leaf(step, plan.stamps(last))), session=session)
        return await self._gains.went_on(session, step, window, len(plan.fed))

    async def _settle(self, session: AsyncClientSession, said: Settlement) -> SettleResult:
        at = await self._clock.move(session, said.collection, 0)
        proposal = await self._queue.find(session, said.proposal)
        if proposal is None:
            return await self._queue.told_before(session, said)
        verdict = judge(proposal, said)
        if verdict == "signed":
            await self._queue.sign(session, proposal, said, at)
        elif verdict in ("refused", "expired"):
            words = words_for(proposal, said)
            await self._queue.end(
                session, proposal, End(said.id, said.account, said.agency, at, verdict, words)
            )
        elif verdict == "released":
            return await self._fulfil(session, proposal, said)
        return verdict

    async def _fulfil(
        self, session: AsyncClientSession, proposal: Proposal, said: Settlement
    ) -> SettleResult:
        if said.change is not None:
            result = await self._change(session, said.change)
            if result == "classes":
                return "classes"
            ok = result in ("done", "unchanged")
            words = None if ok else "it was changed or taken back meanwhile"
        else:
            # What waits is not published a second time, so it has to be out of the queue first.
            await self._queue.take(session, proposal)
            (status,) = await self._publish(session, [publication_of(proposal, said)], [said.id])
            ok, words = status.outcomes[0].ok, status.outcomes[0].message
        at = await self._clock.move(session, said.collection, 0)
        verdict: SettleResult = "released" if ok else "failed"
        await self._queue.end(session, proposal, End(said.id, said.account, said.agency, at, verdict, words))
        return verdict

    async def _stamped(self, session: AsyncClientSession, plan: ChangePlan, last: int) -> list[Document]:
        """Give the new stamps to what is fed; returns the documents of the copies."""
        keys = [fed.key for fed in plan.fed if fed.copy]
        found = self._entries.find({"_id": {"$in": keys}}, session=session) if keys else None
        sources = {} if found is None else {row["_id"]: row async for row in found}
        copies = []
        for fed, stamp in zip(plan.fed, plan.stamps(last), strict=True):
            if not fed.copy:
                plan.updates.setdefault(fed.key, {})["s"] = Int64(stamp)
                continue
            copies.append({**copy_document(sources[fed.key], fed.entry), "s": Int64(stamp)})
        return copies

    async def _remember(self, session: AsyncClientSession, going: Sequence[Any]) -> None:
        """Which object stood under a stamp that is about to go: the audit log names what was read by it."""
        if going:
            found = self._entries.find({"_id": {"$in": list(going)}}, STOOD_FIELDS, session=session)
            await self._history.insert_many(await found.to_list(), session=session)

    async def _write(
        self,
        session: AsyncClientSession,
        deletes: Sequence[Any],
        updates: dict[Any, Document],
        inserts: Sequence[Document],
    ) -> None:
        # Deletes and updates go first: an insert may need the unique key that a delete frees.
        writes: list[Any] = []
        if deletes:
            writes.append(DeleteMany({"_id": {"$in": list(deletes)}}))
        writes += grouped(updates)
        if writes:
            await self._entries.bulk_write(writes, ordered=True, session=session)
        await insert_all(self._entries, inserts, session)

    async def _run(self, session: AsyncClientSession, body: Callable[[], Awaitable[Result]]) -> Result:
        began = time.monotonic()
        attempt = 0
        while True:
            try:
                result = await attempted(session, body)
            except PyMongoError as error:
                transient = error.has_error_label("TransientTransactionError")
                away = isinstance(error, ServerSelectionTimeoutError)  # the driver has waited already
                if away or not (transient or isinstance(error, ConnectionFailure)):
                    raise
            else:
                if await self._commit(session, began):
                    return result
            waited = time.monotonic() - began
            if waited > BUDGET:
                raise UnavailableError("The database did not take the write in time; send it again.")
            await self._conflicts.met(waited)
            attempt += 1
            await asyncio.sleep(random.uniform(0, min(0.05, 0.002 * 2**attempt)))  # noqa: S311

    async def _commit(self, session: AsyncClientSession, began: float) -> bool:
        """False: the whole transaction is to be run again."""
        while True:
            try:
                await session.commit_transaction()
            except PyMongoError as error:
                if error.has_error_label("UnknownTransactionCommitResult"):
                    away = isinstance(error, ServerSelectionTimeoutError)
                    if away or time.monotonic() - began > BUDGET:
                        raise UnavailableError(
                            "The database did not say whether the write was kept; send it again."
                        ) from None
                    await asyncio.sleep(0.05)
                    continue
                if error.has_error_label("TransientTransactionError"):
                    return False
                raise
            return True
