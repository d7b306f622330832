"""Eight writers, four pollers, a worker killed every ten seconds: right, and at what price?

    python -m bench.order [--seconds 60] [--rounds 2] [--workers 2]

Runs the hub as it is and the hub with the stamp outside the transaction in turn (A B A B), with the
same probe, and writes bench/results/order.json: the sums of every run, and the ratio of acknowledged
objects per second, pair by pair.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
from dataclasses import asdict
from typing import Any

from bench.results import machine, write
from tests.support.hubs import running_hub
from tests.support.probe import Probe, Sums, Target

SAFE, UNSAFE = "taxii_hub.bootstrap:create_app_from_environment", "bench.unsafe_stamp:create_app"


def run(app: str, seconds: float, workers: int, kill: bool = True) -> Sums:
    """One run on a fresh hub."""
    settings = {"TAXII_HUB_WORKERS": str(workers), "PYTHONPATH": "."}
    with running_hub(settings=settings, app=app) as hub:
        target = Target(hub.collection("sandbox", "scratch"), hub.credentials("gb-heron"))

        async def disturb() -> None:
            turn = 0
            while True:
                await asyncio.sleep(10)
                pids = hub.worker_pids()
                os.kill(pids[turn % len(pids)], signal.SIGKILL)
                turn += 1

        async def both() -> Sums:
            await Probe(target, writers=1).run(3)  # the first use of a policy class waits two seconds
            return await Probe(target).run(seconds, disturb if kill else None)

        return asyncio.run(both())


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    rounds: list[dict[str, Any]] = []
    for number in range(arguments.rounds):
        pair = {
            "inside": run(SAFE, arguments.seconds, arguments.workers),
            "outside": run(UNSAFE, arguments.seconds, arguments.workers),
        }
        for name, sums in pair.items():
            print(f"round {number + 1}, stamp {name} the transaction: {sums}", flush=True)
        rounds.append({name: asdict(sums) | {"clean": sums.clean} for name, sums in pair.items()})
    ratios = [r["inside"]["per_second"] / r["outside"]["per_second"] for r in rounds]
    print(f"inside / outside, objects per second: median {statistics.median(ratios):.2f} of {ratios}")
    write(
        "order",
        {
            "machine": machine(),
            "seconds": arguments.seconds,
            "workers": arguments.workers,
            "rounds": rounds,
            "ratio": statistics.median(ratios),
        },
    )


if __name__ == "__main__":
    main()
