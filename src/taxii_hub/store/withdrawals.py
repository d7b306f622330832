"""What was taken from somebody: which object and version, when, why; never the content.

``p`` is the class that the version was in and ``q`` the one that it moved to, if it was not ended: whoever
reads the first and not the second has lost it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson.int64 import Int64
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.model import Visibility, Withdrawal
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Change
from taxii_hub.store.plan import Known

Document = dict[str, Any]


def withdrawal_documents(change: Change, taken: Sequence[Known], last: int) -> list[Document]:
    """One for each version that the act took out of its class."""
    return [
        {
            "_id": f"{change.id}/{index}",
            "c": change.collection,
            "i": entry.id,
            "v": timestamps.canonical(entry.version)
            if entry.version
            else timestamps.format(entry.accepted or 0),
            "p": entry.policy,
            "q": change.to,
            "at": Int64(last),
            "agency": change.agency,
            "kind": change.kind,
            "reason": change.reason,
        }
        for index, entry in enumerate(taken)
    ]


async def withdrawn(
    database: AsyncDatabase[Document], visibility: Visibility, after: int, limit: int
) -> tuple[Withdrawal, ...]:
    """What this reader has lost since ``after`` (exclusively), the oldest first."""
    classes = list(visibility.classes)
    wanted = {
        "c": visibility.collection,
        "p": {"$in": classes},
        "at": {"$gt": after},
        "q": {"$nin": classes},
    }
    found = database["withdrawals"].find(wanted, hint="listed", limit=limit)
    rows = await found.sort([("at", ASCENDING), ("_id", ASCENDING)]).to_list()
    return tuple(_withdrawal(row) for row in rows)


def _withdrawal(row: Mapping[str, Any]) -> Withdrawal:
    return Withdrawal(
        id=row["_id"],
        object_id=row["i"],
        version=row["v"],
        at=row["at"],
        agency=row["agency"],
        kind=row["kind"],
        reason=row["reason"],
    )
