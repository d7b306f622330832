"""Serving, beside the reference server: load, walk, poll for nothing, ask for one object.

    python -m bench.serving [--size 100000] [--medallion-size 1000]

Both servers are asked over HTTP by the same small client, one after the other, the median of three
rounds. medallion (memory backend) gets a size that it survives: at some thousand objects one page
takes minutes. Writes bench/measured/serving.json.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.results import machine, write
from tests.contract.medallion_target import medallion
from tests.support.hubs import running_hub
from tests.support.probe import LAST, Target, indicator
from tests.support.wire_client import WireClient

ROUNDS = 3


class Bench:
    """One server with one collection."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._path = urlsplit(target.url).path
        self._client = WireClient(target.url, target.auth)
        self.figures: dict[str, float] = {}
        self.errors = 0
        self._newest = ""
        self._one = ""

    async def load(self, size: int, envelope: int) -> None:
        """POST ``size`` invented indicators."""
        await self._post([indicator(0)])  # a first use waits for its policy class
        took = 0.0
        for start in range(1, size, envelope):
            objects = [indicator(start + n) for n in range(min(envelope, size - start))]
            began = time.perf_counter()
            await self._post(objects)
            took += time.perf_counter() - began
            self._one = objects[-1]["id"]
        self.figures[f"POST {envelope} an envelope, 1 writer, objects/s"] = (size - 1) / took

    async def _post(self, objects: list[dict[str, Any]]) -> None:
        answer = await self._client.post(f"{self._path}/objects/", orjson.dumps({"objects": objects}))
        status: Any = answer.json()
        self.errors += answer.status != 202 or status["failure_count"] != 0

    async def walk(self, size: int, limit: int) -> None:
        """Everything, by ``next``; counts what came."""

        async def once() -> float:
            count, next_ = 0, None
            began = time.perf_counter()
            while True:
                parameters = {"limit": str(limit)} | ({"next": next_} if next_ else {})
                answer = await self._client.get(f"{self._path}/objects/", parameters)
                page: Any = answer.json()
                count += len(page["objects"])
                self._newest = answer.headers[LAST]
                if not page.get("more"):
                    break
                next_ = page["next"]
            self.errors += count != size
            return count / (time.perf_counter() - began)

        await self._median(f"full walk, limit {limit}, objects/s", once)

    async def idle(self, pollers: int, seconds: float) -> None:
        """Pollers that hear "nothing new", as fast as they can."""

        async def once() -> float:
            end = time.perf_counter() + seconds
            asked = {"added_after": self._newest}

            async def poller() -> int:
                client = WireClient(self._target.url, self._target.auth)
                count = 0
                while time.perf_counter() < end:
                    answer = await client.get(f"{self._path}/objects/", asked)
                    self.errors += answer.status != 200 or b'"objects":[{' in answer.body
                    count += 1
                client.close()
                return count

            return sum(await asyncio.gather(*(poller() for _ in range(pollers)))) / seconds

        await self._median(f"nothing new, {pollers} pollers, requests/s", once)

    async def one(self) -> None:
        """One object by its id."""

        async def once() -> float:
            times = []
            for _ in range(50):
                began = time.perf_counter()
                answer = await self._client.get(f"{self._path}/objects/{self._one}/")
                times.append((time.perf_counter() - began) * 1000)
                self.errors += answer.status != 200
            return statistics.median(times)

        await self._median("object by id, p50 ms", once)

    async def _median(self, name: str, once: Callable[[], Awaitable[float]]) -> None:
        self.figures[name] = statistics.median([await once() for _ in range(ROUNDS)])
        print(f"  {name}: {self.figures[name]:,.1f} ({self.errors} errors)", flush=True)


async def measure(target: Target, size: int, pollers: tuple[int, ...]) -> dict[str, Any]:
    """All workloads on one server."""
    bench = Bench(target)
    await bench.load(size, min(1000, size // 2))
    for limit in (1000, 100):
        await bench.walk(size, limit)
    await bench.one()
    for number in pollers:
        await bench.idle(number, 3)
    return {"size": size, "errors": bench.errors, "figures": bench.figures}


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--medallion-size", type=int, default=1000)
    arguments = parser.parse_args()
    servers: dict[str, Any] = {}
    small, pollers = arguments.medallion_size, (1, 64)
    with medallion() as server:
        print(f"medallion, {small} objects", flush=True)
        url = f"{server.url}{server.api_root}collections/{server.collections['rw']}"
        servers["medallion"] = asyncio.run(measure(Target(url, (server.user, server.password)), small, (1,)))
    for name, size in (("small", small), ("large", arguments.size)):
        with running_hub() as hub:
            print(f"TAXII Hub, {size} objects", flush=True)
            target = Target(hub.collection("sandbox", "scratch"), hub.credentials("gb-heron"))
            servers[name] = asyncio.run(measure(target, size, pollers))
    write("serving", {"machine": machine(), "servers": servers})


if __name__ == "__main__":
    main()
