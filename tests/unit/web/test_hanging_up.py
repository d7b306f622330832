"""Nobody works for a client that has hung up, and what a client changes is brought to its end all the same."""

from __future__ import annotations

import asyncio
import json

import pytest
import uvicorn
from uvicorn.server import ServerState

from taxii_hub.model import Page
from taxii_hub.web.protocol import TaxiiProtocol

pytestmark = pytest.mark.usefixtures("own_logging")

POLLERS = 64
OBJECTS = "/sandbox/collections/both/objects/"
BODY = b'{"objects":[{"type":"x-a","id":"x-a--7a6a8b8c-54a6-4d93-9d2c-4f8d9d5e7c3a"}]}'


class Slow:
    """A feed of which a page comes when it is let, and that knows how many wait for theirs."""

    def __init__(self, feed) -> None:
        self._feed = feed
        self.waiting = self.given_up = self.committed = 0
        self.changed = asyncio.Condition()
        self.let = asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._feed, name)

    async def page(self, *_):
        await self._wait()
        return Page(())

    async def commit(self, publication):
        await self._wait()
        self.committed += 1
        return await self._feed.commit(publication)

    async def _wait(self):
        await self._count(1)
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        finally:
            await self._count(-1)

    async def _count(self, number):
        async with self.changed:
            self.waiting += number
            self.changed.notify_all()

    async def until(self, number):
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.waiting == number)


def serve(world, scenario):
    """Run ``scenario`` against a listening server; its ``ask`` sends a request on a new connection."""

    async def run():
        feed = world.hub.feed = Slow(world.feed)
        config = uvicorn.Config(world.app, log_config=None, lifespan="off", server_header=False, ws="none")
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: TaxiiProtocol(config, state, {}), "127.0.0.1", 0)

        async def ask(method, path, content=b""):
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            head = f"{method} {path} HTTP/1.1\r\nAuthorization: Bearer {world.keys['north-siem']}\r\n"
            told = f"Content-Type: application/taxii+json\r\nContent-Length: {len(content)}\r\n\r\n"
            writer.write((head + told).encode() + content)
            return writer

        async with server:
            await scenario(feed, ask, state)
            while state.tasks:
                await asyncio.wait(state.tasks)

    asyncio.run(run())


async def hang_up(state, writers):
    """Until the server has noticed."""
    for writer in writers:
        writer.close()
    async with asyncio.timeout(10):
        while state.connections:  # noqa: ASYNC110 - uvicorn tells nobody when one is lost
            await asyncio.sleep(0.01)


def test_pollers_that_hang_up_are_worked_for_no_more(world, capsys):
    """perf.md section 6: the CPU is idle again within a second."""

    async def scenario(feed, ask, state):
        writers = [await ask("GET", OBJECTS) for _ in range(POLLERS)]
        await feed.until(POLLERS)
        await hang_up(state, writers)
        async with asyncio.timeout(1):
            await feed.until(0)
        assert feed.given_up == POLLERS

    serve(world, scenario)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)] * POLLERS


def test_what_was_posted_is_committed_though_the_client_has_gone(world):
    async def scenario(feed, ask, state):
        writers = [await ask("POST", OBJECTS, BODY)]
        await feed.until(1)
        await hang_up(state, writers)
        feed.let.set()
        await feed.until(0)
        assert (feed.given_up, feed.committed) == (0, 1)

    serve(world, scenario)
