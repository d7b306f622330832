"""Taking a backup: every collection of the database as one snapshot of it, over the driver.

A commit is in it whole or not at all, whatever is written meanwhile. What one process keeps for itself
(leases, sessions, claims) is left out: it would be somebody's who is no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from taxii_hub import __version__
from taxii_hub.errors import StoreError, UnavailableError
from taxii_hub.keyring import Keyring
from taxii_hub.store.backup_file import BackupWriter, Manifest, Tally, new_file
from taxii_hub.store.migrations import Deployment, check_deployment, schema_version

Document = dict[str, Any]
Database = AsyncDatabase[Document]

STAGING: Final = "restoring."
"""How the collections are named that a restore fills."""
LEFT_OUT: Final = frozenset({"leases", "audit_sessions", "edition_claims"})
_WITHOUT: Final[Mapping[str, Document]] = {"audit_state": {"_id": {"$ne": "sequencer"}}}
_TOO_OLD: Final = 239
_NOT_YET: Final = 246
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose database it is: which secrets seal the file, and what all its hubs share."""

    keyring: Keyring
    deployment: Deployment


async def back_up(database: Database, path: Path, identity: Identity) -> Manifest:
    """Write the database as it is now into a new file, beside running hubs.

    Raises StoreError (the file, other secrets, a snapshot that MongoDB did not keep long enough) and
    UnavailableError.
    """
    try:
        schema = await schema_version(database)
        if not schema:
            raise StoreError(f"there is nothing in the database {database.name}: no hub ever used it")
        await check_deployment(database, identity.deployment)
        with new_file(path) as file:
            return await _written(database, file, identity, schema)
    except OperationFailure as error:
        if error.code == _TOO_OLD:
            raise StoreError(await _too_slow(database)) from None
        raise StoreError(f"MongoDB refused to be read ({(error.details or {}).get('codeName')})") from error
    except PyMongoError as error:
        raise UnavailableError(f"the database went away ({type(error).__name__}); run it again") from error


async def counted(database: Database) -> dict[str, int]:
    """About how many documents each collection has that a backup would hold."""
    try:
        names = await kept_collections(database)
        return {name: await database[name].estimated_document_count() for name in names}
    except PyMongoError as error:
        raise UnavailableError(f"the database went away ({type(error).__name__}); run it again") from error


async def kept_collections(database: Database) -> list[str]:
    """The names of what a backup holds."""
    names = await database.list_collection_names()
    ours = [name for name in names if not name.startswith(("system.", STAGING))]
    # What grows fastest is read first: of one that takes too long less is thrown away.
    return sorted(set(ours) - LEFT_OUT, key=lambda name: (name != "entries", name))


async def _written(database: Database, file: BinaryIO, identity: Identity, schema: int) -> Manifest:
    names = await kept_collections(database)
    hello = await database.client.admin.command("hello")
    taken_at = int(hello["localTime"].replace(tzinfo=UTC).timestamp() * 1_000_000)
    async with _snapshot(database, names) as session:
        writer = BackupWriter(file)
        for name in names:
            writer.begin(name)
            wanted = _WITHOUT.get(name, {})
            found = cast(
                "AsyncIterator[bytes]", database[name].find_raw_batches(wanted, session=session)
            )  # typed wrongly by the driver
            async for batch in found:
                writer.add(name, batch)
        manifest = await _manifest(database, session, _Told(identity, schema, taken_at, writer.tallies()))
    writer.finish(manifest, identity.keyring)
    return manifest


@asynccontextmanager
async def _snapshot(database: Database, names: list[str]) -> AsyncIterator[AsyncClientSession]:
    """A session whose snapshot shows each of these collections: one made this very moment it does not yet."""
    for left in reversed(range(_TRIES)):
        async with database.client.start_session(snapshot=True) as session:
            try:
                for name in names:
                    await database[name].find_one({}, {"_id": 1}, session=session)
            except OperationFailure as error:
                if error.code != _NOT_YET or not left:
                    raise
                await asyncio.sleep(0.2)
                continue
            yield session
            return


@dataclass(frozen=True, slots=True)
class _Told:
    identity: Identity
    schema: int
    taken_at: int
    tallies: Mapping[str, Tally]


async def _manifest(database: Database, session: AsyncClientSession, told: _Told) -> Manifest:
    newest = [("_id", -1)]
    clocks = {str(row["_id"]): int(row["last"]) async for row in database.clocks.find({}, session=session)}
    catalogue = await database.catalogs.find_one({}, {"_id": 1}, sort=newest, session=session)
    end = await database.audit_log.find_one({}, {"h": 1}, sort=newest, session=session)
    deployment = told.identity.deployment
    return Manifest(
        release=__version__,
        schema=told.schema,
        database=database.name,
        fingerprint=deployment.fingerprint,
        id_namespace=deployment.id_namespace,
        taken_at=told.taken_at,
        catalogue=catalogue["_id"] if catalogue else 0,
        clocks=clocks,
        log=end["_id"] + 1 if end else 0,
        log_end=bytes(end["h"]).hex() if end else "",
        collections=told.tallies,
    )


async def _too_slow(database: Database) -> str:
    name = "minSnapshotHistoryWindowInSeconds"
    try:
        window = (await database.client.admin.command({"getParameter": 1, name: 1}))[name]
    except PyMongoError:
        window = "300 by default"
    return (
        f"MongoDB keeps a snapshot for {window} seconds, and the backup took longer: set {name} higher for its"
        f" duration (`db.adminCommand({{setParameter: 1, {name}: 3600}})` on every member), or write to a faster disk"
    )
