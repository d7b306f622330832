"""What the audit log costs a content poll, and how long a million leaves take to verify.

    python -m bench.audit [--size 20000] [--pairs 7] [--seconds 4] [--leaves 1000000]

Two hubs with the same objects, one of which logs no page (``bench/unaudited.py``), are polled in turn
over HTTP by one client; the figures are medians of the pairs. Beside requests per second, which others on
the machine disturb, the CPU time of the hub's and MongoDB's processes is counted for each page.
Writes bench/measured/audit.json.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.results import machine, write
from taxii_hub.ledger.checkpoint import Checkpoint, Signer
from taxii_hub.ledger.leaves import Actor, leaf_of, stamps_document
from taxii_hub.ledger.log import TILE, Kept, Row, Tree, tile_writes
from taxii_hub.ledger.merkle import Frontier, Head, leaf_hash
from taxii_hub.ledger.verify import Evidence, verify
from tests.support.hubs import RunningHub, running_hub
from tests.support.probe import indicator
from tests.support.wire_client import WireClient

COLLECTIONS = Path(__file__).parents[1] / "collections"
TICKS = os.sysconf("SC_CLK_TCK")
SIGNER = Signer("taxii-hub/bench", b"s" * 32)
AT = 1_763_856_000_000_000


class Side:
    """One of the two hubs."""

    def __init__(self, hub: RunningHub) -> None:
        url = hub.collection("sandbox", "scratch")
        self.path = urlsplit(url).path
        self.client = WireClient(url, hub.credentials("gb-heron"))
        self.processes = [*hub.worker_pids(), *_mongods(hub.process.pid)]

    def cpu(self) -> float:
        """Seconds that hub and database have worked."""
        return sum(_cpu(process) for process in self.processes)

    async def load(self, objects: list[dict[str, Any]]) -> None:
        for start in range(0, len(objects), 1000):
            body = orjson.dumps({"objects": objects[start : start + 1000]})
            answer = await self.client.post(f"{self.path}/objects/", body)
            if answer.status != 202:
                raise RuntimeError(answer.body[:300])

    async def poll(self, limit: int, seconds: float) -> tuple[float, float]:
        """Pages a second, and milliseconds of CPU a page, walking round and round; the log's own work on
        them, a second later, counts too."""
        pages, next_ = 0, None
        cpu, began = self.cpu(), time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            parameters = {"limit": str(limit)} | ({"next": next_} if next_ else {})
            answer = await self.client.get(f"{self.path}/objects/", parameters)
            page: Any = answer.json()
            if answer.status != 200 or not page["objects"]:
                raise RuntimeError(answer.body[:300])
            next_ = page.get("next")
            pages += 1
        await asyncio.sleep(1.5)
        return pages / took, (self.cpu() - cpu) / pages * 1000


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _mongods(parent: int) -> list[int]:
    """The databases among a supervisor's children."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "comm").read_text().startswith("mongod"):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                found += [int(folder.name)] if int(fields[1]) == parent else []
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


async def compare(sides: dict[str, Side], limit: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """The pairs, in changing order."""
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for pair in range(arguments.pairs):
        for name in sorted(sides, reverse=bool(pair % 2)):
            figures[name].append(await sides[name].poll(limit, arguments.seconds))
    rates = [a[0] / b[0] for a, b in zip(figures["audited"], figures["unaudited"], strict=True)]
    works = [a[1] / b[1] for a, b in zip(figures["audited"], figures["unaudited"], strict=True)]
    result = {
        "pages_per_second": {name: statistics.median(f[0] for f in each) for name, each in figures.items()},
        "cpu_ms_per_page": {name: statistics.median(f[1] for f in each) for name, each in figures.items()},
        "rate_ratios": sorted(rates),
        "time_added": 1 / statistics.median(rates) - 1,
        "cpu_added": statistics.median(works) - 1,
    }
    print(f"limit {limit}: {orjson.dumps(result, option=orjson.OPT_INDENT_2).decode()}", flush=True)
    return result


async def polls(arguments: argparse.Namespace, audited: RunningHub, unaudited: RunningHub) -> dict[str, Any]:
    sides = {"audited": Side(audited), "unaudited": Side(unaudited)}
    objects = [indicator(n) for n in range(arguments.size)]
    for side in sides.values():
        await side.load(objects)
        await side.poll(1000, 1)
    return {str(limit): await compare(sides, limit, arguments) for limit in (1000, 100)}


def leaves(count: int) -> Iterator[Row]:
    """Leaves of pages as they are: a thousand stamps of one commit each."""
    stamps = stamps_document([AT + 10 * n for n in range(1000)])
    told = {
        "view": "objects",
        "collection": "7b1f0c87-6e65-44fe-a789-7a6f5245842b",
        "feed": 1,
        "epoch": 3,
        **stamps,
    }
    actors = [Actor(f"siem-{n}", "gb-heron") for n in range(60)]
    for n in range(count):
        leaf = leaf_of("page", AT + n * 60_000, actors[n % 60], {**told, "id": f"0123456789abcdef-{n}"})
        yield Row(n, leaf_hash(leaf), leaf)


def verifying(count: int) -> dict[str, Any]:
    """Seconds for so many leaves under a checkpoint each thousand."""
    frontier = Frontier.empty()
    hashes: list[bytes] = []
    kept: list[Kept] = []
    for row in leaves(count):
        hashes.append(row.hash)
        frontier.append(row.hash)
        if frontier.size % 1000 == 0:
            head = Head(frontier.size, frontier.root())
            note = SIGNER.sign(Checkpoint(SIGNER.name, head, len(kept) + 1, AT))
            kept.append(Kept(len(kept) + 1, note, tuple(frontier.nodes)))
    tiles = tile_writes(0, b"", hashes)
    tree = Tree(count, tuple(frontier.nodes), len(kept))
    began = time.perf_counter()
    for _ in leaves(count):
        pass
    making = time.perf_counter() - began
    began = time.perf_counter()
    report = verify(leaves(count), Evidence([SIGNER.verifier], tree, tiles, kept, (), SIGNER.name))
    took = time.perf_counter() - began - making
    if not report.sound or len(tiles) != -(-count // TILE):
        raise RuntimeError(report.findings[:3])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    result = {"leaves": count, "checkpoints": len(kept), "seconds": round(took, 1), "peak_megabytes": peak}
    print(result, flush=True)
    return result


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    arguments = parser.parse_args()
    verified = verifying(arguments.leaves)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("agencies.yaml", "sandbox.yaml"):  # the demo without reports, which start slowly
            shutil.copy(COLLECTIONS / name, folder)
        settings = {"TAXII_HUB_COLLECTIONS_DIR": folder}
        without = running_hub(settings=settings, app="bench.unaudited:create_app")
        with running_hub(settings=settings) as audited, without as unaudited:
            figures = asyncio.run(polls(arguments, audited, unaudited))
    write("audit", {"machine": machine(), "polls": figures, "verify": verified})


if __name__ == "__main__":
    main()
