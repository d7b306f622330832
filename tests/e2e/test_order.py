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
        killed = 0

        async def kill() -> None:
            nonlocal killed
            while True:
                await asyncio.sleep(2)
                pids = hub.worker_pids()
                os.kill(pids[killed % len(pids)], signal.SIGKILL)
                killed += 1

        sums = await Probe(target(hub)).run(7, disturb=kill)
    assert killed >= 2
    assert sums.clean, sums
    assert sums.acknowledged > 50
