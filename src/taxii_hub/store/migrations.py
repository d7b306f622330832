"""The schema's version: made, brought forward, never used by a hub that does not know it.

``meta`` holds two documents: ``schema`` (the version) and ``deployment`` (which secrets and which id
namespace the data belong to); a third one says that a backup is being restored. Every step may be
repeated, so an interrupted migration is resumed by running it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from taxii_hub.errors import SchemaVersionError, StoreError, UnavailableError
from taxii_hub.store.audit_migration import queue_leaves_of_before
from taxii_hub.store.editions import seal_record_keys
from taxii_hub.store.words import name_what_was_told

SCHEMA_VERSION: Final = 5
RESTORE_MARK: Final = "restore"
"""The document of ``meta`` that is there while a backup is being restored; no hub starts meanwhile."""
_NAMESPACE_EXISTS: Final = 48

Database = AsyncDatabase[dict[str, Any]]
Indexes = Mapping[str, Sequence[IndexModel]]
Seal = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Deployment:
    """What all hubs on one database share: the keyring's fingerprint and the id namespace. ``seal`` is how
    they write the keys of records."""

    fingerprint: str
    id_namespace: str
    seal: Seal | None = field(default=None, compare=False, repr=False)


Step = Callable[[Database, Deployment], Awaitable[None]]


async def _policies_by_value(database: Database, _: Deployment) -> None:
    """Version 1 told policies apart by their TLP word. Two that are equal now keep their numbers; the
    second one is found by nobody who interns, and stays readable."""
    async for old in database.policies.find({"needs": {"$exists": False}}, sort=[("_id", 1)]):
        audience = "*" if old["audience"] is None else ",".join(old["audience"])
        key = f"{old['origin']}|0|{audience}||*"
        if await database.policies.find_one({"c": old["c"], "key": key}, {"_id": 1}):
            key = f"{key}#{old['_id']}"
        new = {"key": key, "level": 0, "needs": [], "purposes": None}
        await database.policies.update_one({"_id": old["_id"]}, {"$set": new, "$unset": {"reason": ""}})


async def _queue_leaves(database: Database, _: Deployment) -> None:
    await queue_leaves_of_before(database)


async def _name_what_was_told(database: Database, _: Deployment) -> None:
    await name_what_was_told(database)


async def _seal_record_keys(database: Database, deployment: Deployment) -> None:
    if deployment.seal is not None:
        await seal_record_keys(database, deployment.seal)


_STEPS: Final[Mapping[int, tuple[str, Step | None]]] = {
    1: ("collections and indexes", None),
    2: ("policies by value, without TLP words", _policies_by_value),
    3: ("queue the audit leaves of before for the log", _queue_leaves),
    4: ("name the objects that statuses have words about", _name_what_was_told),
    5: ("seal the keys of records that editions remember", _seal_record_keys),
}
"""What leads to each version. Version 1 has no step of its own: indexes are looked after at every run."""


async def migrate(
    database: Database, indexes: Indexes, deployment: Deployment, dry_run: bool = False
) -> tuple[str, ...]:
    """Bring the database to this hub's schema; returns what was (or would be) done, in words.

    Raises SchemaVersionError for a newer one, StoreError for one that belongs to other secrets or
    that has data which an index refuses.
    """
    try:
        version = await _version(database)
        await check_deployment(database, deployment)
        done = [f"schema version {n}: {_STEPS[n][0]}" for n in range(version + 1, SCHEMA_VERSION + 1)]
        missing = await _missing(database, indexes)
        done += [f"make {name}" for name in missing]
        if not dry_run:
            await _claim(database, deployment)
            await _forward(database, version, deployment)
            await _make(database, indexes)
            await _reached(database, SCHEMA_VERSION)
    except OperationFailure as error:
        raise StoreError(
            f"the database could not be migrated: {(error.details or {}).get('errmsg')}"
        ) from error
    except PyMongoError as error:
        raise UnavailableError(f"the database went away ({type(error).__name__}); run it again") from error
    return tuple(done)


async def check_schema(database: Database, deployment: Deployment) -> None:
    """Refuse a database that this hub must not use.

    Raises SchemaVersionError (newer, or not migrated yet), StoreError (other secrets or another id
    namespace), UnavailableError.
    """
    try:
        version = await _version(database)
        await check_deployment(database, deployment)
    except PyMongoError as error:
        raise UnavailableError(f"the database does not answer ({type(error).__name__})") from error
    if version < SCHEMA_VERSION:
        raise SchemaVersionError(
            f"the database has schema version {version or 'none'}, this hub needs {SCHEMA_VERSION}: run"
            " `taxii-hub store migrate` (`taxii-hub serve` does it too)"
        )


async def schema_version(database: Database) -> int:
    """The version found, 0 where nothing was made yet. Raises SchemaVersionError for a newer one."""
    try:
        return await _version(database)
    except PyMongoError as error:
        raise UnavailableError(f"the database does not answer ({type(error).__name__})") from error


async def _version(database: Database) -> int:
    found = await database.meta.find_one({"_id": "schema"})
    version = found["version"] if found else 0
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"the database has schema version {version}, made by a newer TAXII Hub; this one knows"
            f" {SCHEMA_VERSION}: install the newer release, or restore a backup made before the migration"
        )
    return int(version)


async def check_deployment(database: Database, deployment: Deployment) -> None:
    """Raises StoreError for other secrets, another id namespace, or a restore that was not finished."""
    if await database.meta.find_one({"_id": RESTORE_MARK}) is not None:
        raise StoreError(
            f"a backup is being restored into the database {database.name}, or was not to its end: run"
            " `taxii-hub store restore` again with the same file, or `taxii-hub store restore --abort`"
        )
    found = await database.meta.find_one({"_id": "deployment"})
    if found is None:
        return
    if found["fingerprint"] != deployment.fingerprint:
        raise StoreError(
            f"the database {database.name} belongs to hubs with other secrets, so accounts and cursors would not"
            " verify: copy the secrets folder of the first hub to TAXII_HUB_SECRETS_DIR, or use another"
            " TAXII_HUB_MONGODB_DATABASE"
        )
    if found["id_namespace"] != deployment.id_namespace:
        raise StoreError(
            f"the database {database.name} was filled with TAXII_HUB_ID_NAMESPACE={found['id_namespace']};"
            f" with {deployment.id_namespace} every converted object would get a second id: set it back"
        )


async def _claim(database: Database, deployment: Deployment) -> None:
    """The first hub's secrets and namespace are written; of two first ones the loser is refused."""
    with suppress(DuplicateKeyError):
        ours = {"fingerprint": deployment.fingerprint, "id_namespace": deployment.id_namespace}
        await database.meta.update_one({"_id": "deployment"}, {"$setOnInsert": ours}, upsert=True)
    await check_deployment(database, deployment)


async def _forward(database: Database, version: int, deployment: Deployment) -> None:
    for number in range(version + 1, SCHEMA_VERSION + 1):
        step = _STEPS[number][1]
        if step is not None:
            await step(database, deployment)
            await _reached(database, number)


async def _reached(database: Database, version: int) -> None:
    with suppress(DuplicateKeyError):  # another hub made the document in this very moment
        made = {"$setOnInsert": {"version": version, "made": datetime.now(UTC)}}
        await database.meta.update_one({"_id": "schema"}, made, upsert=True)
    await database.meta.update_one({"_id": "schema"}, {"$max": {"version": version}})


async def _make(database: Database, indexes: Indexes) -> None:
    for name, models in indexes.items():
        if models:
            await database[name].create_indexes(list(models))
        else:
            await _make_collection(database, name)


async def _make_collection(database: Database, name: str) -> None:
    try:
        await database.create_collection(name, check_exists=False)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise


async def _missing(database: Database, indexes: Indexes) -> list[str]:
    missing = []
    collections = set(await database.list_collection_names())
    for name, models in indexes.items():
        found = set(await database[name].index_information()) if name in collections else None
        if found is None:
            missing.append(f"collection {name}")
        missing += [
            f"index {name}.{m.document['name']}" for m in models if m.document["name"] not in (found or ())
        ]
    return missing
