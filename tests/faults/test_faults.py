"""A short campaign: some seconds of load over the faults that tell most (R1, R2, R8)."""

from __future__ import annotations

import pytest

from tests.faults.campaign import Campaign, Outcome, failures
from tests.faults.faults import (
    FAULTS,
    Fault,
    Times,
    answers_lost,
    clock_steps,
    database_gone,
    primary_killed,
)
from tests.faults.sites import FAKETIME

SHORT = Times(gone=2, cut=2, step=2)


async def run(site: str, *faults: Fault) -> list[Outcome]:
    campaign = Campaign(SHORT, workers=1)
    await campaign.run({site: list(faults)})
    assert not list(failures(campaign.outcomes))
    assert len(campaign.outcomes) == len(faults), campaign.skipped
    assert all(outcome.sums is not None and outcome.sums.acknowledged > 20 for outcome in campaign.outcomes)
    return campaign.outcomes


@pytest.mark.slow
async def test_a_replica_set_that_loses_its_primary_and_then_all() -> None:
    outcomes = await run("replica set", primary_killed, database_gone)
    assert outcomes[-1].sums is not None
    assert outcomes[-1].sums.answers["POST 503"] > 0


@pytest.mark.slow
@pytest.mark.skipif(not FAKETIME.exists(), reason="a clock of its own needs Debian's faketime")
async def test_a_clock_that_steps_and_answers_that_are_lost() -> None:
    await run("one node", clock_steps, answers_lost)


def test_every_fault_says_what_it_is() -> None:
    for faults in FAULTS.values():
        for fault in faults:
            assert fault.__doc__, fault
