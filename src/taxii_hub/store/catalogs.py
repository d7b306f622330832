"""The catalogue in force: numbered, hashed versions that every hub takes over within a second.

catalogs            {_id: version, digest, document, numbers: {collection id: number}, applied_at, applied_by}
collection_numbers  {_id: collection id, n: number}      never deleted, so no number is given twice
gains               who is to be fed again because of a version (``gaining.py``)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taxii_hub.errors import CatalogError, StoreError, UnavailableError
from taxii_hub.ledger.leaves import Actor, leaf_of
from taxii_hub.model import ApiRoot, Catalog, Collection
from taxii_hub.store.audit_queue import queued
from taxii_hub.store.gaining import gain_document
from taxii_hub.store.gaining_base import Gain

Document = dict[str, Any]

INDEXES: dict[str, list[IndexModel]] = {
    "collection_numbers": [IndexModel([("n", ASCENDING)], name="number", unique=True)],
    "gains": [IndexModel([("open", ASCENDING), ("at", ASCENDING)], name="open")],
}

_NEWEST = [("_id", DESCENDING)]
_NONE = "no catalogue is in force; run `taxii-hub collections apply`"

BUDGET = 20.0
"""Seconds that an apply is tried before the caller hears 503; the driver alone would go on for 120."""


@dataclass(frozen=True, slots=True)
class _Proposal:
    document: Document
    catalog: Catalog
    by: str
    expected_version: int | None
    gains: tuple[Gain, ...]


class Catalogs:
    """The catalogue in force as this process knows it, and the way to put the next one in force.

    ``decode`` makes a Catalog (digest filled) of a stored document; it raises CatalogError for one
    that it cannot read.
    """

    def __init__(self, database: AsyncDatabase[Document], decode: Callable[[Document], Catalog]) -> None:
        majority = ReadConcern("majority")
        self._client = database.client
        self._versions = database.get_collection("catalogs", read_concern=majority)
        self._numbers = database.get_collection("collection_numbers", read_concern=majority)
        self._entries = database.get_collection("entries")
        self._audit = database.get_collection("audit_queue")
        self._gains = database.get_collection("gains")
        self._decode = decode
        self._catalog: Catalog | None = None
        self._absence = _NONE
        self._lock = asyncio.Lock()

    @property
    def catalog(self) -> Catalog:
        """The catalogue in force, numbers and version filled. Raises StoreError if there is none."""
        if self._catalog is None:
            raise StoreError(self._absence)
        return self._catalog

    @property
    def version(self) -> int:
        """The number of the catalogue in force, 0 if there is none."""
        return self._catalog.version if self._catalog is not None else 0

    async def refresh(self) -> None:
        """Take over the newest version; one small read where nothing changed.

        Raises UnavailableError when the database is away, StoreError for a version that a newer
        hub wrote: then no catalogue is in force here, because an old one might grant too much.
        """
        async with self._lock, _reachable():
            newest = await self._versions.find_one({}, {"_id": 1}, sort=_NEWEST)
            if newest is not None and newest["_id"] == self.version:
                return
            stored = await self._versions.find_one({}, sort=_NEWEST)
            if stored is None:
                self._catalog, self._absence = None, _NONE
            else:
                self._take_over(stored)

    async def apply(
        self,
        document: Mapping[str, Any],
        by: str,
        expected_version: int | None = None,
        gains: Sequence[Gain] = (),
    ) -> Catalog:
        """Put a catalogue in force as the next version; the one in force already stays that version.

        ``expected_version`` is the version whose differences the caller has seen (0: none);
        ``gains`` say who is to be fed again because of these. Raises CatalogError, and changes nothing, if another one is in force or if a collection
        is missing that holds objects.
        """
        proposal = _Proposal(dict(document), self._decode(dict(document)), by, expected_version, tuple(gains))
        async with self._lock, _reachable(), asyncio.timeout(BUDGET):
            self._take_over(await self._commit(proposal))
            return self.catalog

    async def check(self, document: Mapping[str, Any]) -> None:
        """Raises the CatalogError with which ``apply`` would refuse; changes nothing."""
        proposed = self._decode(dict(document))
        async with _reachable():
            newest = await self._versions.find_one({}, sort=_NEWEST)
            if newest is not None:
                await self._refuse_losses(None, newest, proposed)

    def _take_over(self, stored: Mapping[str, Any]) -> None:
        try:
            catalog = self._decode(stored["document"])
        except CatalogError as error:
            self._catalog, self._absence = None, f"catalogue version {stored['_id']}: {error}"
            raise StoreError(self._absence) from error
        self._catalog = _numbered(catalog, stored["_id"], stored["numbers"])

    async def _commit(self, proposal: _Proposal) -> Document:
        async with self._client.start_session() as session:
            return await session.with_transaction(
                lambda inner: self._store(inner, proposal),
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
            )

    async def _store(self, session: AsyncClientSession, proposal: _Proposal) -> Document:
        newest = await self._versions.find_one({}, sort=_NEWEST, session=session)
        version = newest["_id"] if newest is not None else 0
        if proposal.expected_version not in {None, version}:
            raise CatalogError(
                f"version {version} is in force by now, not {proposal.expected_version}; "
                "look again at what changes (`taxii-hub collections apply --dry-run`)"
            )
        if newest is not None and newest["digest"] == proposal.catalog.digest:
            return newest
        if newest is not None:
            await self._refuse_losses(session, newest, proposal.catalog)
        now = time.time_ns() // 1000
        numbers = await self._give_numbers(session, proposal.catalog)
        following = {
            "_id": version + 1,
            "digest": proposal.catalog.digest,
            "document": proposal.document,
            "numbers": numbers,
            "applied_at": Int64(now),
            "applied_by": proposal.by,
        }
        await self._versions.insert_one(following, session=session)
        said = {
            "version": version + 1,
            "digest": proposal.catalog.digest,
            "frameworks": {
                root.path: sorted(numbers[collection.id] for collection in root.collections)
                for root in proposal.catalog.api_roots
            },
        }
        leaf = leaf_of("catalogue-apply", now, Actor(proposal.by), said)
        await self._audit.insert_one(queued(leaf), session=session)
        # What an agreement of the version before would have given on a later day, this one says itself.
        await self._gains.delete_many({"open": True, "at": {"$gt": now}}, session=session)
        named = [_named(each, following, now) for each in proposal.gains]
        if named:
            await self._gains.insert_many([gain_document(each) for each in named], session=session)
        return following

    async def _refuse_losses(
        self, session: AsyncClientSession | None, newest: Document, proposed: Catalog
    ) -> None:
        kept = {collection.id for root in proposed.api_roots for collection in root.collections}
        lost = []
        for root in newest["document"]["api_roots"]:
            for collection in root["collections"]:
                if collection["id"] in kept:
                    continue
                number = newest["numbers"][collection["id"]]
                if await self._entries.find_one({"c": number}, {"_id": 1}, session=session) is not None:
                    lost.append(
                        f"{root['path']}.yaml: collection {collection['alias']} ({collection['id']}) holds "
                        "objects and is missing; put it back and retire it instead (`retired: true`)"
                    )
        if lost:
            raise CatalogError("\n".join(lost))

    async def _give_numbers(self, session: AsyncClientSession, proposed: Catalog) -> dict[str, int]:
        """The number of every collection; the new ones get the numbers after the greatest ever given."""
        ids = [collection.id for root in proposed.api_roots for collection in root.collections]
        given = {each["_id"]: each["n"] async for each in self._numbers.find({}, session=session)}
        greatest = max(given.values(), default=0)
        fresh = {
            new: greatest + place for place, new in enumerate((i for i in ids if i not in given), start=1)
        }
        if fresh:
            documents = [{"_id": new, "n": number} for new, number in fresh.items()]
            await self._numbers.insert_many(documents, session=session)
        given.update(fresh)
        return {each: given[each] for each in ids}


def _named(gain: Gain, version: Mapping[str, Any], now: int) -> Gain:
    """As it is stored with the version that gives the rights."""
    collection = gain.collection or version["numbers"][gain.of]
    name = f"{version['_id']}/{collection}/{gain.agency}"
    later = f"{name}/{gain.at}" if gain.at else name
    return replace(gain, id=later, collection=collection, epoch=version["_id"], at=gain.at or now)


@asynccontextmanager
async def _reachable() -> AsyncIterator[None]:
    try:
        yield
    except (PyMongoError, TimeoutError) as error:
        raise UnavailableError("the database did not answer about the catalogue; try again") from error


def _numbered(catalog: Catalog, version: int, numbers: Mapping[str, int]) -> Catalog:
    roots = tuple(
        replace(root, collections=tuple(_placed(each, root, numbers) for each in root.collections))
        for root in catalog.api_roots
    )
    return replace(catalog, api_roots=roots, version=version)


def _placed(collection: Collection, root: ApiRoot, numbers: Mapping[str, int]) -> Collection:
    """A view's entries are those of its source."""
    number = numbers[collection.id]
    source = {each.alias: each.id for each in root.collections}.get(collection.view_of or "")
    return replace(collection, number=number, feed=number if source is None else numbers[source])
