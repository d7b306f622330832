"""What was taken from somebody: which object and version, when, why; never the content.

``p`` is the class that the version was in and ``q`` the one that it moved to, if it was not ended: whoever
reads the first and not the second has lost it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.model import Visibility, Withdrawal
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Acknowledged, Change
from taxii_hub.store.plan import Known

Document = dict[str, Any]
ORDER = [("at", ASCENDING), ("_id", ASCENDING)]


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
    """What this reader has lost since ``after`` (exclusively), the oldest first: ``limit`` of them, and
    what else one act took at the moment of the last one."""
    classes = list(visibility.classes)
    wanted = {
        "c": visibility.collection,
        "p": {"$in": classes},
        "at": {"$gt": after},
        "q": {"$nin": classes},
    }
    rows = await database["withdrawals"].find(wanted, hint="listed", sort=ORDER, limit=limit).to_list()
    if len(rows) == limit:
        rest = {**wanted, "at": rows[-1]["at"], "_id": {"$gt": rows[-1]["_id"]}}
        rows += await database["withdrawals"].find(rest, hint="listed", sort=ORDER).to_list()
    return tuple(_withdrawal(row) for row in rows)


async def acknowledge(
    database: AsyncDatabase[Document], visibility: Visibility, ids: Sequence[str]
) -> frozenset[str]:
    """The ids that were this reader's to acknowledge; the first time that he does so counts."""
    classes = list(visibility.classes)
    his = {
        "_id": {"$in": list(ids)},
        "c": visibility.collection,
        "p": {"$in": classes},
        "q": {"$nin": classes},
    }
    field = f"by.{visibility.agency}"
    await database["withdrawals"].update_many(
        {**his, field: {"$exists": False}}, {"$set": {field: Int64(visibility.at)}}
    )
    return frozenset(await database["withdrawals"].distinct("_id", his))


async def acknowledged(
    database: AsyncDatabase[Document], collection: int, agency: str, limit: int
) -> tuple[Acknowledged, ...]:
    """What an agency withdrew, the newest first."""
    wanted = {"c": collection, "agency": agency}
    newest = [("at", DESCENDING), ("_id", ASCENDING)]
    rows = await database["withdrawals"].find(wanted, hint="origin", sort=newest, limit=limit).to_list()
    return tuple(
        Acknowledged(_withdrawal(row), row["p"], row["q"], {k: int(v) for k, v in row.get("by", {}).items()})
        for row in rows
    )


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
