"""The audit log of an export in the place of the older one of a backup, so that it goes on unbroken."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
from bson.int64 import Int64
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.ledger.log import tile_root
from taxii_hub.store.audit import row_of
from taxii_hub.store.backup_evidence import export_lines

Document = dict[str, Any]
_TOGETHER: Final = 1000


async def load_export(database: AsyncDatabase[Document], prefix: str, path: Path) -> None:
    """Bring ``audit_*`` below ``prefix`` to what a verified export says that the log was."""
    log, queue = database[f"{prefix}audit_log"], database[f"{prefix}audit_queue"]
    newest = await log.find_one({}, {"_id": 1}, sort=[("_id", -1)])
    first = newest["_id"] + 1 if newest else 0
    numbered: set[bytes] = set()
    later = (row for row in export_lines(path, "n") if row["n"] >= first)
    for rows in _groups(row_of(row["n"], row["leaf"].encode()) for row in later):
        await log.insert_many(rows)
        numbered.update(sha256(row["b"]).digest() for row in rows)
    # What waited for a number when the backup was taken has got one since.
    done = [each["_id"] async for each in queue.find({}) if sha256(each["b"]).digest() in numbered]
    await queue.delete_many({"_id": {"$in": done}})
    await _replaced(database, f"{prefix}audit_tiles", map(_tile, export_lines(path, "tile")))
    await _replaced(
        database, f"{prefix}audit_checkpoints", map(_checkpoint, export_lines(path, "checkpoint"))
    )
    with path.open("rb") as lines:
        header = orjson.loads(next(lines))
    signed = 0
    for line in export_lines(path, "checkpoint"):
        signed = int(line["note"].split("\n")[1])
    stood = {
        "size": Int64(header["size"]),
        "frontier": _nodes(header["frontier"]),
        "checkpoints": header["checkpoints"],
        "signed": Int64(signed),
    }
    await database[f"{prefix}audit_state"].update_one({"_id": "tree"}, {"$set": stood}, upsert=True)


async def _replaced(database: AsyncDatabase[Document], name: str, rows: Iterable[Document]) -> None:
    await database[name].delete_many({})
    for group in _groups(rows):
        await database[name].insert_many(group)


def _groups(rows: Iterable[Document]) -> Iterator[list[Document]]:
    rest = iter(rows)
    while group := list(islice(rest, _TOGETHER)):
        yield group


def _tile(line: Document) -> Document:
    hashes = base64.b64decode(line["hashes"])
    root = tile_root(hashes)
    return {"_id": line["tile"], "h": hashes, **({} if root is None else {"r": root})}


def _checkpoint(line: Document) -> Document:
    return {"_id": line["checkpoint"], "note": line["note"], "frontier": _nodes(line["frontier"])}


def _nodes(texts: Iterable[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]
