"""What it costs to find the policies of 20,000 objects before they are stored.

    python -m bench.policing [--size 20000] [--rounds 5]

`marking`: objects that carry TLP:AMBER, each by itself, and together as a request marks them. `ends`:
relationships whose other ends are stored, in 1, 10 and 100 classes that narrow what connects them.
Medians, in milliseconds; the store is a real MongoDB in this process's charge. Writes
bench/measured/policing.json.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.policy import Database, catalogue, entries, interned
from bench.results import machine, write
from taxii_hub.bootstrap import open_hub
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.exchange.access import place_for
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import policed, setting_of
from taxii_hub.model import Account
from taxii_hub.policy.marking import all_marked, marked
from taxii_hub.settings import Settings
from taxii_hub.stix.markings import TLP_2_IDS
from taxii_hub.store.engine import engine_for
from taxii_hub.store.topology import connect

CLASSES = (1, 10, 100)
ACCOUNT = Account("bench", "gb-heron", frozenset({"reader", "writer"}))
Values = list[dict[str, Any]]


def relationships(size: int, ends: list[str]) -> Values:
    """Each connects two of the stored objects."""
    return [
        {
            "type": "relationship",
            "id": f"relationship--{uuid.UUID(int=n, version=4)}",
            "relationship_type": "related-to",
            "source_ref": ends[n % len(ends)],
            "target_ref": ends[(n + 1) % len(ends)],
        }
        for n in range(size)
    ]


async def marking(hub: Hub, size: int, rounds: int) -> dict[str, float]:
    place = place_for(hub, ACCOUNT, "sandbox", "scratch")
    values: Values = [
        {"type": "indicator", "id": f"indicator--{n}", "object_marking_refs": [TLP_2_IDS["amber"]]}
        for n in range(size)
    ]
    setting = await setting_of(hub, place, values)
    each, together = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        one_by_one = [marked(value, setting) for value in values]
        each.append(time.perf_counter() - began)
        began = time.perf_counter()
        same = all_marked(values, setting)
        together.append(time.perf_counter() - began)
        if same != one_by_one:
            raise RuntimeError("marked together objects are marked otherwise than one by one")
    return {"one by one": _ms(each), "together": _ms(together)}


async def connecting(hub: Hub, database: Database, size: int, rounds: int) -> dict[str, float]:
    """The whole of ``policed`` for relationships, by the number of classes of their ends."""
    found = {}
    for number in CLASSES:
        place = place_for(hub, ACCOUNT, "sandbox", f"classes-{number}")
        classes = await interned(database, place.collection.feed, [f"H{n}" for n in range(number)])
        stored = list(entries(place.collection.feed, size, classes, classes))
        for start in range(0, size, 1000):
            await database["entries"].insert_many(stored[start : start + 1000], ordered=False)
        await hub.feed.refresh()
        values = relationships(size, [entry["i"] for entry in stored])
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            policies = await policed(hub, place, values)
            times.append(time.perf_counter() - began)
            if not all(each.policy.needs for each in policies):
                raise RuntimeError("a relationship is wider than what it connects")
        found[str(number)] = _ms(times)
    return found


def _ms(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1000, 1)


async def measure(folder: Path, size: int, rounds: int) -> dict[str, Any]:
    catalogue(folder, CLASSES)
    settings = replace(Settings(), data_dir=folder / "data", collections_dir=folder)
    async with open_hub(settings) as hub, engine_for(settings) as uri, connect(uri) as client:
        await hub.catalogs.apply(to_document(load_catalog(folder)), by="bench")
        return {
            "marking": await marking(hub, size, rounds),
            "ends": await connecting(hub, client[settings.mongodb_database], size, rounds),
        }


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder), arguments.size, arguments.rounds))
    print(figures, flush=True)
    write("policing", {"machine": machine(), "size": arguments.size, **figures})


if __name__ == "__main__":
    main()
