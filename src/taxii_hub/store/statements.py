"""Changes of entries as MongoDB takes them: few statements, whatever their number."""

from __future__ import annotations

from typing import Any

from pymongo import UpdateMany, UpdateOne

Document = dict[str, Any]


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
