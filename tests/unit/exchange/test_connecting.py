"""What connects an object follows when that one is narrowed (R4), on a real MongoDB."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import orjson
import pytest

from taxii_hub.exchange import acts, connecting
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.changes import EVERY, apply, change_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.exchange.withdrawals import lost
from taxii_hub.ledger.leaves import HUB
from taxii_hub.model import Policy
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
CLOSED = acts.Grade(audience=frozenset())


def made(object_type: str, **properties: Any) -> dict[str, Any]:
    moment = "2026-01-01T00:00:00.000Z"
    head = {"type": object_type, "spec_version": "2.1", "id": f"{object_type}--{uuid.uuid4()}"}
    return {**head, "created": moment, "modified": moment, **properties}


def related(source: str, target: str) -> dict[str, Any]:
    return made("relationship", relationship_type="related-to", source_ref=source, target_ref=target)


def desk(hub: Hub, agency: str = "gb-owl") -> Place:
    there = place(hub, agency, "strict")
    return replace(there, account=replace(there.account, roles=frozenset({"liaison", "reader", "writer"})))


async def post(hub: Hub, agency: str, *objects: dict[str, Any]) -> None:
    status = await publish(hub, place(hub, agency, "strict"), orjson.dumps({"objects": objects}), 1)
    assert all(outcome.ok for outcome in status.outcomes), status.outcomes


async def ids(hub: Hub, agency: str, query: bytes = b"") -> set[str]:
    answer = await poll(hub, place(hub, agency, "strict"), parse_query(query, "objects"), "objects")
    return {entry.id for entry in answer.page.entries}


async def policies(hub: Hub, object_id: str) -> set[Policy]:
    feed = place(hub, "gb-owl", "strict").collection.feed
    classes = await hub.feed.classes(feed)
    return {classes[row.policy] for row in await hub.feed.standing(feed, object_id)}


async def test_what_connects_an_object_is_narrowed_with_it(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one, other, third = indicator(0), indicator(1), indicator(2)
        ours, apart = related(one["id"], other["id"]), related(other["id"], third["id"])
        newer = {**ours, "modified": "2026-02-01T00:00:00.000Z", "description": "newer"}
        seen = made("sighting", sighting_of_ref=one["id"])
        theirs = related(third["id"], one["id"])
        await post(hub, "gb-owl", one, other, third, ours, apart, seen)
        await post(hub, "gb-owl", newer)
        await post(hub, "us-elk", theirs)
        await acts.regrade(hub, desk(hub), one["id"], CLOSED, "more careful")
        left = {other["id"], third["id"], apart["id"], theirs["id"]}
        assert await ids(hub, "us-elk", b"match[version]=all") == left
        assert await ids(hub, "gb-owl") == left | {one["id"], ours["id"], seen["id"]}
        gone, _ = await lost(hub, place(hub, "us-elk", "strict").account, 0, 10)
        assert {each.withdrawal.object_id for each in gone} == {one["id"], ours["id"], seen["id"]}
        # Its publisher goes on reading it, and so does who published the end; nobody else does.
        assert await policies(hub, theirs["id"]) == {Policy("us-elk", audience=frozenset({"gb-owl"}))}


async def test_who_did_not_know_the_end_notices_nothing(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        hidden, known = {**indicator(0), "object_marking_refs": [RED]}, indicator(1)
        guessed, public = related(hidden["id"], known["id"]), related(known["id"], hidden["id"])
        await post(hub, "us-elk", guessed)
        await post(hub, "gb-owl", hidden, known, public)
        before = await policies(hub, guessed["id"])
        strict = acts.Grade(needs=frozenset({"SI"}))
        await acts.regrade(hub, desk(hub), hidden["id"], strict, "more careful")
        assert await policies(hub, guessed["id"]) == before == {Policy("us-elk")}
        assert all(each.needs == {"SI"} for each in await policies(hub, public["id"]))


async def test_a_release_widens_nothing_else(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        hidden, known = {**indicator(0), "object_marking_refs": [RED]}, indicator(1)
        link = related(hidden["id"], known["id"])
        await post(hub, "gb-owl", hidden, known, link)
        await acts.release(hub, desk(hub), hidden["id"], ["us-elk"])
        assert await ids(hub, "us-elk") == {hidden["id"], known["id"]}
        assert await hub.follow_ups.waiting() == ()


async def test_a_hub_that_dies_after_the_act_leaves_the_rest_to_another(
    mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(hub: Hub) -> None:
        """The process ended here."""

    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one, other = indicator(0), indicator(1)
        link, late = related(one["id"], other["id"]), related(other["id"], one["id"])
        await post(hub, "gb-owl", one, other, link)
        with monkeypatch.context() as patch:
            patch.setattr(acts, "keep_connected", killed)
            await acts.regrade(hub, desk(hub), one["id"], CLOSED, "more careful")
        assert link["id"] in await ids(hub, "us-elk")
        await connecting.keep_connected(hub)
        assert await ids(hub, "us-elk") == {other["id"]}
        (left,) = await hub.follow_ups.waiting()
        # As one that was policed before the act and committed after it.
        await post(hub, "gb-owl", late)
        await as_if_policed_before(hub, late["id"])
        assert late["id"] in await ids(hub, "us-elk")
        now = left.at + connecting.SETTLED
        hub.now = lambda: now
        await connecting.keep_connected(hub)
        assert await ids(hub, "us-elk") == {other["id"]}
        assert await hub.follow_ups.waiting() == ()


async def as_if_policed_before(hub: Hub, object_id: str) -> None:
    """The object of gb-owl is where it would be, had its publication begun before the end was narrowed."""
    there = desk(hub)
    (policy,) = await policies(hub, object_id)
    everyone = Policy(policy.origin)
    numbers = await hub.feed.intern(there.collection.feed, frozenset({everyone}))
    change = await change_of(hub, there, object_id, EVERY)
    await apply(hub, replace(change, account=HUB.account, kind="regrade", to=numbers[everyone]))


async def test_what_an_officer_widens_after_the_act_stays_wide(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one, other = indicator(0), indicator(1)
        link = related(one["id"], other["id"])
        await post(hub, "gb-owl", one, other, link)
        await acts.regrade(hub, desk(hub), one["id"], CLOSED, "more careful")
        assert await ids(hub, "us-elk") == {other["id"]}
        await acts.regrade(hub, desk(hub), link["id"], acts.Grade(everyone=True), "they may know so much")
        (left,) = await hub.follow_ups.waiting()
        now = left.at + connecting.SETTLED
        hub.now = lambda: now
        await connecting.keep_connected(hub)
        assert await ids(hub, "us-elk") == {other["id"], link["id"]}
        assert await hub.follow_ups.waiting() == ()


async def test_an_older_version_that_names_the_end_is_narrowed_alone(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one, other, third = indicator(0), indicator(1), indicator(2)
        link = related(one["id"], other["id"])
        newer = {**link, "modified": "2026-02-01T00:00:00.000Z", "source_ref": third["id"]}
        await post(hub, "gb-owl", one, other, third, link)
        await post(hub, "gb-owl", newer)
        await acts.regrade(hub, desk(hub), one["id"], CLOSED, "more careful")
        answer = await poll(
            hub, place(hub, "us-elk", "strict"), parse_query(b"match[version]=all", "objects"), "objects"
        )
        seen = [orjson.loads(entry.data) for entry in answer.page.entries]
        assert [each for each in seen if each["id"] == link["id"]] == [newer]


async def test_what_was_widened_again_meanwhile_needs_nothing(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one, other = indicator(0), indicator(1)
        link = related(one["id"], other["id"])
        await post(hub, "gb-owl", one, other)
        await acts.regrade(hub, desk(hub), one["id"], CLOSED, "more careful")
        await acts.regrade(hub, desk(hub), one["id"], acts.Grade(everyone=True), "a mistake")
        await post(hub, "gb-owl", link)
        await connecting.keep_connected(hub)
        assert await ids(hub, "us-elk") == {one["id"], other["id"], link["id"]}
