"""A short run of what `make fuzz` does for minutes; pytest's ``-p randomly`` seed repeats it."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.hostile.described import Described
from tests.hostile.fuzz import Fuzz
from tests.hostile.parsers import PARSERS, mutated
from tests.support.hubs import RunningHub


def test_some_hundred_raw_requests(hub: RunningHub) -> None:
    outcome = asyncio.run(Fuzz(hub, random.randrange(1_000_000)).run(500))
    assert not outcome.wrong, outcome.text()
    assert outcome.walked


@pytest.mark.filterwarnings("ignore")
def test_some_requests_of_some_described_operations(hub: RunningHub) -> None:
    outcome = Described(hub, random.randrange(1_000_000)).run(60, most=5)
    assert not outcome.wrong, outcome.text()


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_refuses_in_its_own_words(name: str) -> None:
    parser = PARSERS[name]
    chance = random.Random(random.randrange(1_000_000))
    for seed in parser.seeds:
        parser.read(seed)
        for _ in range(max(1, 60 // len(parser.seeds))):
            parser.read(mutated(seed, chance))
