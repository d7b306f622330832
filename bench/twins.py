"""Do answers take longer where secrets are? Two hubs, one of which also holds what the reader may not see.

    python -m bench.twins [--size 2000] [--requests 500]

Both have the same low-side objects; the other one holds as many secret ones beside them: objects of their
own, newer versions of visible ones, and copies under the same ids. Nobody writes while one low reader asks
both in turn, A B B A. The medians of each endpoint are to lie within 10 %. Beside them stands what the same
comparison gives for two halves of the requests to one hub: that much is noise. Writes
bench/measured/twins.json.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.audit import COLLECTIONS
from bench.results import machine, write
from taxii_hub.stix.markings import TLP_2_IDS
from tests.support.hubs import RunningHub, running_hub
from tests.support.probe import LAST, indicator
from tests.support.wire_client import Answer, WireClient

WRITER, STRANGER, READER = "us-kite", "ca-loon", "fr-huppe"
Objects = list[dict[str, Any]]


class World:
    """One hub, and the times of its answers by endpoint, in milliseconds."""

    def __init__(self, hub: RunningHub) -> None:
        self._hub = hub
        self._url = hub.collection("sandbox", "scratch")
        self.path = urlsplit(self._url).path
        self._reader = WireClient(self._url, hub.credentials(READER))
        self.times: dict[str, list[float]] = {}

    async def post(self, agency: str, objects: Objects) -> None:
        client = WireClient(self._url, self._hub.credentials(agency))
        for start in range(0, len(objects), 500):
            body = orjson.dumps({"objects": objects[start : start + 500]})
            answer = await client.post(f"{self.path}/objects/", body)
            status: Any = answer.json()
            if answer.status != 202 or status["failure_count"]:
                raise RuntimeError(answer.body[:300])
        client.close()

    async def ask(self, name: str, path: str, parameters: dict[str, str]) -> Answer:
        began = time.perf_counter()
        answer = await self._reader.get(f"{self.path}/{path}", parameters)
        self.times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
        return answer


def low_side(size: int) -> tuple[Objects, Objects]:
    """Objects that the reader sees, and those that he does not."""
    low = [indicator(n) for n in range(size)]
    red = {"object_marking_refs": [TLP_2_IDS["red"]], "name": "secret"}
    later = {"modified": "2031-01-01T00:00:00.000Z"}
    third = max(1, size // 3)
    own = [indicator(size + n) | red for n in range(size - 2 * third)]
    return low, [*own, *(each | red | later for each in low[:third])]


def copies(low: Objects) -> Objects:
    """The same ids and versions with other content, of an agency that nobody else reads."""
    third = max(1, len(low) // 3)
    return [each | {"object_marking_refs": [TLP_2_IDS["red"]], "name": "copy"} for each in low[:third]]


def endpoints(low: Objects, newest: str) -> dict[str, tuple[str, dict[str, str]]]:
    """What is asked: a path below the collection, and its parameters."""
    one = low[1]["id"]
    some = ",".join(each["id"] for each in low[:20])
    return {
        "collection": ("", {}),
        "objects, limit 100": ("objects/", {"limit": "100"}),
        "objects, limit 1000": ("objects/", {"limit": "1000"}),
        "objects, nothing new": ("objects/", {"added_after": newest}),
        "objects, a type": ("objects/", {"limit": "100", "match[type]": "indicator"}),
        "objects, 20 ids": ("objects/", {"match[id]": some}),
        "objects, all versions": ("objects/", {"limit": "100", "match[version]": "all"}),
        "manifest, limit 100": ("manifest/", {"limit": "100"}),
        "object": (f"objects/{one}/", {}),
        "object, all versions": (f"objects/{one}/", {"match[version]": "all"}),
        "versions": (f"objects/{one}/versions/", {}),
        "object that is none": ("objects/indicator--6d1b3b56-6250-4a52-8a32-2ce82c6bcdb1/", {}),
    }


async def measure(plain: World, secret: World, arguments: argparse.Namespace) -> dict[str, Any]:
    low, high = low_side(arguments.size)
    for world in (plain, secret):
        if world is secret:
            await world.post(STRANGER, copies(low))  # before: who sees an object adds no copy of it
            await world.post(WRITER, high[: len(high) // 2])
        await world.post(WRITER, low)
    await secret.post(WRITER, high[len(high) // 2 :])
    newest = await _agree(plain, secret, low)
    asked = endpoints(low, newest)
    for turn in range(arguments.requests + 20):
        for name, (path, parameters) in asked.items():
            for world in (plain, secret) if turn % 2 else (secret, plain):
                await world.ask(name, path, parameters)
    return {name: _compared(plain.times[name][20:], secret.times[name][20:]) for name in asked}


async def _agree(plain: World, secret: World, low: Objects) -> str:
    """Both answer the same objects, or the times compare nothing; the newest stamp of the later hub."""
    newest = []
    for world in (plain, secret):
        answer = await world.ask("whole", "objects/", {"limit": str(len(low) + 1)})
        page: Any = answer.json()
        if page["objects"] != low:
            raise RuntimeError("the low reader of the two hubs does not see the low side")
        newest.append(answer.headers[LAST])
    return max(newest)


def _compared(plain: list[float], secret: list[float]) -> dict[str, float]:
    medians = statistics.median(plain), statistics.median(secret)
    return {
        "plain_ms": round(medians[0], 3),
        "secret_ms": round(medians[1], 3),
        "ratio": round(medians[1] / medians[0], 3),
        "noise": round(statistics.median(plain[::2]) / statistics.median(plain[1::2]), 3),
    }


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--requests", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("agencies.yaml", "sandbox.yaml"):  # the demo without reports, which start slowly
            shutil.copy(COLLECTIONS / name, folder)
        settings = {"TAXII_HUB_COLLECTIONS_DIR": folder}
        with running_hub(settings=settings) as one, running_hub(settings=settings) as other:
            figures = asyncio.run(measure(World(one), World(other), arguments))
    for name, each in figures.items():
        print(f"{name}: {each}", flush=True)
    write(
        "twins",
        {"machine": machine(), "size": arguments.size, "requests": arguments.requests, "endpoints": figures},
    )


if __name__ == "__main__":
    main()
