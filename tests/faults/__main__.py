"""``python -m tests.faults [--rounds 50] [--site NAME] [--fault NAME] [--report docs/faults.md]``."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bench.results import machine
from tests.faults.campaign import Campaign, plan_of
from tests.faults.faults import FAULTS
from tests.faults.processes import mongod_version
from tests.faults.report import report


def main() -> int:
    """0 where every round was clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--site", choices=FAULTS)
    parser.add_argument("--fault")
    parser.add_argument("--report", type=Path, help="the document to write")
    parser.add_argument("--logs", type=Path, help="folder for the hubs' logs of rounds that failed")
    arguments = parser.parse_args()
    sites = {
        site: tuple(f for f in faults if arguments.fault in (None, f.__name__))
        for site, faults in FAULTS.items()
        if arguments.site in (None, site)
    }
    campaign = Campaign(seed=arguments.seed, logs=arguments.logs)
    asyncio.run(_until_told(campaign.run(plan_of(arguments.rounds, sites))))
    if arguments.report is not None:
        here = machine()
        here["versions"] = {name: here["versions"][name] for name in ("pymongo", "uvicorn")} | {
            "mongod": mongod_version()
        }
        arguments.report.write_text(report(campaign.outcomes, campaign.skipped, here))
    return 0 if all(outcome.clean for outcome in campaign.outcomes) else 1


async def _until_told(running: Coroutine[Any, Any, None]) -> None:
    """SIGTERM heals and cleans up as Ctrl-C does."""
    task = asyncio.ensure_future(running)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


if __name__ == "__main__":
    sys.exit(main())
