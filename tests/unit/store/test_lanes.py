"""Lanes do what the driver would: its errors, one more try, nothing over a connection that may say more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import bson
import pymongo
import pytest
import uvloop
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import (
    AutoReconnect,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
)

from taxii_hub.errors import UnavailableError
from taxii_hub.store.feed import database_errors
from taxii_hub.store.lanes import Lanes
from taxii_hub.store.queries import Find
from taxii_hub.store.snapshots import Snapshots

PING = {"find": "things", "filter": {}, "limit": 1}
SLOW = {"find": "things", "filter": {"$where": "sleep(60000) || true"}}
HELLO = {"ok": 1, "helloOk": True, "minWireVersion": 0, "maxWireVersion": 25, "maxBsonObjectSize": 16777216}


@asynccontextmanager
async def lanes_of(uri: str, database: str, **options: Any) -> AsyncIterator[Lanes]:
    async with AsyncMongoClient[dict[str, Any]](uri, **options) as client:
        lanes = Lanes(client[database])
        try:
            yield lanes
        finally:
            await lanes.close()


@pytest.fixture
def things(mongodb_uri: str, mongodb_database: str) -> None:
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        client[mongodb_database]["things"].insert_many([{"_id": n, "text": "x" * 999} for n in range(300)])


@pytest.mark.usefixtures("things")
async def test_answers_are_those_of_the_driver(mongodb_uri: str, mongodb_database: str) -> None:
    """Short ones and such as come in several pieces; one connection is enough for one at a time."""
    async with lanes_of(mongodb_uri, mongodb_database) as lanes:
        for limit in (1, 300, 2):
            reply = await lanes.ask({"find": "things", "filter": {}, "limit": limit, "batchSize": limit})
            assert [row["_id"] for row in reply["cursor"]["firstBatch"]] == list(range(limit))
        assert len(lanes._free) == 1
        replies = await asyncio.gather(*(lanes.ask(PING) for _ in range(9)))
        assert all(reply["ok"] for reply in replies)
        await lanes.close()
        assert (await lanes.ask(PING))["ok"]
        assert lanes._free == []


@pytest.mark.usefixtures("things")
async def test_a_page_of_many_batches_is_of_one_moment(mongodb_uri: str, mongodb_database: str) -> None:
    """R1. A cursor that is not read to its end is closed."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        things = client[mongodb_database]["things"]
        await things.rename("entries")
        entries = client[mongodb_database]["entries"]
        snapshots = Snapshots(client[mongodb_database])
        every = Find({}, (("_id", 1),), "_id_")

        async def read(point: Any) -> list[int]:
            first = await point.rows(every, {"_id": 1}, 2)
            await entries.delete_many({"_id": {"$gt": 200}})
            batches = [rows async for rows in point.batches(every, {"_id": 1}, batch=100)]
            assert [len(rows) for rows in batches[:3]] == [100, 100, 100]
            begun = point.batches(every, {"_id": 1}, batch=1)
            await anext(begun)
            await begun.aclose()
            return [row["_id"] for rows in (first, *batches) for row in rows]

        opened = await open_cursors(client)
        assert await snapshots.read(read) == [0, 1, *range(300)]
        for _ in range(500):
            if await open_cursors(client) <= opened:
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("a cursor was left open")
        assert len(await snapshots.read(lambda point: point.rows(every, {"_id": 1}, 300))) == 201
        await snapshots.close()


async def open_cursors(client: AsyncMongoClient[dict[str, Any]]) -> int:
    idle = await client.admin.aggregate(
        [{"$currentOp": {"idleCursors": True, "localOps": True}}, {"$match": {"type": "idleCursor"}}]
    )
    return len([one async for one in idle if one["ns"].endswith(".entries")])


@pytest.mark.usefixtures("things")
async def test_a_cancelled_read_leaves_nothing_for_the_next(mongodb_uri: str, mongodb_database: str) -> None:
    """Its connection is closed, so MongoDB stops too, and nobody gets another one's answer."""
    async with lanes_of(mongodb_uri, mongodb_database) as lanes:
        await lanes.ask(PING)
        (lane,) = lanes._free
        slow = asyncio.create_task(lanes.ask(SLOW))
        for _ in range(9):  # until it is sent
            await asyncio.sleep(0)
        assert lanes._free == []
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert lane._transport.is_closing()
        assert (await lanes.ask(PING))["cursor"]["firstBatch"]
        assert lane not in lanes._free


@pytest.mark.usefixtures("things")
async def test_refusals_are_the_drivers(mongodb_uri: str, mongodb_database: str) -> None:
    """And what hub and pages make of them; the connection is good for more."""
    async with lanes_of(mongodb_uri, mongodb_database) as lanes:
        with pytest.raises(ExecutionTimeout):
            await lanes.ask({**SLOW, "maxTimeMS": 5})
        with pytest.raises(OperationFailure) as refused:
            await lanes.ask({"find": "things", "filter": {"$nonsense": 1}})
        assert refused.value.code == 2
        assert (await lanes.ask(PING))["ok"]


@pytest.mark.usefixtures("things")
async def test_an_answer_that_takes_too_long_is_a_timeout(mongodb_uri: str, mongodb_database: str) -> None:
    async with lanes_of(mongodb_uri, mongodb_database, socketTimeoutMS=300) as lanes:
        with pytest.raises(NetworkTimeout):
            await lanes.ask(SLOW, again=False)
        assert (await lanes.ask(PING))["ok"]


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(("size", "kept"), [(4, 2), (1, 0)])
async def test_no_more_lanes_than_half_of_the_pool(
    mongodb_uri: str, mongodb_database: str, size: int, kept: int
) -> None:
    """What commits must have left; the others wait for their turn."""
    async with lanes_of(mongodb_uri, mongodb_database, maxPoolSize=size) as lanes:
        await asyncio.gather(*(lanes.ask(PING) for _ in range(20)))
        assert len(lanes._free) <= kept
        async with asyncio.timeout(5):
            await lanes._client.admin.command("ping")


# --- a server that answers as the test wants --------------------------------------------------------

Answer = dict[str, Any] | None


class Server:
    """Speaks the protocol; ``answers`` are those to finds, None hangs up."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[dict[str, Any]] = []
        self.stuck = asyncio.Event()
        self.reached = asyncio.Event()
        self.ended: set[asyncio.Future[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.get_running_loop().create_future()
        self.ended.add(ended)
        try:
            while True:
                head = await reader.readexactly(16)
                body = await reader.readexactly(int.from_bytes(head[:4], "little") - 16)
                command = bson.decode(body[5:]) if head[12:16] == b"\xdd\x07\0\0" else {"hello": 1}
                answer = self.answer(command)
                if answer is None:
                    break
                if answer == {}:
                    await self.stuck.wait()
                self.reply(writer, head, answer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
            ended.set_result(None)

    def answer(self, command: dict[str, Any]) -> Answer:
        if "find" not in command:
            return HELLO | {"isWritablePrimary": True, "ismaster": True, "setName": "s", "hosts": [self.name]}
        self.asked.append(command)
        self.reached.set()
        return self.answers.pop(0)

    def reply(self, writer: asyncio.StreamWriter, head: bytes, answer: dict[str, Any]) -> None:
        body = bson.encode(answer)
        if head[12:16] == b"\xd4\x07\0\0":  # the first hello comes as OP_QUERY
            fixed = b"\0" * 16 + (1).to_bytes(4, "little")
            operation = 1
        else:
            fixed, operation = b"\0" * 5, 2013
        numbers = (16 + len(fixed) + len(body), 7, int.from_bytes(head[4:8], "little"), operation)
        writer.write(b"".join(number.to_bytes(4, "little") for number in numbers) + fixed + body)

    name = ""


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[Server, Lanes]]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server.name = f"127.0.0.1:{port}"
    uri = f"mongodb://{server.name}/?replicaSet=s&serverMonitoringMode=poll"
    try:
        async with lanes_of(uri, "db", serverSelectionTimeoutMS=2000, **options) as lanes:
            yield server, lanes
    finally:
        server.stuck.set()
        listening.close()
        await asyncio.gather(*server.ended)


GOOD: Answer = {"ok": 1, "cursor": {"firstBatch": [], "id": 0}}
NOT_PRIMARY: Answer = {"ok": 0, "code": 10107, "errmsg": "not primary"}
GONE_DOWN: Answer = {"ok": 0, "code": 91, "errmsg": "shutting down"}
LATE: Answer = {"ok": 0, "code": 262, "errmsg": "exceeded time limit"}


@pytest.mark.parametrize(
    "first", [None, NOT_PRIMARY, GONE_DOWN, LATE], ids=["cut", "stepped", "down", "late"]
)
async def test_what_the_driver_repeats_is_repeated_once(first: Answer) -> None:
    """After a step-down, a shutdown or a connection that breaks."""
    async with served(heartbeatFrequencyMS=500) as (server, lanes):
        server.answers = [first, GOOD]
        assert (await lanes.ask(PING))["ok"]
        assert len(server.asked) == 2
        server.answers = [first, first, GOOD]
        with pytest.raises(OperationFailure if first is LATE else AutoReconnect):
            await lanes.ask(PING)
        assert len(server.asked) == 4


async def test_the_driver_hears_of_errors_and_the_client_of_503() -> None:
    """A broken connection makes the driver look at the server anew, and give up all of its connections."""
    async with served(heartbeatFrequencyMS=500, retryReads=False) as (server, lanes):
        server.answers = [GOOD, GOOD, NOT_PRIMARY, GOOD, None, GOOD]
        await lanes.ask(PING)
        (lane,) = lanes._free
        await asyncio.gather(lanes.ask(PING))
        assert lanes._free == [lane]
        with pytest.raises(NotPrimaryError):
            await lanes.ask(PING)
        await lanes.ask(PING)
        with pytest.raises(UnavailableError, match="cannot be reached"):
            async with database_errors():
                await lanes.ask(PING)
        assert lane._transport.is_closing()
        await lanes.ask(PING)


async def test_what_a_frozen_server_owes_is_given_up_when_the_driver_gives_it_up() -> None:
    """In the time of a heartbeat, and not of the socket."""
    async with served(socketTimeoutMS=20_000, retryReads=False) as (server, lanes):
        server.answers = [{}]
        waiting = asyncio.create_task(lanes.ask(PING))
        async with asyncio.timeout(10):
            await server.reached.wait()
            for each in (await lanes._primary()).pool.active_contexts:
                each.cancel()
            with pytest.raises(AutoReconnect, match="given up"):
                await waiting


@pytest.mark.parametrize("spoil", [lambda n: n + 1, lambda n: -n], ids=["another", "negative"])
async def test_an_answer_to_something_else_is_none(spoil: Callable[[int], int]) -> None:
    async with served() as (server, lanes):
        honest = server.reply

        def reply(writer: asyncio.StreamWriter, head: bytes, answer: dict[str, Any]) -> None:
            number = int.from_bytes(head[4:8], "little")
            if "cursor" in answer:
                head = head[:4] + spoil(number).to_bytes(4, "little", signed=True) + head[8:]
            honest(writer, head, answer)

        server.reply = reply  # type: ignore[method-assign]
        server.answers = [GOOD]
        with pytest.raises(UnavailableError):
            async with database_errors():
                await lanes.ask(PING)
        assert lanes._free == []


@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_answers_of_every_length_keep_their_connection(new_loop: Callable[[], Any]) -> None:
    """Of one buffer, a byte more or less, and many: uvloop ends a connection whose buffer is full."""

    async def ask() -> None:
        async with served() as (server, lanes):
            for size in (65_535, 65_536, 65_537, 300_000, 100):
                padded: dict[str, Any] = {**(GOOD or {}), "pad": b""}
                padded["pad"] = b"x" * (size - 21 - len(bson.encode(padded)))
                server.answers = [padded, GOOD]
                assert (await lanes.ask(PING, again=False))["pad"] == padded["pad"]
                (lane,) = lanes._free
                await lanes.ask(PING, again=False)
                assert lanes._free == [lane]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(ask())


def test_the_driver_is_the_one_that_lanes_were_written_for() -> None:
    """With another one: read its pool.py (checkout, _get_conn, close_conn), network_layer.py (PyMongoProtocol)
    and mongo_client.py (_select_server, _ClientReadCheckout, _read) beside ``store/lanes.py``, then name it here."""
    assert pymongo.version_tuple[:2] == (4, 20)
