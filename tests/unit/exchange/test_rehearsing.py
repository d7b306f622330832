"""A dry run decides as the real one does, and not a byte of the database is another afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import bson
import pytest
from pymongo import AsyncMongoClient

from taxii_hub.bootstrap import rehearsing
from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError
from taxii_hub.exchange import acts, erasing, release_requests, releases, reviews
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account
from tests.support.probe import indicator
from tests.unit.exchange.test_privacy import desk, keeping, let, post, read_by

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
OPEN, CLOSED, WAITS = indicator(0), {**indicator(1), "object_marking_refs": [RED]}, indicator(2)
NOBODYS = "indicator--00000000-0000-4000-8000-000000000000"
LIVELY = {"leases", "chores", "audit_sessions", "audit_state", "audit_tiles", "audit_checkpoints", "accounts"}
"""What a hub writes into that only runs."""


async def stored(hub: Hub, uri: str, database: str) -> dict[str, list[bytes]]:
    """What acts would change, the leaves of the log among it."""
    await hub.audit.settled(sign=False)
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        there = client[database]
        names = sorted(set(await there.list_collection_names()) - LIVELY)
        return {name: sorted([bson.encode(row) async for row in there[name].find({})]) for name in names}


@asynccontextmanager
async def world(uri: str, database: str) -> Any:
    """gb-owl has shared two objects, has one on hold, and is asked for one."""
    async with keeping(uri, database, review_days=1) as hub:
        await post(hub, OPEN, CLOSED)
        await let(hub, hold="always", review_days=1)
        await post(hub, WAITS)
        asked = release_requests.Asked("test", "strict", CLOSED["id"], "needed")
        elk = Account("us-elk-siem", "us-elk", frozenset({"reader"}))
        request = await release_requests.ask(hub, elk, asked)
        (proposal,) = await releases.waiting(hub, desk(hub).account)
        await read_by(hub, "us-elk")
        yield hub, proposal.id, request.id


Act = Callable[[Hub, str, str], Awaitable[object]]
OFFICER = Account("owl-2", "gb-owl", frozenset({"liaison", "reader"}))
DONE: dict[str, Act] = {
    "withdraw": lambda hub, *_: acts.withdraw(hub, desk(hub), OPEN["id"], "wrong"),
    "withdraw what waits": lambda hub, *_: acts.withdraw(hub, desk(hub), WAITS["id"], "wrong"),
    "erase": lambda hub, *_: erasing.erase(hub, desk(hub), OPEN["id"], "wrong"),
    "narrow": lambda hub, *_: acts.regrade(
        hub, desk(hub), OPEN["id"], acts.Grade(needs=frozenset({"SI"})), "careful"
    ),
    "propose": lambda hub, *_: acts.release(hub, desk(hub), CLOSED["id"], ["us-elk"]),
    "hold": lambda hub, *_: erasing.legal_hold(hub, desk(hub), OPEN["id"], "order 12"),
    "review": lambda hub, *_: reviews.reviewed(hub, desk(hub), OPEN["id"], "needed"),
    "sign": lambda hub, proposal, _: releases.sign(hub, OFFICER, proposal),
    "refuse": lambda hub, proposal, _: releases.refuse(hub, OFFICER, proposal, "no"),
    "answer": lambda hub, _, request: release_requests.answer(
        hub, OFFICER, request, granted=True, words="yes"
    ),
}


async def test_a_dry_run_answers_as_the_real_one_and_changes_nothing(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with world(mongodb_uri, mongodb_database) as (hub, *ids):
        before = await stored(hub, mongodb_uri, mongodb_database)
        dry = rehearsing(hub)
        foreseen = {name: await act(dry, *ids) for name, act in DONE.items()}
        assert await stored(hub, mongodb_uri, mongodb_database) == before
        for act, refused in (
            (acts.withdraw(dry, desk(hub), NOBODYS, "wrong"), NotFoundError),
            (erasing.erase(dry, desk(hub, "us-desk", "us-elk"), OPEN["id"], "wrong"), NotFoundError),
            (acts.withdraw(dry, desk(hub, "us-desk", "us-elk"), OPEN["id"], "wrong"), ForbiddenError),
            (erasing.lift_hold(dry, desk(hub), OPEN["id"], "over"), NotFoundError),
            (releases.sign(dry, replace(OFFICER, id="gb-owl-siem"), ids[0]), ForbiddenError),
        ):
            with pytest.raises(refused):
                await act
        assert await stored(hub, mongodb_uri, mongodb_database) == before
        for name in ("narrow", "review", "hold", "sign"):
            assert await DONE[name](hub, *ids) == foreseen[name], name
        with pytest.raises(BadRequestError, match="has said so already"):
            await erasing.legal_hold(dry, desk(hub), OPEN["id"], "order 12")
        assert await DONE["erase"](hub, *ids) == foreseen["erase"]
        assert await stored(hub, mongodb_uri, mongodb_database) != before
