"""Status resources as stored: small arrays instead of documents, since one may hold 30,000 rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bson.int64 import Int64

from taxii_hub.model import Outcome, Status


def status_document(status: Status) -> dict[str, Any]:
    """The stored form; ``at`` drives its expiry."""
    return {
        "_id": status.id,
        "agency": status.agency,
        "api_root": status.api_root,
        "collection": status.collection,
        "requested_at": Int64(status.requested_at),
        "stored": status.stored,
        "outcomes": [[o.id, o.version, o.ok, o.message, o.stored] for o in status.outcomes],
        "at": datetime.now(UTC),
    }


def change_document(change_id: str) -> dict[str, Any]:
    """Remembers that an act was committed, for when it is sent again; never shown."""
    return {"_id": change_id, "at": datetime.now(UTC)}


def status_of(document: Mapping[str, Any]) -> Status:
    """The noun of a stored status."""
    return Status(
        id=document["_id"],
        agency=document["agency"],
        api_root=document["api_root"],
        collection=document["collection"],
        requested_at=document["requested_at"],
        outcomes=tuple(
            Outcome(id=row[0], version=row[1], ok=row[2], message=row[3], stored=row[4])
            for row in document["outcomes"]
        ),
        stored=document["stored"],
    )
