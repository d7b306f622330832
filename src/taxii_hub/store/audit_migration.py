"""Schema version 3: the leaves that commits wrote before there was a log are queued for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.ledger.leaves import Actor, leaf_of
from taxii_hub.store.audit_queue import durable, queued

_DETAILS = ("status", "epoch", "offered", "stored", "object", "removed")


async def queue_leaves_of_before(database: AsyncDatabase[dict[str, Any]]) -> None:
    """One leaf for each request of a document of ``audit``, under a name of its own: repeating adds none."""
    database = durable(database)
    async for document in database["audit"].find({}, sort=[("_id", 1)]):
        writes = [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in _queued(document)]
        if writes:
            await database["audit_queue"].bulk_write(writes)
        await database["audit"].delete_one({"_id": document["_id"]})
    await database["audit"].drop()


def _queued(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for place, request in enumerate(document.get("requests", ())):
        by = Actor(request.get("account", ""), request.get("agency"))
        details = {name: request.get(name) for name in _DETAILS}
        leaf = leaf_of(document["kind"], document["at"], by, {**details, "feed": document["c"]})
        yield queued(leaf, f"{document['_id']}/{place}")
