"""Restoring a backup: read and compared whole, filled beside what is there, then put in its place.

    checked     the file, the database, who still runs; nothing was written
    loading     the mark in ``meta`` keeps hubs from starting; ``restoring.*`` is filled; may be aborted
    switching   each collection takes its place by a rename, ``meta`` last, which takes the mark away;
                one that dies here is finished by the next run

Clocks go on from after whatever is known to have been given, never back (rule R1): who polled after the
backup holds positions from after it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import pymongo
from bson import decode
from bson.codec_options import CodecOptions
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from taxii_hub.errors import StoreError, UnavailableError
from taxii_hub.ledger.leaves import Actor, leaf_of
from taxii_hub.stix import timestamps
from taxii_hub.store.audit_queue import queued
from taxii_hub.store.audit_sessions import SILENCE
from taxii_hub.store.backup import STAGING, Identity
from taxii_hub.store.backup_evidence import Evidence, from_database, from_export
from taxii_hub.store.backup_file import BackupReader, Manifest, documents
from taxii_hub.store.backup_log import load_export
from taxii_hub.store.clock import MINUTE
from taxii_hub.store.migrations import RESTORE_MARK, SCHEMA_VERSION, Indexes

Document = dict[str, Any]
Database = AsyncDatabase[Document]
Log = Literal["kept", "export", "backup"]

_RAW: Final = CodecOptions(document_class=RawBSONDocument)
_LOG: Final = frozenset(
    {"audit_log", "audit_tiles", "audit_checkpoints", "audit_state", "audit_queue", "audit_sessions"}
)
_LAST: Final = ("clocks", "audit_queue", "audit_log", "meta")
"""What tells what was done after the backup is replaced at the end, so that an interrupted switch can."""
_PATIENCE: Final = 3600.0
"""Seconds for one step: an index over many millions of entries takes its time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to restore. ``export``: a newer export of the audit log; ``replace``: also over what is there."""

    path: Path
    identity: Identity
    indexes: Indexes
    by: Actor
    replace: bool = False
    export: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was, or would be, restored. ``there``: documents that it replaces, by collection; ``clocks``:
    the stamps that each feed goes on from; ``log``: where the audit log goes on from."""

    manifest: Manifest
    evidence: Evidence
    there: Mapping[str, int]
    clocks: Mapping[int, int]
    log: Log
    resumed: bool = False


async def restore(database: Database, order: Order, dry_run: bool = False) -> Outcome:
    """Put the database back to what the file holds; only looks with ``dry_run``.

    Raises StoreError where that is refused, having written nothing, and UnavailableError.
    """
    try:
        outcome = await _looked_at(database, order)
        if not dry_run:
            if not outcome.resumed:
                await _load(database, order, outcome)
            await _switch(database, order, outcome)
        return outcome
    except OperationFailure as error:
        raise StoreError(
            f"the restore stopped, MongoDB refused: {(error.details or {}).get('errmsg')}. Nothing is lost: run it"
            " again, or `taxii-hub store restore --abort`"
        ) from error
    except PyMongoError as error:
        raise UnavailableError(f"the database went away ({type(error).__name__}); run it again") from error


async def abort(database: Database) -> bool:
    """Give up a restore that was not finished; False where there is none. Raises StoreError where it has
    gone too far for that."""
    try:
        mark = await database.meta.find_one({"_id": RESTORE_MARK})
        if mark is not None and mark["state"] == "switching":
            raise StoreError(
                "this restore has begun to replace collections and cannot be taken back any more: run it again"
                " with the same file, which finishes it"
            )
        left = await _staging(database)
        for name in left:
            await database.drop_collection(name)
        await database.meta.delete_one({"_id": RESTORE_MARK})
        if mark is not None and await database.meta.find_one({}) is None:
            await database.drop_collection("meta")
        return mark is not None or bool(left)
    except PyMongoError as error:
        raise UnavailableError(f"the database went away ({type(error).__name__}); run it again") from error


# --- looking -----------------------------------------------------------------------------------


async def _looked_at(database: Database, order: Order) -> Outcome:
    reader = BackupReader(order.path, order.identity.keyring)
    waiting = {
        sha256(decode(each)["b"]).digest()
        for name, data in reader.blocks()
        if name == "audit_queue"
        for each in documents(data)
    }
    manifest = reader.manifest
    _refuse_manifest(manifest, order)
    await _refuse_running(database)
    there = await _there(database)
    resumed = await _begun_before(database, manifest)
    if there and not order.replace and not resumed:
        raise StoreError(
            f"the database {database.name} is not empty"
            f" ({', '.join(f'{name} {number}' for name, number in sorted(there.items()))}): --replace restores over"
            " it, which ends what is there"
        )
    evidence = await _evidence(database, order, manifest, waiting, bool(there))
    log: Log = "backup"
    if evidence.continues:
        log = "kept" if evidence.source == "database" else "export"
    clocks = await _clocks(database, manifest, evidence)
    return Outcome(manifest, evidence, there, clocks, log, resumed)


def _refuse_manifest(manifest: Manifest, order: Order) -> None:
    deployment = order.identity.deployment
    if manifest.fingerprint != deployment.fingerprint:
        raise StoreError(
            f"{order.path}: it belongs to hubs with other secrets (fingerprint {manifest.fingerprint}, here"
            f" {deployment.fingerprint}): let TAXII_HUB_SECRETS_DIR name a copy of theirs"
        )
    if manifest.id_namespace != deployment.id_namespace:
        raise StoreError(
            f"{order.path}: it was filled with TAXII_HUB_ID_NAMESPACE={manifest.id_namespace}: set it to that"
        )
    if manifest.schema > SCHEMA_VERSION:
        raise StoreError(
            f"{order.path}: it has schema version {manifest.schema}, made by TAXII Hub {manifest.release}; this"
            f" release knows {SCHEMA_VERSION}: install that one or a newer one"
        )


async def _refuse_running(database: Database) -> None:
    living = {"$gt": ["$beat", {"$subtract": ["$$NOW", int(SILENCE * 1000)]}]}
    found = await database.audit_sessions.find({"open": True, "$expr": living}).to_list()
    if found:
        who = ", ".join(f"{each['host']} (pid {each['pid']})" for each in found)
        raise StoreError(
            f"hubs or commands use the database {database.name}: {who}. Stop them; one that was killed counts as"
            f" running for {SILENCE:.0f} seconds"
        )


async def _staging(database: Database) -> list[str]:
    return [name for name in await database.list_collection_names() if name.startswith(STAGING)]


async def _there(database: Database) -> dict[str, int]:
    """What a restore would end, by collection, without what a restore itself left."""
    counts = {}
    for name in await database.list_collection_names():
        if not name.startswith(("system.", STAGING)):
            counts[name] = await database[name].count_documents({"_id": {"$ne": RESTORE_MARK}})
    return {name: number for name, number in counts.items() if number}


async def _begun_before(database: Database, manifest: Manifest) -> bool:
    """Whether this very file was being put in place when its restore was interrupted."""
    mark = await database.meta.find_one({"_id": RESTORE_MARK})
    if mark is None or mark["state"] != "switching":
        return False
    if mark["backup"] != _digest(manifest):
        raise StoreError(
            "the restore of another backup was interrupted while it replaced collections: run that one again first"
        )
    return True


def _digest(manifest: Manifest) -> str:
    return sha256(manifest.text()).hexdigest()


async def _evidence(
    database: Database, order: Order, manifest: Manifest, waiting: set[bytes], there: bool
) -> Evidence:
    found = await from_database(database, manifest, waiting) if there else Evidence()
    if order.export is None:
        return found
    told = from_export(order.export, order.identity.keyring, manifest, waiting)
    found.clocks = told.clocks = {
        feed: max(found.clocks.get(feed, 0), told.clocks.get(feed, 0))
        for feed in found.clocks.keys() | told.clocks.keys()
    }
    # Of two logs that both go on from the backup the longer one knows more.
    return found if found.continues and found.size >= told.size else told


async def _clocks(database: Database, manifest: Manifest, evidence: Evidence) -> dict[int, int]:
    """A minute is what the clocks of the old and the new database may differ by without anybody knowing."""
    hello = await database.client.admin.command("hello")
    now = int(hello["localTime"].replace(tzinfo=UTC).timestamp() * 1000) * 1000
    stood = {int(feed): stamp for feed, stamp in manifest.clocks.items()}
    feeds = stood.keys() | evidence.clocks.keys()
    newest = {feed: max(now, stood.get(feed, 0), evidence.clocks.get(feed, 0)) for feed in feeds}
    return {feed: (stamp // 1000 + 1) * 1000 + MINUTE for feed, stamp in newest.items()}


# --- loading -----------------------------------------------------------------------------------


async def _load(database: Database, order: Order, outcome: Outcome) -> None:
    await _mark(database, outcome.manifest, "loading")
    for name in await _staging(database):
        await database.drop_collection(name)
    reader = BackupReader(order.path, order.identity.keyring)
    for name, data in reader.blocks():
        await _fill(database, STAGING + name, data)
    if reader.manifest != outcome.manifest:
        raise StoreError(f"{order.path}: it was replaced by another file meanwhile; run it again")
    await _refuse_incomplete(database, outcome.manifest)
    for feed, stamp in outcome.clocks.items():
        moved = {"$set": {"last": Int64(stamp)}}
        await database[f"{STAGING}clocks"].update_one({"_id": feed}, moved, upsert=True)
    if outcome.log == "export" and order.export is not None:
        await load_export(database, STAGING, order.export)
    await _make_indexes(database, order.indexes)
    await _refuse_running(database)


async def _make_indexes(database: Database, indexes: Indexes) -> None:
    there = await _staging(database)
    with pymongo.timeout(_PATIENCE):
        for name, models in indexes.items():
            if models:
                await database[STAGING + name].create_indexes(list(models))
            elif STAGING + name not in there:
                await database.create_collection(STAGING + name, check_exists=False)


async def _refuse_incomplete(database: Database, manifest: Manifest) -> None:
    """Of two restores at the same time neither may put the mixture in place."""
    for name, told in manifest.collections.items():
        if await database[STAGING + name].count_documents({}) != told.documents:
            raise StoreError(
                "another restore into this database runs, or its collections were changed: run it again, alone"
            )


async def _mark(database: Database, manifest: Manifest, state: str) -> str:
    """The name of this restore, the same from its begin to its end."""
    said = {"state": state, "backup": _digest(manifest), "at": datetime.now(UTC)}
    named = {"$ifNull": ["$name", uuid.uuid4().hex]}
    mark = await database.meta.find_one_and_update(
        {"_id": RESTORE_MARK},
        [{"$set": {**said, "name": named}}],
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return str(mark["name"]) if mark else ""


async def _fill(database: Database, name: str, data: bytes) -> None:
    with pymongo.timeout(_PATIENCE):
        if not data:
            await database.create_collection(name, check_exists=False)
            return
        target = database.get_collection(name, codec_options=_RAW)
        await target.insert_many([RawBSONDocument(each) for each in documents(data)], ordered=False)


def _leaf(order: Order, outcome: Outcome) -> bytes:
    """The log's own record. What was read between the backup and now is in no log, where it was not kept."""
    manifest = outcome.manifest
    details = {
        "backup": _digest(manifest),
        "taken_at": timestamps.format(manifest.taken_at),
        "log": outcome.log,
        "rows": manifest.log,
        "documents": manifest.documents,
        "to_send_again": len(outcome.evidence.unsent),
        "to_do_again": len(outcome.evidence.undone),
        "known_by": outcome.evidence.source,
    }
    return leaf_of("restore", time.time_ns() // 1000, order.by, details)


# --- switching ---------------------------------------------------------------------------------


async def _switch(database: Database, order: Order, outcome: Outcome) -> None:
    name = await _mark(database, outcome.manifest, "switching")
    keep = _LOG if outcome.log == "kept" else frozenset()
    filled = {each.removeprefix(STAGING) for each in await _staging(database)}
    fresh = "audit_queue" in filled - keep
    queue = database[f"{STAGING}audit_queue" if fresh else "audit_queue"]
    with suppress(DuplicateKeyError):  # said before it was interrupted
        await queue.insert_one(queued(_leaf(order, outcome), f"restore-{name}"))
    restored = filled | outcome.manifest.collections.keys()
    with pymongo.timeout(_PATIENCE):
        for there in await database.list_collection_names():
            if there not in restored | keep and not there.startswith(("system.", STAGING)):
                await database.drop_collection(there)
        for each in sorted(filled, key=_turn):
            if each in keep:
                await database.drop_collection(STAGING + each)
            else:
                await database[STAGING + each].rename(each, dropTarget=True)


def _turn(name: str) -> int:
    return _LAST.index(name) if name in _LAST else -1
