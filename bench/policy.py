"""What policy classes cost a poll: 1, 150, 200, 201 and 1,000 of them, over HTTP.

    python -m bench.policy [--size 200000] [--rounds 9] [--pages 8]

A hub of its own for each number of classes, all with the same objects in the same order. In each, as
many classes again hold the hundredth part of the objects: one reader sees nearly all, the other 1 %, and
both read that number of classes. Each round asks every hub in turn; the ratios to one class are
those of one round, the figures medians over the rounds. Objects are written to MongoDB as a commit would
write them, for a million of them takes too long to post. Writes bench/measured/policy.json.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from bench.audit import COLLECTIONS, _cpu, _mongods
from bench.results import machine, write
from taxii_hub.bootstrap import open_hub
from taxii_hub.model import Policy
from taxii_hub.settings import Settings
from taxii_hub.store.classes import policy_key
from taxii_hub.store.engine import engine_for
from taxii_hub.store.topology import connect
from tests.support.hubs import RunningHub, running_hub
from tests.support.wire_client import Answer, WireClient

NUMBERS = (1, 150, 200, 201, 1000)
TYPES = ("indicator", "malware", "tool", "campaign", "infrastructure")
READERS = {"nearly all": "gb-heron", "1 %": "fr-huppe"}
WRITER = "us-kite"
START = 1_767_225_600_000_000
CASES = {
    "limit 1000": {"limit": "1000"},
    "limit 100": {"limit": "100"},
    "limit 1000, three types": {"limit": "1000", "match[type]": ",".join(TYPES[:3])},
    "limit 100, three types": {"limit": "100", "match[type]": ",".join(TYPES[:3])},
}
Database = AsyncDatabase[dict[str, Any]]


# --- what is there to be read ------------------------------------------------------------------


def catalogue(folder: Path, number: int) -> None:
    """The sandbox with a collection for so many classes; compartments part the two readers."""
    shutil.copy(COLLECTIONS / "agencies.yaml", folder)
    members = "\n".join(
        [
            "  - hub-lab",
            f"  - {WRITER}",
            f"  - {{agency: gb-heron, clearances: [{', '.join(f'H{n}' for n in range(number))}]}}",
            f"  - {{agency: fr-huppe, clearances: [{', '.join(f'L{n}' for n in range(number))}]}}",
        ]
    )
    collections = "\n".join(
        f"  - {{id: {uuid.UUID(int=place, version=4)}, alias: {alias}, title: Bench {alias}, read: members, "
        f"write: members, validation: strict, default_marking: clear}}"
        for place, alias in enumerate(["scratch", "classes"], 1)
    )
    text = f"title: Bench\nmembers:\n{members}\ncollections:\n{collections}\n"
    (folder / "sandbox.yaml").write_text(text)


async def interned(database: Database, collection: int, names: list[str]) -> list[int]:
    """Classes that need one compartment each, as ``store/classes.py`` stores them."""
    counter: Any = await database["counters"].find_one_and_update(
        {"_id": "policies"}, {"$inc": {"last": len(names)}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    numbers = list(range(counter["last"] - len(names) + 1, counter["last"] + 1))
    policies = [Policy(WRITER, needs=frozenset({name})) for name in names]
    await database["policies"].insert_many(
        {
            "_id": number,
            "c": collection,
            "key": policy_key(policy),
            "origin": policy.origin,
            "level": policy.level,
            "audience": None,
            "needs": sorted(policy.needs),
            "purposes": None,
            "ripe": True,
        }
        for number, policy in zip(numbers, policies, strict=True)
    )
    return numbers


def entries(collection: int, size: int, high: list[int], low: list[int]) -> Iterator[dict[str, Any]]:
    """One object in a hundred is in the low classes; classes and types take turns."""
    for n in range(size):
        classes = low if n % 100 == 50 else high
        kind = TYPES[n % len(TYPES)]
        moment = START + n * 1000
        thing = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--{uuid.UUID(int=n, version=4)}",
            "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z",
            "name": f"bench {n}",
            "description": f"An invented object, number {n}, about p{n}.example. " * 6,
        }
        yield {
            "c": collection,
            "s": moment,
            "p": classes[(n // 100 if classes is low else n) % len(classes)],
            "i": thing["id"],
            "t": kind,
            "v": START,
            "x": n.to_bytes(16),
            "b": orjson.dumps(thing),
            "l": 1,
            "f": 1,
        }


async def fill(hub: RunningHub, folder: Path, number: int, size: int) -> None:
    """Beside the running hub, as its command line would."""
    mine = replace(Settings.from_environment(), data_dir=hub.data, collections_dir=folder)
    async with open_hub(mine) as beside, engine_for(mine) as uri, connect(uri) as client:
        database = client[mine.mongodb_database]
        collections = [each for root in beside.catalog.api_roots for each in root.collections]
        (feed,) = [each.feed for each in collections if each.alias == "classes"]
        await fill_one(database, feed, number, size)
    print(f"{number} classes: {size:,} objects are there", flush=True)


async def fill_one(database: Database, collection: int, number: int, size: int) -> None:
    names = [f"{side}{n}" for side in "HL" for n in range(number)]
    classes = await interned(database, collection, names)
    batch: list[dict[str, Any]] = []
    for entry in entries(collection, size, classes[:number], classes[number:]):
        batch.append(entry)
        if len(batch) == 5000:
            await database["entries"].insert_many(batch, ordered=False)
            batch = []
    if batch:
        await database["entries"].insert_many(batch, ordered=False)


FOLDER = "TAXII_HUB_COLLECTIONS_DIR"


# --- what it costs to read it ------------------------------------------------------------------


@dataclass
class Walk:
    """One reader going round and round in one collection under one filter."""

    client: WireClient
    path: str
    parameters: dict[str, str]
    rounds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    next: str | None = None

    async def pages(self, count: int, processes: list[int]) -> None:
        """The median of so many pages, in milliseconds, and their CPU time. The walks of all collections
        are of the same lengths, so that the short page at the end of each is the same for all."""
        times: list[float] = []
        before = sum(_cpu(p) for p in processes)
        while len(times) < count:
            parameters = self.parameters | ({"next": self.next} if self.next else {})
            began = time.perf_counter()
            answer = await self.client.get(self.path, parameters)
            took = (time.perf_counter() - began) * 1000
            self.next = _next(answer)
            times.append(took)
        self.rounds.append(statistics.median(times))
        self.cpu.append((sum(_cpu(p) for p in processes) - before) * 1000 / count)


def _next(answer: Answer) -> str | None:
    page: Any = answer.json()
    if answer.status != 200 or not page["objects"]:
        raise RuntimeError(answer.body[:300])
    found: str | None = page.get("next")
    return found


async def compare(
    hubs: dict[int, RunningHub], reader: str, asked: dict[str, str], arguments: Any
) -> dict[str, Any]:
    """All numbers of classes in turn, round after round."""
    processes = {n: [*hub.worker_pids(), *_mongods(hub.process.pid)] for n, hub in hubs.items()}
    walks: dict[int, Walk] = {}
    for number, hub in hubs.items():
        url = hub.collection("sandbox", "classes")
        path = f"{urlsplit(url).path}/objects/"
        walks[number] = Walk(WireClient(url, hub.credentials(reader)), path, asked)
        await walks[number].pages(2, processes[number])
        walks[number].rounds.clear()
        walks[number].cpu.clear()
    for turn in range(arguments.rounds):
        for number in NUMBERS if turn % 2 else reversed(NUMBERS):
            await walks[number].pages(arguments.pages, processes[number])
    one = walks[NUMBERS[0]]
    found = {}
    for number, walk in walks.items():
        found[str(number)] = {
            "milliseconds": round(statistics.median(walk.rounds), 2),
            "cpu_milliseconds": round(statistics.median(walk.cpu), 2),
            "ratio": round(_ratio(walk.rounds, one.rounds), 2),
            "cpu_ratio": round(sum(walk.cpu) / max(sum(one.cpu), 1), 2),
        }
        walk.client.close()
    return found


def _ratio(rounds: list[float], of_one: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(rounds, of_one, strict=True))


async def measure(hubs: dict[int, RunningHub], arguments: argparse.Namespace) -> dict[str, Any]:
    gc.collect()
    await asyncio.sleep(3)  # until the last hub has seen the classes, and MongoDB has written what was loaded
    figures: dict[str, Any] = {}
    for case, asked in CASES.items():
        for sees, reader in READERS.items():
            figures[f"{case}; sees {sees}"] = found = await compare(hubs, reader, asked, arguments)
            ratios = ", ".join(f"{number}: {each['ratio']}" for number, each in found.items())
            cpu = ", ".join(f"{number}: {each['cpu_ratio']}" for number, each in found.items())
            print(f"{case}; sees {sees}; {found['1']['milliseconds']} ms; {ratios}; CPU {cpu}", flush=True)
    return figures


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--pages", type=int, default=8)
    arguments = parser.parse_args()
    hubs: dict[int, RunningHub] = {}
    with ExitStack() as stack:
        for number in NUMBERS:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            catalogue(folder, number)
            hubs[number] = stack.enter_context(running_hub(settings={FOLDER: str(folder)}))
            asyncio.run(fill(hubs[number], folder, number, arguments.size))
        figures = asyncio.run(measure(hubs, arguments))
    shape = {"size": arguments.size, "rounds": arguments.rounds, "pages": arguments.pages}
    write("policy", {"machine": machine(), **shape, "figures": figures})


if __name__ == "__main__":
    main()
