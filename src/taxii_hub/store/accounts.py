"""Accounts and keys in MongoDB.

``accounts``: ``{_id: name, agency, title, roles, client_profile, created_at, revoked_at, narrowing}``;
``keys``: ``{_id: key id, account, pepper, mac, created_at, expires_at, lifetime, revoked_at,
last_used, refused}``. Each change is a transaction that first moves ``counters._id = "accounts"``: the
number tells the processes that there is news, and its write conflict keeps two changes apart. A dry run
is the same transaction, aborted at its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

import pymongo
from pymongo import ASCENDING, IndexModel, ReadPreference, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taxii_hub.errors import BadRequestError, NotFoundError, UnavailableError
from taxii_hub.model import ClientProfile
from taxii_hub.store.account_records import (
    AccountRecord,
    Directory,
    KeyRecord,
    KeyRefusal,
    KeyUse,
    Narrowing,
)
from taxii_hub.store.audit_queue import queued

Document = dict[str, Any]
Result = TypeVar("Result")

COUNTER = "accounts"
LIVE_KEYS = 2
PATIENCE = 4.0
"""Seconds for one call; below the 5 s for which a process trusts what it read."""

INDEXES: dict[str, list[IndexModel]] = {"keys": [IndexModel([("account", ASCENDING)], name="account")]}


class AccountStore:
    """The hub's accounts; answers :class:`taxii_hub.store.account_records.AccountDirectory`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        database = database.with_options(
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern("majority", j=True),
        )
        self._client = database.client
        self._accounts = database["accounts"]
        self._keys = database["keys"]
        self._counters = database["counters"]
        self._audit = database["audit_queue"]

    async def revision(self) -> int:
        """The number of the last change, 0 before the first."""
        with reached():
            counter = await self._counters.find_one({"_id": COUNTER})
        return counter["last"] if counter else 0

    async def read(self) -> Directory:
        """All accounts and keys, revoked ones too, in one snapshot."""
        with reached():
            async with self._client.start_session(snapshot=True) as session:
                counter = await self._counters.find_one({"_id": COUNTER}, session=session)
                accounts = await self._accounts.find({}, session=session).sort("_id").to_list()
                keys = await self._keys.find({}, session=session).sort("created_at").to_list()
        return Directory(
            counter["last"] if counter else 0,
            tuple(account_of(document) for document in accounts),
            tuple(key_of(document) for document in keys),
        )

    async def add(
        self, account: AccountRecord, key: KeyRecord, dry_run: bool = False, leaf: bytes | None = None
    ) -> None:
        """A new account with its first key. Raises BadRequestError where the name was used before."""

        async def change(session: AsyncClientSession) -> None:
            if await self._accounts.find_one({"_id": account.id}, session=session):
                raise BadRequestError(
                    f"there is or was an account {account.id}; choose another name (a revoked name is not "
                    "used again, so that old records stay unambiguous)"
                )
            narrowing = _narrowing_document(account.narrowing)
            document = {**_filled(asdict(account)), "roles": sorted(account.roles), "narrowing": narrowing}
            await self._accounts.insert_one(_keyed(document), session=session)
            await self._keys.insert_one(_keyed(_filled(asdict(key))), session=session)

        await self._change(change, dry_run, leaf)

    async def rotate(
        self, key: KeyRecord, overlap_until: int, dry_run: bool = False, leaf: bytes | None = None
    ) -> tuple[KeyRecord, ...]:
        """Add ``key`` beside the live one, which ends at ``overlap_until`` or at its own end if earlier."""

        async def change(session: AsyncClientSession) -> tuple[KeyRecord, ...]:
            account = await self._account(key.account, session)
            if account.revoked_at is not None:
                raise BadRequestError(f"account {account.id} is revoked for good; add another one")
            live = await self._live(account.id, key.created_at, session)
            if len(live) >= LIVE_KEYS:
                ids = " and ".join(old.id for old in live)
                raise BadRequestError(
                    f"account {account.id} has two live keys, {ids}: revoke the one that is no longer used "
                    f"(accounts revoke {account.id} --key ID), then rotate"
                )
            await self._keys.update_many(
                {"_id": {"$in": [old.id for old in live]}, "expires_at": {"$not": {"$lt": overlap_until}}},
                {"$set": {"expires_at": overlap_until}},
                session=session,
            )
            await self._keys.insert_one(_keyed(_filled(asdict(key))), session=session)
            return tuple(live)

        return await self._change(change, dry_run, leaf)

    async def revoke(
        self, account: str, key: str | None, at: int, dry_run: bool = False, leaf: bytes | None = None
    ) -> tuple[str, ...]:
        """End one key, or the account with all its keys; answers the ids that were live until now."""

        async def change(session: AsyncClientSession) -> tuple[str, ...]:
            await self._account(account, session)
            live = [old.id for old in await self._live(account, at, session)]
            if key is None:
                await self._accounts.update_one(
                    {"_id": account, "revoked_at": None}, {"$set": {"revoked_at": at}}, session=session
                )
                ending = live
            else:
                if not await self._keys.find_one({"_id": key, "account": account}, session=session):
                    raise NotFoundError(
                        f"account {account} has no key {key}; `accounts show {account}` lists them"
                    )
                ending = [key] if key in live else []
            await self._keys.update_many(
                {"_id": {"$in": ending}}, {"$set": {"revoked_at": at}}, session=session
            )
            return tuple(ending)

        return await self._change(change, dry_run, leaf)

    async def set_profile(
        self, account: str, client_profile: ClientProfile, dry_run: bool = False, leaf: bytes | None = None
    ) -> None:
        """Change how answers to this account are shaped."""

        async def change(session: AsyncClientSession) -> None:
            await self._account(account, session)
            await self._accounts.update_one(
                {"_id": account}, {"$set": {"client_profile": client_profile}}, session=session
            )

        await self._change(change, dry_run, leaf)

    async def set_narrowing(
        self, account: str, narrowing: Narrowing, dry_run: bool = False, leaf: bytes | None = None
    ) -> None:
        """Change what the account takes of what its agency may read."""

        async def change(session: AsyncClientSession) -> None:
            await self._account(account, session)
            await self._accounts.update_one(
                {"_id": account}, {"$set": {"narrowing": _narrowing_document(narrowing)}}, session=session
            )

        await self._change(change, dry_run, leaf)

    async def note_use(self, uses: Iterable[KeyUse]) -> None:
        """Keep the latest use and refusal of each key."""
        writes = [UpdateOne({"_id": use.key}, {"$max": latest}) for use in uses if (latest := _latest(use))]
        if writes:
            with reached():
                await self._keys.bulk_write(writes, ordered=False)

    async def _change(
        self, body: Callable[[AsyncClientSession], Awaitable[Result]], dry_run: bool, leaf: bytes | None
    ) -> Result:
        """No change without its leaf, no leaf without its change."""

        async def run(session: AsyncClientSession) -> Result:
            await self._counters.update_one(
                {"_id": COUNTER}, {"$inc": {"last": 1}}, upsert=True, session=session
            )
            result = await body(session)
            if leaf is not None:
                await self._audit.insert_one(queued(leaf), session=session)
            if dry_run:
                await session.abort_transaction()
            return result

        with reached():
            async with self._client.start_session() as session:
                return await session.with_transaction(
                    run,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=WriteConcern("majority", j=True),
                    read_preference=ReadPreference.PRIMARY,
                )

    async def _account(self, name: str, session: AsyncClientSession) -> AccountRecord:
        document = await self._accounts.find_one({"_id": name}, session=session)
        if document is None:
            raise NotFoundError(f"there is no account {name}; `accounts list` shows them all")
        return account_of(document)

    async def _live(self, account: str, at: int, session: AsyncClientSession) -> list[KeyRecord]:
        query = {"account": account, "revoked_at": None, "expires_at": {"$not": {"$lte": at}}}
        return [key_of(document) async for document in self._keys.find(query, session=session)]


@contextmanager
def reached() -> Iterator[None]:
    """The driver's errors, and an answer that takes longer than PATIENCE, as UnavailableError."""
    try:
        with pymongo.timeout(PATIENCE):
            yield
    except PyMongoError as error:
        raise UnavailableError("the database of accounts cannot be used right now; try again") from error


def account_of(document: Mapping[str, Any]) -> AccountRecord:
    """The record of a document of ``accounts``."""
    return AccountRecord(
        id=document["_id"],
        agency=document["agency"],
        roles=frozenset(document["roles"]),
        client_profile=document["client_profile"],
        title=document.get("title"),
        created_at=document["created_at"],
        revoked_at=document.get("revoked_at"),
        narrowing=_narrowing(document.get("narrowing", {})),
    )


def _narrowing(document: Mapping[str, Any]) -> Narrowing:
    names = ("clearances", "purposes", "certificates")
    sets = {name: frozenset(document[name]) for name in names if name in document}
    return Narrowing(document.get("level"), purpose=document.get("purpose"), **sets)


def _narrowing_document(narrowing: Narrowing) -> Document:
    sets = {
        "clearances": narrowing.clearances,
        "purposes": narrowing.purposes,
        "certificates": narrowing.certificates,
    }
    lists = {name: sorted(value) for name, value in sets.items() if value is not None}
    return {**_filled({"level": narrowing.level, "purpose": narrowing.purpose}), **lists}


def key_of(document: Mapping[str, Any]) -> KeyRecord:
    """The record of a document of ``keys``."""
    fields = {name: value for name, value in document.items() if name not in {"_id", "refused"}}
    refused = document.get("refused")
    return KeyRecord(id=document["_id"], refused=KeyRefusal(**refused) if refused else None, **fields)


def _filled(fields: Mapping[str, Any]) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


def _keyed(fields: Document) -> Document:
    return {"_id": fields.pop("id"), **fields}


def _latest(use: KeyUse) -> Document:
    # Documents compare field by field in order: `at` stands first, so the later refusal is the greater.
    refused = None if use.refused is None else asdict(use.refused)
    return _filled({"last_used": use.last_used, "refused": refused})
