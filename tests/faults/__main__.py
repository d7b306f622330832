"""``python -m tests.faults [--rounds 50] [--site NAME] [--fault NAME] [--report docs/faults.md]``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.faults.campaign import Campaign, plan_of
from tests.faults.faults import FAULTS


def main() -> int:
    """0 where every round was clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--site", choices=FAULTS)
    parser.add_argument("--fault")
    parser.add_argument("--report")
    parser.add_argument("--logs", type=Path, help="folder for the hubs' logs of rounds that failed")
    arguments = parser.parse_args()
    sites = {
        site: tuple(f for f in faults if arguments.fault in (None, f.__name__))
        for site, faults in FAULTS.items()
        if arguments.site in (None, site)
    }
    campaign = Campaign(seed=arguments.seed, logs=arguments.logs)
    asyncio.run(campaign.run(plan_of(arguments.rounds, sites)))
    return 0 if all(outcome.clean for outcome in campaign.outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
