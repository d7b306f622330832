"""Settings → store → hub: the one place that knows which class answers which interface."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from taxii_hub.catalog.documents import from_document
from taxii_hub.errors import SettingsError
from taxii_hub.exchange.accounts import Accounts
from taxii_hub.exchange.audit import Audit
from taxii_hub.exchange.consumers import Consumers
from taxii_hub.exchange.edition_keys import seal
from taxii_hub.exchange.hub import Hub, microseconds, random_id
from taxii_hub.keyring import Keyring
from taxii_hub.settings import Settings
from taxii_hub.stix.schemas import validators
from taxii_hub.stix.validation import Validator
from taxii_hub.store import accounts, audit, catalogs, editions, feed, follow_ups, privacy, rehearsal
from taxii_hub.store.accounts import AccountStore
from taxii_hub.store.audit import AuditStore
from taxii_hub.store.audit_reading import AuditReader
from taxii_hub.store.audit_sessions import AuditSessions
from taxii_hub.store.catalogs import Catalogs
from taxii_hub.store.classes import LIFETIME
from taxii_hub.store.consumers import ConsumerStore
from taxii_hub.store.editions import EditionStore
from taxii_hub.store.engine import engine_for
from taxii_hub.store.feed import MongoFeed
from taxii_hub.store.follow_ups import FollowUpStore
from taxii_hub.store.held import HeldStore
from taxii_hub.store.migrations import Database, Deployment, check_schema, migrate
from taxii_hub.store.privacy import MongoPrivacy
from taxii_hub.store.release_requests import RequestStore
from taxii_hub.store.topology import check_topology, connect

if TYPE_CHECKING:
    from fastapi import FastAPI  # a third of the start of a command that needs no web

INDEXES = {
    **feed.INDEXES,
    **catalogs.INDEXES,
    **accounts.INDEXES,
    **editions.INDEXES,
    **audit.INDEXES,
    **privacy.INDEXES,
    **follow_ups.INDEXES,
}


@dataclass(frozen=True, slots=True)
class Sources:
    """Time (microseconds) and ids from elsewhere than the machine: two hubs that were told the same then
    answer the same, byte for byte."""

    now: Callable[[], int]
    new_id: Callable[[], str]


def build_hub(
    settings: Settings,
    uri: str,
    keyring: Keyring,
    lifetime: float = LIFETIME,
    sources: Sources | None = None,
) -> Hub:
    """Put a hub together; nothing is asked of the database before ``hub.start()``.

    ``lifetime`` is how long a process trusts what it read of the policy classes (``classes.py``); all
    hubs of one database must use the same.
    """
    client = connect(uri)
    database = client[settings.mongodb_database]

    async def check() -> None:
        # Compiled now and not in the first POST.
        await asyncio.to_thread(validators)
        await check_topology(client)
        await check_schema(database, deployment_of(settings, keyring))

    return Hub(
        settings=settings,
        keyring=keyring,
        catalogs=Catalogs(database, from_document),
        accounts=Accounts(AccountStore(database), keyring),
        consumers=Consumers(ConsumerStore(database)),
        feed=MongoFeed(database, lifetime, sources.now if sources else None),
        queue=HeldStore(database),
        requests=RequestStore(database),
        privacy=MongoPrivacy(database),
        follow_ups=FollowUpStore(database),
        editions=EditionStore(database),
        audit=_audit(database, keyring),
        validator=Validator(),
        check=check,
        close=client.close,
        now=sources.now if sources else microseconds,
        new_id=sources.new_id if sources else random_id,
    )


def rehearsing(hub: Hub) -> Hub:
    """The same hub for a dry run: it decides as that one does and changes nothing."""
    feed, queue, privacy, requests = (
        cast("Any", each) for each in (hub.feed, hub.queue, hub.privacy, hub.requests)
    )
    return replace(
        hub,
        feed=cast("Any", rehearsal.RehearsedFeed(feed, queue)),
        queue=cast("Any", rehearsal.RehearsedQueue(queue)),
        privacy=cast("Any", rehearsal.RehearsedPrivacy(privacy)),
        requests=cast("Any", rehearsal.RehearsedRequests(requests)),
        follow_ups=rehearsal.NothingToFollow(),
        audit=cast("Any", rehearsal.SilentLog(hub.audit)),
    )


def _audit(database: Database, keyring: Keyring) -> Audit:
    session = uuid.uuid4().hex[:16]
    return Audit(
        AuditStore(database, session), AuditSessions(database, session), AuditReader(database), keyring
    )


def deployment_of(settings: Settings, keyring: Keyring) -> Deployment:
    """What all hubs on one database have to share."""
    return Deployment(keyring.fingerprint(), str(settings.id_namespace), partial(seal, keyring))


async def prepare(settings: Settings, uri: str, keyring: Keyring, dry_run: bool = False) -> tuple[str, ...]:
    """Bring the database's schema up to date; returns what was done, in words."""
    async with connect(uri) as client:
        await check_topology(client)
        database = client[settings.mongodb_database]
        return await migrate(database, INDEXES, deployment_of(settings, keyring), dry_run)


@asynccontextmanager
async def open_hub(
    settings: Settings, lifetime: float = LIFETIME, sources: Sources | None = None
) -> AsyncIterator[Hub]:
    """A started hub for a command; joins a running hub's database, or starts one for the duration.

    Where no catalogue is in force yet ``hub.catalog`` raises StoreError and everything else works.
    """
    async with engine_for(settings) as uri:
        keyring = Keyring.open(settings.secrets, create=True)
        await prepare(settings, uri, keyring)
        hub = build_hub(settings, uri, keyring, lifetime, sources)
        try:
            await hub.start()
            yield hub
        finally:
            await hub.stop()


def create_app_from_environment() -> FastAPI:
    """The application of one worker; ``taxii-hub serve`` has started the database before."""
    from taxii_hub.web.app import create_app

    settings = Settings.from_environment()
    if settings.mongodb_uri is None:
        raise SettingsError("TAXII_HUB_MONGODB_URI: a worker needs it; start the hub by `taxii-hub serve`")
    return create_app(build_hub(settings, settings.mongodb_uri, Keyring.open(settings.secrets, create=False)))
