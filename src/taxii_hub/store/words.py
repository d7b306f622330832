"""The words that statuses have about objects: a message may quote a value, so they end with the object.

A status names, as short hashes in ``told``, the objects that it has words about: whatever ends an object
takes the words out in the same commit, without reading every status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from bson.int64 import Int64
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.store.plan import Known


def told_of(rows: Iterable[tuple[str, str | None]]) -> list[Int64]:
    """Of (object id, words): the hashes of those ids that there are words about."""
    return [_hashed(each) for each in dict.fromkeys(name for name, words in rows if words is not None)]


def _hashed(object_id: str) -> Int64:
    return Int64(int.from_bytes(blake2b(object_id.encode(), digest_size=8).digest(), "big", signed=True))


async def forget_words(
    statuses: AsyncCollection[dict[str, Any]],
    agency: str,
    object_ids: Sequence[str],
    session: AsyncClientSession,
) -> None:
    """Take the words about these objects out of what the agency was told. Others were told of their own
    copies: that theirs changed would tell them that something of another's ended."""
    ids = list(object_ids)
    await statuses.update_many(
        {"told": {"$in": [_hashed(each) for each in ids]}, "agency": agency},
        {"$set": {"outcomes.$[row].3": None}},
        array_filters=[{"row.0": {"$in": ids}, "row.3": {"$ne": None}}],
        hint="told",
        session=session,
    )


async def forget_erased(
    statuses: AsyncCollection[dict[str, Any]],
    erased: Iterable[Known],
    origins: Mapping[int, str],
    session: AsyncClientSession,
) -> None:
    """The same for what is over; ``origins``: whose each class is, if anybody's."""
    ended: dict[str, set[str]] = {}
    for entry in erased:
        if origin := origins.get(entry.policy):
            ended.setdefault(origin, set()).add(entry.id)
    for origin, ids in sorted(ended.items()):
        await forget_words(statuses, origin, sorted(ids), session)


async def name_what_was_told(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Schema version 4: ``told`` for the statuses of before."""
    statuses = database["statuses"]
    writes = []
    async for row in statuses.find({"outcomes": {"$exists": True}, "told": {"$exists": False}}):
        told = told_of((each[0], each[3]) for each in row["outcomes"])
        if told:
            writes.append(UpdateOne({"_id": row["_id"]}, {"$set": {"told": told}}))
    if writes:
        await statuses.bulk_write(writes)
