"""Mixed load for as long as is asked for: writers, pollers, walkers, readers of one object; and what memory does meanwhile."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench.processes import uses
from bench.workloads import Subject
from tests.support.probe import Probe, Target
from tests.support.wire_client import WireClient

WRITERS, BATCH, PACE = 4, 10, 0.3
SAMPLE_EVERY = 5.0
SAY_EVERY = 60.0


@dataclass
class _Meanwhile:
    """What is done beside the probe, and what is seen."""

    subject: Subject
    began: float = field(default_factory=time.monotonic)
    samples: list[dict[str, float]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def client(self) -> WireClient:
        assert self.subject.server.auth is not None
        return WireClient(self.subject.server.url, self.subject.server.auth)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sample())
            group.create_task(self._walk(1000, 0.05))
            group.create_task(self._walk(10_000, 0.5))
            for _ in range(2):
                group.create_task(self._read())

    async def _walk(self, limit: int, pause: float) -> None:
        """From the start to the end, again and again."""
        client, path = self.client(), urlsplit(self.subject.server.url).path
        while True:
            asked, more = {"limit": str(limit)}, True
            while more:
                page = await self._asked(client, f"{path}/objects/", asked)
                self.done[f"objects walked by {limit}"] += len(page.get("objects", ()))
                more = page.get("more", False)
                asked = {"limit": str(limit), "next": page.get("next", "")}
                await asyncio.sleep(pause)
            self.done[f"walks by {limit}"] += 1

    async def _read(self) -> None:
        client, path = self.client(), urlsplit(self.subject.server.url).path
        while True:
            one = random.choice(self.subject.ids)
            page = await self._asked(client, f"{path}/objects/{one}/", {})
            self.done["read by id" if len(page.get("objects", ())) == 1 else "not found by id"] += 1
            await asyncio.sleep(0.02)

    async def _asked(self, client: WireClient, path: str, asked: dict[str, str]) -> dict[str, Any]:
        try:
            answer = await client.get(path, asked)
        except (OSError, EOFError):
            self.done["broken"] += 1
            return {}
        if answer.status != 200:
            self.done[f"answered {answer.status}"] += 1
            return {}
        return answer.json()

    async def _sample(self) -> None:
        said = 0.0
        while True:
            resident = {name: use.resident / 1e6 for name, use in uses(self.subject.server.groups).items()}
            minute = (time.monotonic() - self.began) / 60
            self.samples.append({"minute": minute, **resident})
            if time.monotonic() - said > SAY_EVERY:
                said = time.monotonic()
                print(f"  {minute:.0f} min: {resident} {dict(self.done)}", flush=True)
            await asyncio.sleep(SAMPLE_EVERY)


def soak(subject: Subject, minutes: float) -> dict[str, Any]:
    """Sums of order, what was done and answered, and the memory of hub and MongoDB over the time."""
    server = subject.server
    assert server.auth is not None
    meanwhile = _Meanwhile(subject)
    probe = Probe(Target(server.url, server.auth), writers=WRITERS, batch=BATCH, pace=PACE)
    sums = asyncio.run(probe.run(minutes * 60, meanwhile.run))
    subject.newest = ""
    return {
        "minutes": minutes,
        "order": asdict(sums) | {"wrong": sums.wrong[:3], "clean": sums.clean},
        "done": dict(meanwhile.done),
        "memory": {name: _curve(meanwhile.samples, name) for name in server.groups},
    }


def _curve(samples: list[dict[str, float]], name: str) -> dict[str, Any]:
    """Ten points, and the last quarter over the second: the first is warming up."""
    values = [sample[name] for sample in samples]
    parts = [values[len(values) * n // 4 : len(values) * (n + 1) // 4] or values for n in range(4)]
    points = [values[min(len(values) - 1, len(values) * n // 9)] for n in range(10)]
    return {
        "points_mb": points,
        "highest_mb": max(values),
        "last_over_second_quarter": statistics.median(parts[3]) / statistics.median(parts[1]),
    }
