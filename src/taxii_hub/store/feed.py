"""The feed: MongoDB's answer to :class:`taxii_hub.store.base.Feed`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, ExecutionTimeout, OperationFailure, PyMongoError

from taxii_hub.errors import UnavailableError
from taxii_hub.model import ObjectQuery, Page, Policy, Status, Visibility, Withdrawal
from taxii_hub.store.base import (
    Acknowledged,
    Change,
    ChangeResult,
    Projection,
    Publication,
    Settlement,
    SettleResult,
    Standing,
)
from taxii_hub.store.classes import LIFETIME, PolicyClasses
from taxii_hub.store.clock import Clock
from taxii_hub.store.committer import Commits
from taxii_hub.store.following import Follower
from taxii_hub.store.gaining import count_again, gain_of, open_gains
from taxii_hub.store.gaining_base import AgainResult, FeedAgain, Gain
from taxii_hub.store.held import ends_of
from taxii_hub.store.marks import Marks
from taxii_hub.store.queries import INDEXES
from taxii_hub.store.reading import FeedReader, standing_of
from taxii_hub.store.statuses import status_of, with_ends
from taxii_hub.store.withdrawals import acknowledge, acknowledged, withdrawn

log = structlog.get_logger(__name__)

__all__ = ("INDEXES", "MongoFeed", "database_errors")


@asynccontextmanager
async def database_errors() -> AsyncIterator[None]:
    """Say UnavailableError where the database is away; what it said stays in the log."""
    try:
        yield
    except ConnectionFailure:
        raise UnavailableError("The database cannot be reached right now; try again soon.") from None
    except ExecutionTimeout:
        raise UnavailableError("The database took too long; ask for less, or try again.") from None
    except OperationFailure as error:
        log.warning("MongoDB refused a command", code=error.code, name=(error.details or {}).get("codeName"))
        raise UnavailableError("The database could not answer; try again soon.") from error
    except PyMongoError as error:
        raise UnavailableError("The database could not be asked; try again soon.") from error


class MongoFeed:
    """Entries, statuses and policy classes of one database."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], lifetime: float = LIFETIME, now: Clock | None = None
    ) -> None:
        self._database = database
        self._reader = FeedReader(database)
        self._classes = PolicyClasses(database, lifetime)
        self._commits = Commits(database, now)
        self._marks = Marks()
        self._follower = Follower(database, self._marks)

    @property
    def slack(self) -> float:
        """Seconds that may pass between looking up the classes and having read the page."""
        return self._classes.slack

    async def refresh(self) -> None:
        """Read new policy classes and follow new commits; called each second in every process."""
        self._follower.keep()
        async with database_errors():
            await self._classes.refresh()

    async def stop(self) -> None:
        """Finish waiting commits."""
        await self._follower.stop()
        async with database_errors():
            await self._commits.stop()
            await self._reader.close()

    async def classes(self, collection: int) -> Mapping[int, Policy]:
        """Every policy class that entries of the collection may carry at this moment."""
        known = self._classes.fresh(collection)
        if known is not None:
            return known
        async with database_errors():
            return await self._classes.of(collection)

    async def intern(self, collection: int, policies: frozenset[Policy]) -> Mapping[Policy, int]:
        """Class numbers of the policies; the first use of a new one waits two seconds."""
        async with database_errors():
            return await self._classes.intern(collection, policies)

    async def page(
        self, visibility: Visibility, query: ObjectQuery, projection: Projection, limit: int
    ) -> Page:
        """Entries in stamp order, in one snapshot; where nothing is new, as one that was read before said."""
        known = self._marks.nothing_new(visibility, query)
        if known is not None:
            return known
        with self._marks.reading(visibility) as read:
            async with database_errors():
                page, newest = await self._reader.page(visibility, query, projection, limit)
            if newest is not None:
                self._marks.learn(read, visibility.at, query, newest)
        return page

    async def object_page(
        self, visibility: Visibility, object_id: str, query: ObjectQuery, projection: Projection, limit: int
    ) -> Page:
        """Versions of one object in stamp order, in one snapshot."""
        async with database_errors():
            return await self._reader.object_page(visibility, object_id, query, projection, limit)

    async def newest(self, visibility: Visibility) -> int | None:
        """The newest stamp that the reader may see."""
        async with database_errors():
            return await self._reader.newest(visibility)

    async def classes_of(
        self, visibility: Visibility, ids: Sequence[str], among: Sequence[int]
    ) -> Mapping[str, int]:
        """Of each object the class of its last visible version, if it is one of ``among``."""
        async with database_errors():
            return await self._reader.classes_of(visibility, ids, among)

    async def commit(self, publication: Publication) -> Status:
        """Store; durable when it returns."""
        try:
            async with database_errors():
                return await self._commits.publish(publication)
        finally:
            self._marks.touched(publication.collection, {offer.policy for offer in publication.offers})

    async def classes_on(self, collection: int, object_id: str) -> frozenset[int]:
        """The classes of all entries of an object, for planning a change of it."""
        async with database_errors():
            found = await self._database["entries"].distinct("p", {"c": collection, "i": object_id})
            return frozenset(found)

    async def standing(self, collection: int, object_id: str) -> tuple[Standing, ...]:
        """Every stored version in every class."""
        async with database_errors():
            rows = await self._database["entries"].find({"c": collection, "i": object_id}).to_list()
        return tuple(standing_of(row) for row in rows)

    async def change(self, change: Change) -> ChangeResult:
        """End or move versions of an object."""
        touched = await self._concerned(change)
        try:
            async with database_errors():
                return await self._commits.change(change)
        finally:
            self._marks.touched(change.collection, touched)

    async def settle(self, said: Settlement) -> SettleResult:
        """An officer's word on what waits for release."""
        touched = set() if said.change is None else await self._concerned(said.change)
        if said.policy is not None:
            touched.add(said.policy)
        try:
            async with database_errors():
                return await self._commits.settle(said)
        finally:
            self._marks.touched(said.collection, touched)

    async def _concerned(self, change: Change) -> set[int]:
        """The classes whose readers may notice an act; what is erased because it is over nobody notices."""
        if change.kind == "expire":
            return set()
        copies = {copy for _, _, copy in change.pairs if copy is not None}
        return {
            *await self.classes_on(change.collection, change.object_id),
            *copies,
            *([] if change.to is None else [change.to]),
        }

    async def gains(self) -> tuple[Gain, ...]:
        """Who is still to be fed again, the oldest gain first."""
        async with database_errors():
            return await open_gains(self._database)

    async def gain(self, gain_id: str) -> Gain | None:
        """One gain as it stands."""
        async with database_errors():
            return await gain_of(self._database, gain_id)

    async def feed_again(self, step: FeedAgain) -> AgainResult:
        """One step of a gain."""
        try:
            async with database_errors():
                return await self._commits.feed_again(step)
        finally:
            self._marks.touched(step.collection, {each.copies for each in step.classes})

    async def count_again(self, step: FeedAgain) -> int:
        """How many objects a whole gain would feed now."""
        async with database_errors():
            return await count_again(self._database, step)

    async def withdrawn(self, visibility: Visibility, after: int, limit: int) -> tuple[Withdrawal, ...]:
        """What the reader could see and can see no more."""
        async with database_errors():
            return await withdrawn(self._database, visibility, after, limit)

    async def acknowledge(self, visibility: Visibility, ids: Sequence[str]) -> frozenset[str]:
        """Note that the reader's agency carried these withdrawals out."""
        async with database_errors():
            return await acknowledge(self._database, visibility, ids)

    async def acknowledged(self, collection: int, agency: str, limit: int) -> tuple[Acknowledged, ...]:
        """What ``agency`` withdrew, and who has carried it out."""
        async with database_errors():
            return await acknowledged(self._database, collection, agency, limit)

    async def status(self, status_id: str) -> Status | None:
        """A status of the last seven days."""
        async with database_errors():
            document = await self._database["statuses"].find_one({"_id": status_id})
            if document is None or "outcomes" not in document:
                return None
            status = status_of(document)
            waits = [one.pending for one in status.outcomes if one.pending is not None]
            return with_ends(status, await ends_of(self._database, waits) if waits else {})

    async def count_by_class(self, collection: int) -> Mapping[int, int]:
        """How many entries each policy class of the collection has."""
        async with database_errors():
            classes = await self._classes.of(collection)
            entries = self._database["entries"]
            return {
                number: await entries.count_documents({"c": collection, "p": number}, hint="all")
                for number in classes
            }
