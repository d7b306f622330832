"""Checking in turns gives what checking at once gives, and lets others in meanwhile."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from taxii_hub.catalog.loader import load_catalog
from taxii_hub.exchange.checking import IN_THREAD, PIECE, Checking, check_members
from taxii_hub.model import Collection
from taxii_hub.stix.validation import Validator
from taxii_hub.taxii.envelope import Member, parse_envelope
from tests.support.inprocess import AGENCIES, ROOT
from tests.support.probe import indicator

NOW = 1_900_000_000_000_000


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder: Path = tmp_path_factory.mktemp("collections")
    (folder / "agencies.yaml").write_text(AGENCIES)
    (folder / "test.yaml").write_text(ROOT)
    (root,) = load_catalog(folder).api_roots
    return replace(root.collections[0], validation="strict")


def _members(number: int) -> tuple[Member, ...]:
    """Every third one is refused; the fifth one is larger than what is checked in the event loop."""
    values = [{**indicator(n), "id": f"indicator--{uuid.UUID(int=n, version=4)}"} for n in range(number)]
    for value in values[::3]:
        value["pattern"] = "[domain-name:value = "
    values[4]["description"] = "x" * (IN_THREAD + 1)
    return parse_envelope(orjson.dumps({"objects": values}))


async def test_in_turns_or_at_once_the_result_is_the_same(collection: Collection) -> None:
    """R2: each object has its own outcome, at its own place."""
    validator, members = Validator(), _members(300)
    assert sum(len(member.data) for member in members) > PIECE
    settled, checked = await Checking().check(validator, collection, members, NOW)
    assert (settled, checked) == check_members(validator, collection, members, NOW)
    assert [position for position, _ in settled] == list(range(0, 300, 3))
    assert sorted([each.position for each in checked] + [position for position, _ in settled]) == list(
        range(300)
    )


async def test_others_have_their_turn(collection: Collection) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    members = tuple(member for member in _members(1000) if len(member.data) < PIECE)
    await Checking().check(Validator(), collection, members, NOW)
    task.cancel()
    assert turns >= sum(len(member.data) for member in members) // PIECE - 1 > 3


async def test_a_large_body_is_parsed_as_a_small_one() -> None:
    body = b'{"objects":[' + b",".join([b'{"a":"' + b"x" * 1000 + b'"}'] * 1100) + b"]}"
    assert len(body) > IN_THREAD
    assert await Checking().parse(body) == parse_envelope(body)


async def test_large_requests_have_their_turns_and_small_ones_wait_for_nobody() -> None:
    checking = Checking()
    order: list[str] = []
    first_may_go = asyncio.Event()

    async def request(name: str, size: int, go: asyncio.Event | None = None) -> None:
        async with checking.turn(size):
            order.append(f"{name} in")
            if go is not None:
                await go.wait()
            order.append(f"{name} out")

    large = [
        asyncio.create_task(request("first", PIECE + 1, first_may_go)),
        asyncio.create_task(request("second", PIECE + 1)),
    ]
    await asyncio.sleep(0)
    await request("small", PIECE)
    first_may_go.set()
    await asyncio.gather(*large)
    assert order == ["first in", "small in", "small out", "first out", "second in", "second out"]
