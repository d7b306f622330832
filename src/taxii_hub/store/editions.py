"""Editions of lists in MongoDB.

``editions``         {_id: "<lineage>/<report id>", k: lineage, c, agency, family, list, report, edition, sha256,
                     converter, format_version, begun_at, finished_at, counts}   one for each edition, kept
``edition_members``  {_id: "<edition>/<n>", e: edition, m: [[record key, [object id, …]], …]}   of the newest ones
``edition_records``  {_id: "<lineage>/<record key>", key, edition, ids}   where files add up: what each record holds;
                     record keys are sealed (``exchange/edition_keys.py``), because some are names
``edition_claims``   {_id: lineage, holder, expires}   who ingests the list at this moment

The feed is the truth about objects. What stands here says which objects belong to which record of which
edition, and can be made again by converting the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, DeleteOne, IndexModel, ReadPreference, ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taxii_hub.store.base import EditionRecord, Lineage, Members
from taxii_hub.store.feed import database_errors
from taxii_hub.store.queries import chunks

Document = dict[str, Any]

EPOCH = datetime.fromtimestamp(0, UTC)
CHUNK_RECORDS = 1000
CHUNK_IDS = 20_000
"""Ids in one document of ``edition_members``: about 2 MB."""

INDEXES: dict[str, list[IndexModel]] = {
    "editions": [IndexModel([("k", ASCENDING), ("edition", DESCENDING)], name="lineage")],
    "edition_members": [IndexModel([("e", ASCENDING)], name="edition")],
    "edition_records": [],
    "edition_claims": [],
}


class EditionStore:
    """Answers :class:`taxii_hub.exchange.edition_log.EditionLog`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        database = database.with_options(
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern("majority", j=True),
        )
        self._editions = database["editions"]
        self._members = database["edition_members"]
        self._records = database["edition_records"]
        self._claims = database["edition_claims"]

    async def editions(self, lineage: Lineage, report: str | None = None) -> tuple[EditionRecord, ...]:
        """The editions of the list, the newest first."""
        wanted = {"k": _key(lineage)} if report is None else {"_id": f"{_key(lineage)}/{report}"}
        newest = [("edition", DESCENDING), ("begun_at", DESCENDING)]
        async with database_errors():
            found = await self._editions.find(wanted, sort=newest).to_list()
        return tuple(_record(lineage, document) for document in found)

    async def members(self, record: EditionRecord) -> dict[str, tuple[str, ...]]:
        """The objects of each record."""
        found: dict[str, tuple[str, ...]] = {}
        async with database_errors():
            async for document in self._members.find({"e": _id(record)}):
                found.update((key, tuple(ids)) for key, ids in document["m"])
        return found

    async def begin(self, record: EditionRecord, members: Members) -> None:
        """The members come first: where the edition stands, they are complete."""
        edition = _id(record)
        async with database_errors():
            # One at a time: all of a large list together would not fit into one message.
            for number, chunk in enumerate(_chunks(members)):
                place = f"{edition}/{number}"
                await self._members.bulk_write(
                    [ReplaceOne({"_id": place}, {"_id": place, "e": edition, "m": chunk}, upsert=True)]
                )
            await self._editions.update_one(
                {"_id": edition}, {"$setOnInsert": _document(record)}, upsert=True
            )

    async def finish(self, record: EditionRecord) -> None:
        """Keeps the first time it was finished, and what happened then."""
        done = {"finished_at": _moment(record.finished_at), "counts": dict(record.counts)}
        async with database_errors():
            await self._editions.update_one({"_id": _id(record), "finished_at": None}, {"$set": done})

    async def forget(self, records: Sequence[EditionRecord]) -> None:
        """Delete their members."""
        async with database_errors():
            await self._members.delete_many({"e": {"$in": [_id(record) for record in records]}})

    async def records(
        self, lineage: Lineage, keys: Iterable[str], edition: int
    ) -> dict[str, tuple[str, ...]]:
        """What is remembered of these records, except where a later file said it."""
        found: dict[str, tuple[str, ...]] = {}
        async with database_errors():
            for part in chunks([_place(lineage, key) for key in keys], CHUNK_RECORDS):
                async for document in self._records.find(
                    {"_id": {"$in": part}, "edition": {"$lte": edition}}
                ):
                    found[document["key"]] = tuple(document["ids"])
        return found

    async def remember(self, lineage: Lineage, members: Members, edition: int) -> None:
        """Replaces what was remembered, except where a later file said it."""
        async with database_errors():
            for part in chunks(list(members.items()), CHUNK_RECORDS):
                places = {_place(lineage, key): (key, list(ids)) for key, ids in part}
                later = {"_id": {"$in": list(places)}, "edition": {"$gt": edition}}
                async for document in self._records.find(later, {"_id": 1}):
                    del places[document["_id"]]
                writes = [
                    ReplaceOne(
                        {"_id": place},
                        {"_id": place, "key": key, "edition": Int64(edition), "ids": ids},
                        upsert=True,
                    )
                    for place, (key, ids) in places.items()
                ]
                if writes:
                    await self._records.bulk_write(writes, ordered=False)

    async def claim(self, lineage: Lineage, holder: str, seconds: float) -> str | None:
        """By the database's clock, so that no two clocks are compared."""
        key = _key(lineage)
        free = {"_id": key, "$or": [{"holder": holder}, {"$expr": {"$lt": ["$expires", "$$NOW"]}}]}
        until = {"$add": ["$$NOW", int(seconds * 1000)]}
        taken = [{"$set": {"holder": {"$literal": holder}, "expires": until}}]
        async with database_errors():
            if await self._claims.find_one_and_update(free, taken) is not None:
                return None
            with suppress(DuplicateKeyError):  # an upsert knows no $expr; whoever inserts first asks again
                await self._claims.insert_one({"_id": key, "holder": holder, "expires": EPOCH})
                return await self.claim(lineage, holder, seconds)
            other = await self._claims.find_one({"_id": key})
        return other["holder"] if other is not None else "somebody"

    async def release(self, lineage: Lineage, holder: str) -> None:
        """Only one's own claim."""
        async with database_errors():
            await self._claims.delete_one({"_id": _key(lineage), "holder": holder})


async def seal_record_keys(database: AsyncDatabase[Document], seal: Callable[[str], str]) -> None:
    """Schema version 5: ``seal`` gives the form that is kept, of one that is sealed already the same."""
    async for row in database["edition_members"].find():
        sealed = [[seal(key), ids] for key, ids in row["m"]]
        await database["edition_members"].update_one({"_id": row["_id"]}, {"$set": {"m": sealed}})
    writes: list[ReplaceOne[Document] | DeleteOne] = []
    async for row in database["edition_records"].find():
        key = seal(row["key"])
        if key != row["key"]:
            place = row["_id"].removesuffix(row["key"]) + key
            writes += [
                ReplaceOne({"_id": place}, {**row, "_id": place, "key": key}, upsert=True),
                DeleteOne({"_id": row["_id"]}),
            ]
        if len(writes) >= CHUNK_RECORDS:
            await database["edition_records"].bulk_write(writes)
            writes = []
    if writes:
        await database["edition_records"].bulk_write(writes)


def _key(lineage: Lineage) -> str:
    return json.dumps([lineage.collection, lineage.agency, lineage.family, lineage.source_list])


def _id(record: EditionRecord) -> str:
    return f"{_key(record.lineage)}/{record.report}"


def _place(lineage: Lineage, key: str) -> str:
    return f"{_key(lineage)}/{key}"


def _chunks(members: Members) -> Iterator[list[list[Any]]]:
    chunk: list[list[Any]] = []
    size = 0
    for key, ids in members.items():
        if chunk and size + len(ids) > CHUNK_IDS:
            yield chunk
            chunk, size = [], 0
        chunk.append([key, list(ids)])
        size += len(ids)
    if chunk:
        yield chunk


def _moment(microseconds: int | None) -> Int64 | None:
    return None if microseconds is None else Int64(microseconds)


def _document(record: EditionRecord) -> Document:
    return {
        "k": _key(record.lineage),
        "c": record.lineage.collection,
        "agency": record.lineage.agency,
        "family": record.lineage.family,
        "list": record.lineage.source_list,
        "report": record.report,
        "edition": Int64(record.edition),
        "sha256": record.sha256,
        "converter": record.converter,
        "format_version": record.format_version,
        "begun_at": Int64(record.begun_at),
        "finished_at": _moment(record.finished_at),
        "counts": dict(record.counts),
    }


def _record(lineage: Lineage, document: Mapping[str, Any]) -> EditionRecord:
    return EditionRecord(
        lineage=lineage,
        report=document["report"],
        edition=document["edition"],
        sha256=document["sha256"],
        converter=document["converter"],
        format_version=document["format_version"],
        begun_at=document["begun_at"],
        finished_at=document["finished_at"],
        counts=document["counts"],
    )
