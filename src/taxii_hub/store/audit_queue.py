"""How a leaf is queued: durable at once, numbered by whoever grows the tree (``audit.py``)."""

from __future__ import annotations

from typing import Any

from pymongo import ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]

PATIENCE = 10.0
"""Seconds for one call."""


def queued(leaf: bytes, key: Any = None) -> Document:
    """A leaf as ``audit_queue`` holds it."""
    return {"b": leaf} if key is None else {"_id": key, "b": leaf}


def durable(database: AsyncDatabase[Document]) -> AsyncDatabase[Document]:
    """Reads and writes as a log needs them."""
    return database.with_options(
        read_concern=ReadConcern("majority"),
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority", j=True),
    )
