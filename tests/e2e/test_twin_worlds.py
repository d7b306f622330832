"""Two hubs with the same low side, one of which also holds secrets: a low reader cannot tell them apart.

Both run behind a real uvicorn with time and ids from the test, so that every answer must be the same
byte for byte, but for the Date, the request id and opaque tokens of equal length; and MongoDB examines
the same number of keys for each of his requests (R4).
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import uvicorn
from pymongo import AsyncMongoClient

from taxii_hub.bootstrap import Sources, open_hub
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.exchange import acts
from taxii_hub.exchange.access import Place, place_for
from taxii_hub.exchange.account_admin import NewAccount
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.publish import publish
from taxii_hub.model import Account, VersionFilter
from taxii_hub.settings import Settings
from taxii_hub.stix import timestamps
from taxii_hub.web.app import create_app
from tests.support.probe import indicator

START = 1_800_000_000_000_000
SECOND = 1_000_000
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
TAXII = "application/taxii+json;version=2.1"
COLLECTION = "7b1f0c87-6e65-44fe-a789-7a6f5245842b"
HERE = f"/test/collections/{COLLECTION}"
LAST = VersionFilter()

CATALOGUE = {
    "agencies.yaml": """
agencies:
  gb-owl: {title: Owl, country: GB}
  us-elk: {title: Elk, country: US}
  ca-lynx: {title: Lynx, country: CA}
  fr-coq: {title: Coq, country: FR}
""",
    "test.yaml": f"""
title: Test framework
members: [gb-owl, us-elk, ca-lynx, fr-coq]
collections:
  - {{id: {COLLECTION}, alias: strict, title: Strict, read: members, write: members,
     validation: strict, default_marking: clear}}
  - {{id: 8b1f0c87-6e65-44fe-a789-7a6f5245842b, alias: siem, title: For SIEMs, read: members,
     view_of: strict, types: [indicator]}}
""",
}


SECRETLY: ContextVar[bool] = ContextVar("secretly", default=False)
"""In the task that writes secrets while the low reader asks: it must not use up his ids."""


@dataclass
class World:
    """One hub, and what the low reader was answered so far. ``secret``: this one holds secrets."""

    secret: bool
    hub: Hub = field(init=False)
    client: httpx.AsyncClient = field(init=False)
    profile: Any = field(init=False)
    now: int = START
    seed: str = ""
    count: int = 0
    told: list[tuple[str, bytes]] = field(default_factory=list)
    examined: list[list[tuple[str, int, int]]] = field(default_factory=list)

    def new_id(self) -> str:
        if SECRETLY.get():
            return str(uuid.uuid4())
        self.count += 1
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.seed}/{self.count}"))

    def step(self, number: int, side: str) -> None:
        """Each step of the low side has its own time and ids, whatever the high side did before."""
        self.now = START + number * 10 * SECOND + (5 * SECOND if side == "high" else 0)
        self.seed, self.count = f"{side} {number}", 0

    def place(self, agency: str) -> Place:
        roles = frozenset({"reader", "writer", "liaison"})
        return place_for(self.hub, Account(f"{agency}-tip", agency, roles), "test", "strict")

    async def post(self, agency: str, *objects: dict[str, Any]) -> None:
        status = await publish(self.hub, self.place(agency), orjson.dumps({"objects": objects}), self.now)
        assert all(outcome.ok for outcome in status.outcomes), status.outcomes


@asynccontextmanager
async def opened(world: World, uri: str, database: str, folder: Path) -> AsyncIterator[World]:
    settings = replace(Settings(), mongodb_uri=uri, mongodb_database=database, data_dir=folder)
    async with AsyncExitStack() as stack:
        sources = Sources(lambda: world.now, world.new_id)
        world.hub = await stack.enter_async_context(open_hub(settings, 0.05, sources))
        await world.hub.catalogs.apply(to_document(load_catalog(folder / "collections")), by="test")
        roles = frozenset({"reader", "writer"})
        agencies = frozenset({"fr-coq"})
        issued = await world.hub.accounts.admin.add(NewAccount("low", "fr-coq", roles), agencies)
        await world.hub.accounts.refresh()
        server = uvicorn.Server(
            uvicorn.Config(create_app(world.hub), port=0, log_config=None, lifespan="off")
        )
        serving = asyncio.create_task(server.serve())
        async with asyncio.timeout(20):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        auth = ("low", issued.key.text)
        world.client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", auth=auth, headers={"Accept": TAXII}, timeout=30
            )
        )
        client: AsyncMongoClient[dict[str, Any]] = await stack.enter_async_context(AsyncMongoClient(uri))
        world.profile = client[database]
        await world.profile.command("profile", 2)
        try:
            yield world
        finally:
            await world.profile.command("profile", 0)
            server.should_exit = True
            await serving


# --- what the two sides do ---------------------------------------------------------------------


def version(thing: dict[str, Any], day: int, **more: Any) -> dict[str, Any]:
    return {**thing, "modified": f"2027-01-{day:02d}T00:00:00.000Z", **more}


def on_day(day: int) -> VersionFilter:
    return VersionFilter(frozenset(), (timestamps.parse(f"2027-01-{day:02d}T00:00:00.000Z"),))


def related(number: int, source: str, target: str) -> dict[str, Any]:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.UUID(int=number, version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": source,
        "target_ref": target,
    }


LOW = [indicator(n) for n in range(12)]
HIGH = [{**indicator(100 + n), "object_marking_refs": [RED]} for n in range(40)]
"""What the low reader guesses at: their ids are known to the test on both sides."""
LINK = related(7, LOW[0]["id"], HIGH[0]["id"])


def hidden(thing: dict[str, Any], day: int) -> dict[str, Any]:
    return version(thing, day, object_marking_refs=[RED], name="SECRET")


async def secrets_before(world: World) -> None:
    await world.post("us-elk", *HIGH[:10])
    await world.post("us-elk", hidden(LOW[0], 5))
    await world.post("ca-lynx", {**LOW[2], "object_marking_refs": [RED], "name": "SECRET copy"})


async def secrets_between(world: World) -> None:
    await world.post("us-elk", *HIGH[10:20], *(hidden(LOW[n], 9) for n in (0, 1, 3)))
    await world.post("ca-lynx", hidden(LOW[1], 20))
    await world.post("us-elk", related(8, LOW[0]["id"], HIGH[1]["id"]))
    await acts.withdraw(world.hub, world.place("us-elk"), LOW[0]["id"], "SECRET", on_day(9))
    await acts.release(world.hub, world.place("us-elk"), HIGH[1]["id"], ["ca-lynx"], "SECRET")


async def secrets_after(world: World) -> None:
    await world.post("us-elk", *HIGH[20:30], hidden(LOW[4], 9), hidden(LOW[4], 10))
    for day in (10, 9):
        await acts.withdraw(world.hub, world.place("us-elk"), LOW[4]["id"], "SECRET", on_day(day))
    closed = acts.Grade(audience=frozenset())
    await acts.regrade(world.hub, world.place("us-elk"), HIGH[1]["id"], closed, "SECRET")


async def low_before(world: World) -> None:
    await world.post("gb-owl", *LOW[:5])
    await world.post("gb-owl", version(LOW[1], 1))


async def low_between(world: World) -> None:
    await world.post("gb-owl", *LOW[5:9], version(LOW[1], 2), version(LOW[2], 2))
    await world.post("gb-owl", LINK)
    await acts.withdraw(world.hub, world.place("gb-owl"), LOW[1]["id"], "low", LAST)


async def low_after(world: World) -> None:
    await world.post("gb-owl", *LOW[9:], version(LOW[3], 3))


# --- what the low reader asks ------------------------------------------------------------------

FILTERS = (
    "",
    "?limit=3",
    "?limit=1&match[type]=indicator",
    "?match[type]=relationship,indicator&limit=5",
    "?match[version]=all",
    "?match[version]=first",
    "?match[version]=first,last&limit=4",
    f"?match[id]={LOW[0]['id']},{HIGH[0]['id']},{LOW[4]['id']}",
    f"?match[id]={HIGH[3]['id']}",
    "?match[version]=2027-01-09T00:00:00.000Z",
    "?match[spec_version]=2.1",
    "?match[spec_version]=2.0",
    "?added_after=2027-01-15T08:00:05.000000Z&limit=2",
    "?added_after=2999-01-01T00:00:00Z",
    "?limit=0",
    "?next=nonsense",
)
IDS = (LOW[0], LOW[1], LOW[2], LOW[4], HIGH[0], HIGH[1], indicator(999))


def questions() -> list[tuple[str, str, bytes | None]]:
    asked: list[tuple[str, str, bytes | None]] = [
        ("GET", path, None)
        for path in (
            "/taxii2/",
            "/test/",
            "/test/collections/",
            f"{HERE}/",
            "/api/v1/whoami",
            "/api/v1/openapi.json",
        )
    ]
    for filters in FILTERS:
        asked += [("GET", f"{HERE}/{view}/{filters}", None) for view in ("objects", "manifest")]
        asked.append(("GET", f"/test/collections/siem/objects/{filters}", None))
    for thing in IDS:
        one = f"{HERE}/objects/{thing['id']}"
        asked += [
            ("GET", f"{one}/", None),
            ("GET", f"{one}/?match[version]=all", None),
            ("GET", f"{one}/versions/", None),
            ("DELETE", f"{one}/", None),
            ("GET", f"/api/v1/objects/test/strict/{thing['id']}/explain", None),
        ]
    guesses = [
        {**HIGH[2], "name": "mine", "object_marking_refs": []},
        version(HIGH[3], 2),
        version(LOW[0], 30),
    ]
    asked.append(("POST", f"{HERE}/objects/", orjson.dumps({"objects": guesses})))
    asked.append(
        ("POST", f"{HERE}/objects/", orjson.dumps({"objects": [related(9, LOW[0]["id"], HIGH[2]["id"])]}))
    )
    asked += [("GET", f"{HERE}/objects/?limit=2", None), ("GET", "/api/v1/withdrawals", None)]
    asked += [
        ("GET", f"{HERE}/objects/{HIGH[2]['id']}/versions/", None),
        ("GET", f"/test/status/{uuid.UUID(int=5)}/", None),
    ]
    asked.append(("HEAD", f"{HERE}/objects/", None))
    return asked


async def ask(world: World, method: str, url: str, body: bytes | None) -> httpx.Response:
    headers = {"Content-Type": TAXII} if body is not None else {}
    response = await world.client.request(method, url, content=body, headers=headers)
    world.told.append((f"{method} {url}", plain(response)))
    return response


async def session(world: World) -> None:
    """Everything a low reader may ask, walks by ``next`` included, and the status of what he posted."""
    for method, url, body in questions():
        response = await ask(world, method, url, body)
        token = walkable(response)
        while token is not None:
            path, _, query = url.partition("?")
            kept = re.sub(r"&?next=[^&]*", "", query)
            response = await ask(world, "GET", f"{path}?{kept}&next={token}", None)
            token = walkable(response)
        if method == "POST" and response.status_code == 202:
            await ask(world, "GET", f"/test/status/{response.json()['id']}/", None)


def walkable(response: httpx.Response) -> str | None:
    if response.request.method != "GET" or response.status_code != 200 or b'"next"' not in response.content:
        return None
    found: str | None = response.json().get("next")
    return found


UNEQUAL = {b"date", b"x-request-id"}
TOKEN = re.compile(rb'("next": ?")([^"]+)(")')


def plain(response: httpx.Response) -> bytes:
    """Status, headers and body without what may differ; of a token only its length stays."""
    headers = [(k.lower(), v) for k, v in response.headers.raw if k.lower() not in UNEQUAL]
    body = TOKEN.sub(lambda found: found[1] + b"x" * len(found[2]) + found[3], response.content)
    body = re.sub(rb'"request_id": ?"[^"]*"', b"", body)
    return repr((response.status_code, headers)).encode() + b"\n" + body


Step = Callable[[World], Awaitable[None]]


async def lived(world: World) -> None:
    """Low and high steps by turns; the high ones happen in one world only. Then the low reader asks,
    while secrets go on being written; then again."""
    low: list[Step] = [low_before, low_between, low_after]
    high: list[Step] = [secrets_before, secrets_between, secrets_after]
    for number, (ours, theirs) in enumerate(zip(low, high, strict=True)):
        if world.secret:
            world.step(number, "high")
            await theirs(world)
        world.step(number + 1, "low")
        await ours(world)
        if number == 0:
            await session(world)


async def writing_secrets(world: World) -> None:
    SECRETLY.set(True)
    for thing in HIGH[30:]:
        await world.post("us-elk", thing)


async def keys_examined(world: World) -> list[tuple[str, int, int]]:
    """Of all reads of entries: index, keys, documents returned. A commit looks up what is hidden, of
    necessity, for the heads; it reads inside its transaction."""
    rows = world.profile["system.profile"].find(
        {
            "ns": f"{world.profile.name}.entries",
            "op": "query",
            "command.hint": {"$exists": True},
            "command.txnNumber": {"$exists": False},
        },
        sort=[("ts", 1)],
    )
    return [(str(r["command"]["hint"]), r["keysExamined"], r["nreturned"]) async for r in rows]


@contextmanager
def every_poll_asked(hub: Hub) -> Iterator[None]:
    """What a hub remembers of the ends of feeds depends on moments, the same in both worlds: that secrets do
    not alter it is tested beside the store (test_following.py)."""
    feed: Any = hub.feed
    feed._marks.lost()
    feed._marks.heard = lambda *_: None
    try:
        yield
    finally:
        del feed._marks.heard


async def test_a_low_reader_cannot_tell_the_worlds_apart(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    (tmp_path / "collections").mkdir()
    for name, text in CATALOGUE.items():
        (tmp_path / "collections" / name).write_text(text)
    worlds = [World(secret=False), World(secret=True)]
    async with AsyncExitStack() as stack:
        for number, world in enumerate(worlds):
            database = f"{mongodb_database}w{number}"
            await stack.enter_async_context(opened(world, mongodb_uri, database, tmp_path))
            await lived(world)
            world.step(10, "low")
            await world.profile.command("profile", 0)
            await world.profile["system.profile"].drop()
            # As it comes it holds 1 MB, and what followers ask too is more than that.
            await world.profile.create_collection("system.profile", capped=True, size=32 * 1024 * 1024)
            await world.profile.command("profile", 2)
            with every_poll_asked(world.hub):
                await session(world)
            world.examined.append(await keys_examined(world))
            if world.secret:
                await asyncio.gather(session(world), writing_secrets(world))
            else:
                await session(world)
    one, two = worlds
    assert [question for question, _ in one.told] == [question for question, _ in two.told]
    for (question, answer), (_, other) in zip(one.told, two.told, strict=True):
        assert answer == other, question
    assert not any(b"SECRET" in answer for _, answer in two.told)
    assert sum(answer.startswith(b"(200") for _, answer in two.told) > 100, "the session saw something"
    assert one.examined == two.examined
