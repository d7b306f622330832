"""Changes of entries as MongoDB takes them: few statements, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateMany, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

Document = dict[str, Any]

MOST_BYTES = 15 * 1024 * 1024
"""In one command, which may have 16 MB."""
OTHER_BYTES = 1000
"""What surrounds the bytes of an object, at most."""
CLASS_BYTES = 16


async def insert_all(
    collection: AsyncCollection[Document], documents: Sequence[Document], session: AsyncClientSession
) -> None:
    """As ``insert_many`` in a transaction, at a third of its cost: documents of entries or of leaves go as they
    are, and get their ``_id`` from the database. Raises BulkWriteError."""
    for part in _parts(documents):
        reply = await collection.database.command(
            {"insert": collection.name, "documents": part, "ordered": True}, session=session
        )
        if reply.get("writeErrors"):
            raise BulkWriteError(reply)


def _parts(documents: Sequence[Document]) -> list[list[Document]]:
    """As many as one command may carry."""
    parts: list[list[Document]] = [[]]
    size = 0
    for document in documents:
        more = len(document["b"]) + OTHER_BYTES
        for name in ("u", "g", "d"):
            if name in document:
                more += CLASS_BYTES * len(document[name])
        if parts[-1] and size + more > MOST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(document)
        size += more
    return [part for part in parts if part]


def grouped(updates: dict[Any, Document]) -> list[Any]:
    """Updates of equal effect become one statement."""
    groups: dict[str, tuple[Document, list[Any]]] = {}
    for key, fields in updates.items():
        groups.setdefault(repr(sorted(fields.items())), (fields, []))[1].append(key)
    return [
        UpdateOne({"_id": keys[0]}, _update(fields))
        if len(keys) == 1
        else UpdateMany({"_id": {"$in": keys}}, _update(fields))
        for fields, keys in groups.values()
    ]


def _update(fields: Document) -> Document:
    update: Document = {"$set": {k: v for k, v in fields.items() if v is not None}}
    if gone := {name: "" for name, value in fields.items() if value is None}:
        update["$unset"] = gone
    return update
