"""A hub for the web room: the real catalogue, accounts, keys and journeys over a feed kept in memory."""

from __future__ import annotations

import asyncio
import hmac
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from taxii_hub.exchange.accounts import Accounts
from taxii_hub.exchange.audit import Audit
from taxii_hub.exchange.consumers import Consumers
from taxii_hub.exchange.credentials import mint_key
from taxii_hub.exchange.hub import Hub
from taxii_hub.keyring import Keyring
from taxii_hub.ledger.asking import LogState
from taxii_hub.model import Agency, ApiRoot, Catalog, Collection, Entry, Outcome, Page, Policy, Status
from taxii_hub.settings import Settings
from taxii_hub.stix.validation import Validator
from taxii_hub.store.account_records import AccountRecord, Directory, KeyRecord
from taxii_hub.web.app import create_app
from taxii_hub.web.logs import configure_logging

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"
SECOND = 1_000_000
LIMIT = 2000


def collection(number: int, alias: str, read: str, write: str) -> Collection:
    return Collection(
        id=f"0000000{number}-0000-4000-8000-000000000000",
        alias=alias,
        title=alias.title(),
        api_root="sandbox",
        description=None,
        read=frozenset(read.split()),
        write=frozenset(write.split()),
        media_types=(STIX,),
        validation="off",
        default_marking="tlp:amber",
        accepts=(),
        number=number,
    )


COLLECTIONS = (
    collection(1, "both", "north south", "north"),
    collection(2, "read", "north", "south"),
    collection(3, "write", "south", "north"),
    collection(4, "hidden", "south", "south"),
)
MEMBERS = frozenset({"north", "south"})
CATALOG = Catalog(
    api_roots=(
        ApiRoot("sandbox", "Sandbox", None, None, MEMBERS, LIMIT, COLLECTIONS),
        ApiRoot("g7", "G7", "Seven", None, frozenset({"south"}), LIMIT, ()),
    ),
    agencies=(Agency("north", "North", "gb"), Agency("south", "South", "fr")),
    version=1,
)


@dataclass
class Named:
    """The catalogue in force."""

    catalog: Catalog = CATALOG

    async def refresh(self) -> None: ...


@dataclass
class Shelf:
    """Accounts as the database would hold them."""

    directory: Directory

    async def revision(self) -> int:
        return self.directory.revision

    async def read(self) -> Directory:
        return self.directory

    async def note_use(self, uses) -> None: ...


@dataclass
class Told:
    """What the consumers' log was told."""

    news: list = field(default_factory=list)

    async def tell(self, news) -> None:
        self.news.extend(news)


@dataclass
class Book:
    """The audit log and its sessions: what was written, by name."""

    id: str = "test"
    leaves: dict[str, bytes] = field(default_factory=dict)

    async def enqueue(self, leaves) -> None:
        self.leaves |= leaves

    async def beat(self, until) -> None: ...

    async def note_keys(self, newest) -> None: ...

    async def settle(self) -> int:
        return 0

    async def waiting(self) -> bool:
        return False

    async def unsigned_since(self) -> None: ...

    async def state(self) -> LogState:
        return LogState(leaves=17, queued=len(self.leaves), unsigned_since=None)

    async def step_down(self) -> None: ...

    async def close(self) -> None: ...


class Queue:
    """No proposal waits."""

    async def overdue(self, now, limit):
        return ()

    async def pressing(self, now, soon):
        return {"north": (3, 1)}


@dataclass
class MemoryFeed:
    """Entries in a list; ``trouble`` is raised instead of an answer."""

    entries: list[Entry] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    changing: str = "done"
    changed: list[Any] = field(default_factory=list)
    trouble: Exception | None = None
    refreshed: int = 0
    stopped: bool = False
    slack: float = 1.0

    async def classes(self, number):
        return {1: Policy("north")}

    async def intern(self, number, policies):
        return dict.fromkeys(policies, 1)

    async def page(self, visibility, query, projection, limit):
        if self.trouble is not None:
            raise self.trouble
        after = max(query.added_after or 0, query.position or 0)
        found = [e for e in self.entries if e.stamp > after and (not query.ids or e.id in query.ids)]
        mark = after or None
        if not found:
            return Page((), mark=mark)
        return Page.of(found[:limit], more=len(found) > limit)

    async def object_page(self, visibility, object_id, query, projection, limit):
        known = [e for e in self.entries if e.id == object_id]
        found = [e for e in known if e.stamp > (query.added_after or 0)]
        return Page.of(found[:limit], more=len(found) > limit, exists=bool(known))

    async def commit(self, publication):
        outcomes = tuple(Outcome(o.id, o.version_text, ok=True, stored=True) for o in publication.offers)
        settled = tuple(outcome for _, outcome in publication.settled)
        status = Status(
            publication.id,
            publication.agency,
            publication.api_root,
            publication.collection_id,
            publication.requested_at,
            outcomes + settled,
            stored=len(outcomes),
        )
        self.statuses[status.id] = status
        return status

    async def change(self, change):
        self.changed.append(change)
        return self.changing

    async def classes_on(self, collection, object_id):
        return frozenset({1} if any(entry.id == object_id for entry in self.entries) else ())

    async def status(self, status_id):
        return self.statuses.get(status_id)

    async def newest(self, visibility):
        if self.trouble is not None:
            raise self.trouble
        return self.entries[-1].stamp if self.entries else None

    async def refresh(self) -> None:
        self.refreshed += 1

    async def stop(self) -> None:
        self.stopped = True


class World:
    """One hub, its keys by account, and requests against it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.keyring = Keyring.open(folder / "secrets", create=True)
        self.keys: dict[str, str] = {}
        self.shelf = Shelf(self._directory())
        self.feed = MemoryFeed()
        self.told = Told()
        self.book = Book()
        self.closed = False
        accounts = Accounts(self.shelf, self.keyring)
        asyncio.run(accounts.load())
        self.hub = Hub(
            settings=Settings(**settings),
            keyring=self.keyring,
            catalogs=Named(),
            accounts=accounts,
            consumers=Consumers(self.told),
            feed=self.feed,
            editions=None,  # nothing of the web room asks for these
            queue=Queue(),
            requests=None,
            privacy=None,
            follow_ups=None,
            audit=Audit(self.book, self.book, self.book, self.keyring),
            validator=Validator(),
            check=self._nothing,
            close=self._close,
            beaten_at=float("inf"),  # a test that means a stale one says so; a slow machine does not
        )
        self.app = create_app(self.hub)

    async def _nothing(self) -> None: ...

    async def _close(self) -> None:
        self.closed = True

    def _directory(self) -> Directory:
        pepper, secret = self.keyring.newest("pepper")
        everything = frozenset({"reader", "writer"})
        people = {
            "north-siem": ("north", everything, "standard"),
            "north-elastic": ("north", everything, "elastic"),
            "north-absolute": ("north", everything, "absolute-urls"),
            "south-tip": ("south", everything, "standard"),
            "west": ("west", everything, "standard"),
            "admin": ("north", frozenset({"admin"}), "standard"),
        }
        accounts, keys = [], []
        for name, (agency, roles, profile) in people.items():
            key = mint_key()
            self.keys[name] = key.text
            mac = hmac.digest(secret, key.secret.encode(), "sha256")
            accounts.append(AccountRecord(name, agency, roles, profile, None, 0))
            keys.append(KeyRecord(key.id, name, pepper, mac, 0))
        return Directory(1, tuple(accounts), tuple(keys))

    def fill(self, count: int, size: int = 0) -> None:
        for number in range(1, count + 1):
            name = f"indicator--{number:08d}-0000-4000-8000-000000000000"
            data = b'{"id":"%s","pad":"%s"}' % (name.encode(), b"x" * size)
            self.feed.entries.append(Entry(name, "2026-01-01T00:00:00.000Z", number * SECOND, data))

    async def send(self, method: str, path: str, user: str | None = "north-siem", **more) -> httpx.Response:
        headers = {"accept": TAXII, **more.pop("headers", {})}
        if user is not None:
            headers["authorization"] = f"Bearer {self.keys[user]}"
        transport = httpx.ASGITransport(app=self.app, client=("198.51.100.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as client:
            return await client.request(method, path, headers=headers, **more)

    def ask(self, method: str, path: str, user: str | None = "north-siem", **more) -> httpx.Response:
        return asyncio.run(self.send(method, path, user, **more))

    def post(self, path: str, content: Any, user: str | None = "north-siem", **headers) -> httpx.Response:
        sent = {"content-type": TAXII, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.ask("POST", path, user, content=content, headers=sent)

    def facts(self) -> list:
        """What is kept of the consumers' requests so far."""
        asyncio.run(self.hub.consumers.flush())
        return [news.last for news in self.told.news]


@pytest.fixture
def own_logging():
    """The hub's logging for one test; what was there before comes back."""
    root, access, client = (
        logging.getLogger(),
        logging.getLogger("uvicorn.access"),
        logging.getLogger("httpx"),
    )
    before = (list(root.handlers), root.level)
    client.setLevel(logging.WARNING)
    configure_logging("info")
    yield
    root.handlers[:], root.level = before
    access.disabled = False
    client.setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def make_world(tmp_path: Path):
    return lambda **settings: World(tmp_path, **settings)
