"""Eight writers, four pollers: nothing missed, lost, doubled or out of order (R1, R2, R-01)."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.support.hubs import Demo, RunningHub, running_hub
from tests.support.probe import Probe, Target

WORKERS = {"TAXII_HUB_WORKERS": "2"}


def target(hub: RunningHub) -> Target:
    return Target(hub.collection("sandbox", "scratch"), hub.credentials("gb-heron"))


async def test_concurrent_writers_and_pollers(hub: RunningHub) -> None:
    sums = await Probe(target(hub)).run(4)
    assert sums.clean, sums
    assert sums.acknowledged > 50


async def test_also_while_a_worker_is_killed(demo: Demo) -> None:
    with running_hub(settings=WORKERS, demo=demo) as hub:

        async def kill() -> None:
            for turn in range(3):
                await asyncio.sleep(1)
                os.kill((await workers(hub))[turn % 2], signal.SIGKILL)
            await workers(hub)

        sums = await Probe(target(hub)).run(None, disturb=kill)
    assert sums.clean, sums
    assert sums.acknowledged > 50


async def workers(hub: RunningHub) -> list[int]:
    """Both, as soon as the killed one is replaced."""
    async with asyncio.timeout(60):
        while len(found := hub.worker_pids()) < 2:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.05)
    return found
