"""What origins do with what they published: late release, regrading, withdrawal (R7), on a real MongoDB."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError
from taxii_hub.exchange import acts, withdrawals
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.model import VersionFilter, Withdrawal
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"


def liaison(hub: Hub, agency: str) -> Place:
    there = place(hub, agency, "strict")
    return replace(there, account=replace(there.account, roles=frozenset({"liaison", "reader"})))


async def post(hub: Hub, agency: str, *objects: dict[str, Any]) -> None:
    status = await publish(hub, place(hub, agency, "strict"), orjson.dumps({"objects": objects}), 1)
    assert all(outcome.ok for outcome in status.outcomes), status.outcomes


async def fed(hub: Hub, agency: str, after: int = 0) -> list[tuple[str, str]]:
    asked = parse_query(b"", "objects")
    asked = replace(asked, query=replace(asked.query, added_after=after))
    answer = await poll(hub, place(hub, agency, "strict"), asked, "objects")
    return [(entry.id, entry.version) for entry in answer.page.entries]


async def lost_by(hub: Hub, agency: str) -> list[Withdrawal]:
    found, more = await withdrawals.lost(hub, place(hub, agency, "strict").account, 0, 10)
    assert more is None
    return [each.withdrawal for each in found]


async def cursor(hub: Hub, agency: str) -> int:
    answer = await poll(hub, place(hub, agency, "strict"), parse_query(b"", "objects"), "objects")
    return answer.page.entries[-1].stamp if answer.page.entries else 0


async def test_a_late_release_reaches_who_is_entitled_once_and_nobody_else(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        secret, later = {**indicator(0), "object_marking_refs": [RED]}, indicator(1)
        await post(hub, "gb-owl", secret, later)
        at = await cursor(hub, "us-elk")
        assert [i for i, _ in await fed(hub, "us-elk")] == [later["id"]]
        moved = await acts.release(
            hub, liaison(hub, "gb-owl"), secret["id"], ["USA"], "asked for by telephone"
        )
        assert (moved.added, moved.proposal) == (("us-elk",), None)
        assert [i for i, _ in await fed(hub, "us-elk", at)] == [secret["id"]]
        assert await fed(hub, "us-elk", await cursor(hub, "us-elk")) == []


async def test_releases_under_concurrent_writes_are_received_exactly_once(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        secrets = [{**indicator(n), "object_marking_refs": [RED]} for n in range(12)]
        await post(hub, "gb-owl", *secrets)
        received: list[str] = []
        done = asyncio.Event()

        async def polling() -> None:
            after, last_round = 0, False
            while True:
                answer = await poll(
                    hub,
                    place(hub, "us-elk", "strict"),
                    parse_query(
                        b"limit=5" + (f"&added_after={stamp(after)}".encode() if after else b""), "objects"
                    ),
                    "objects",
                )
                received.extend(entry.id for entry in answer.page.entries)
                if answer.page.entries:
                    after = answer.page.entries[-1].stamp
                elif last_round:
                    return
                last_round = done.is_set()

        async def writing() -> list[str]:
            noise = [indicator(100 + n) for n in range(30)]
            for one in noise:
                await post(hub, "us-elk", one)
            return [one["id"] for one in noise]

        async def releasing() -> None:
            for secret in secrets:
                await acts.release(hub, liaison(hub, "gb-owl"), secret["id"], ["us-elk"])

        async def all_of_it() -> list[str]:
            noise, _ = await asyncio.gather(writing(), releasing())
            done.set()
            return noise

        noise, _ = await asyncio.gather(all_of_it(), polling())
        assert sorted(received) == sorted([*noise, *(secret["id"] for secret in secrets)])


def stamp(microseconds: int) -> str:
    from taxii_hub.stix import timestamps

    return timestamps.format(microseconds)


async def test_a_withdrawal_feeds_the_version_before_and_is_listed(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        old = indicator(0)
        new = {**old, "modified": "2031-01-01T00:00:00.000Z", "name": "second"}
        await post(hub, "gb-owl", old, new)
        at = await cursor(hub, "us-elk")
        last = VersionFilter()
        await acts.withdraw(hub, liaison(hub, "gb-owl"), new["id"], "wrong person", last)
        assert await fed(hub, "us-elk", at) == [(old["id"], old["modified"])]
        (lost,) = await lost_by(hub, "us-elk")
        assert (lost.object_id, lost.version, lost.agency) == (old["id"], new["modified"], "gb-owl")
        assert (lost.kind, lost.reason) == ("withdraw", "wrong person")
        await acts.withdraw(hub, liaison(hub, "gb-owl"), new["id"], "all of it")
        assert await fed(hub, "us-elk") == []


async def test_narrowing_takes_away_and_says_so_to_those_who_had_it(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one = indicator(0)
        await post(hub, "gb-owl", one)
        assert await fed(hub, "us-elk") != []
        closed = acts.Grade(audience=frozenset())
        await acts.regrade(hub, liaison(hub, "gb-owl"), one["id"], closed, "mistake")
        assert await fed(hub, "us-elk") == []
        assert [w.kind for w in await lost_by(hub, "us-elk")] == ["regrade"]
        assert await lost_by(hub, "gb-owl") == []
        again = acts.Grade(everyone=True)
        await acts.regrade(hub, liaison(hub, "gb-owl"), one["id"], again, "not a mistake")
        assert [i for i, _ in await fed(hub, "us-elk")] == [one["id"]]


async def test_who_may_not_is_refused(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one = {**indicator(0), "object_marking_refs": [RED]}
        await post(hub, "gb-owl", one)
        with pytest.raises(ForbiddenError, match="liaison"):
            await acts.release(hub, place(hub, "gb-owl", "strict"), one["id"], ["us-elk"])
        for act in (
            acts.release(hub, liaison(hub, "us-elk"), one["id"], ["us-elk"]),
            acts.withdraw(hub, liaison(hub, "us-elk"), one["id"], "mine now"),
        ):
            with pytest.raises(NotFoundError):
                await act
        with pytest.raises(BadRequestError, match="no agency, country or group"):
            await acts.release(hub, liaison(hub, "gb-owl"), one["id"], ["XYZZY"])
        with pytest.raises(BadRequestError, match="nothing above restricted"):
            await acts.regrade(hub, liaison(hub, "gb-owl"), one["id"], acts.Grade(level=3), "no")
