"""Two workers answer "nothing new" from memory while others write: nobody misses anything by it."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from taxii_hub.stix import timestamps
from tests.support.hubs import Demo, RunningHub, running_hub
from tests.support.wire_client import Answer, WireClient

LAST = "x-taxii-date-added-last"
FUTURE = "2099-01-01T00:00:00.000000Z"
WRITERS, POLLERS, TURNS = 3, 4, 15


@dataclass
class Going:
    """What a client got that asked with a position in the future and went on from the header."""

    begin: str
    end: str
    got: list[str] = field(default_factory=list)


class Client:
    """One connection, so one worker answers all of it."""

    def __init__(self, hub: RunningHub) -> None:
        self._path = urlsplit(hub.collection("sandbox", "scratch")).path
        self._wire = WireClient(hub.url, hub.credentials("gb-heron"))

    async def after(self, moment: str) -> tuple[list[str], str]:
        """The ids that were added after it, and where the header says that this ends."""
        answer = await self._wire.get(f"{self._path}/objects/", {"added_after": moment, "limit": "1000"})
        return [each["id"] for each in _objects(answer)], answer.headers[LAST]

    async def manifest(self) -> dict[str, str]:
        """Every object with its moment; all fit on one page."""
        rows = _objects(await self._wire.get(f"{self._path}/manifest/", {"limit": "10000"}))
        return {row["id"]: row["date_added"] for row in rows}

    async def add(self) -> str:
        """A new object's id, once it is acknowledged."""
        moment = timestamps.canonical(1_767_225_600_000_000)
        thing = {"type": "tool", "spec_version": "2.1", "id": f"tool--{uuid.uuid4()}", "name": "n"}
        body = orjson.dumps({"objects": [{**thing, "created": moment, "modified": moment}]})
        answer = await self._wire.post(f"{self._path}/objects/", body)
        assert (answer.status, answer.json()["failure_count"]) == (202, 0)
        return thing["id"]

    def close(self) -> None:
        self._wire.close()


def _objects(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200
    assert "more" not in answer.json() or answer.json()["more"] is False
    found: list[dict[str, str]] = answer.json().get("objects", [])  # type: ignore[assignment]
    return found


async def write(client: Client) -> None:
    """Who was told that his object is kept finds it at once over the same connection."""
    _, begin = await client.after(FUTURE)
    for _ in range(TURNS):
        name = await client.add()
        got, begin = await client.after(begin)
        assert name in got


async def follow(client: Client, done: asyncio.Event) -> list[Going]:
    """Begins anew now and then, so that many a header of an empty answer is gone on from."""
    sessions: list[Going] = []
    while True:
        last = done.is_set()
        _, told = await client.after(FUTURE)
        sessions.append(Going(told, told))
        for _ in range(10):
            got, sessions[-1].end = await client.after(sessions[-1].end)
            sessions[-1].got += got
        if last:
            return sessions


async def mixed(hub: RunningHub) -> None:
    clients = [Client(hub) for _ in range(WRITERS + POLLERS)]
    await clients[0].add()  # the first use of a policy class waits
    await asyncio.sleep(1.5)  # until both workers follow
    done = asyncio.Event()
    followers = [asyncio.create_task(follow(client, done)) for client in clients[WRITERS:]]
    await asyncio.gather(*(write(client) for client in clients[:WRITERS]))
    done.set()
    sessions = [going for each in await asyncio.gather(*followers) for going in each]
    added = await clients[0].manifest()
    for client in clients:
        client.close()
    assert len(added) == WRITERS * TURNS + 1
    assert any(going.got for going in sessions)
    for going in sessions:
        wanted = sorted((at, name) for name, at in added.items() if going.begin < at <= going.end)
        assert going.got == [name for _, name in wanted]


def test_nobody_misses_what_two_workers_take_in(demo: Demo) -> None:
    """R1 and DESIGN section 6: whoever goes on from a header gets everything after it, once and in order."""
    with running_hub(settings={"TAXII_HUB_WORKERS": "2"}, demo=demo) as hub:
        asyncio.run(mixed(hub))
