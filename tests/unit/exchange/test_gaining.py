"""Rights gained (R7): ``joining: history`` feeds again, ``from-now`` does not, and nobody else notices."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.exchange import acts
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.disclosures import DisclosureFilter, disclosures
from taxii_hub.exchange.gaining import SETTLED, feed_history, foreseen, gains_between, gains_by_date, step_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.model import Agreement, Catalog, Entry, Joining, Membership
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import AGENCIES, ROOT, opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
RESTRICTED = 1


async def post(hub: Hub, agency: str, *objects: dict[str, Any]) -> None:
    status = await publish(hub, place(hub, agency, "strict"), orjson.dumps({"objects": objects}), 1)
    assert all(outcome.ok for outcome in status.outcomes), status.outcomes


async def seen(hub: Hub, agency: str, after: int = 0) -> tuple[Entry, ...]:
    asked = parse_query(b"", "objects")
    asked = replace(asked, query=replace(asked.query, added_after=after))
    answer = await poll(hub, place(hub, agency, "strict"), asked, "objects")
    return tuple(answer.page.entries)


def with_member(catalog: Catalog, member: Membership) -> Catalog:
    """The test framework, with one member as it stands now."""
    (root,) = catalog.api_roots
    others = tuple(each for each in root.memberships if each.agency != member.agency)
    strict, *rest = root.collections
    changed = replace(
        root,
        members=root.members | {member.agency},
        memberships=(*others, member),
        collections=(replace(strict, read=strict.read | {member.agency}), *rest),
    )
    return replace(catalog, api_roots=(changed,))


async def applied(hub: Hub, member: Membership) -> int:
    """How many objects the change fed."""
    old = hub.catalogs.catalog
    new = with_member(old, member)
    gains = gains_between(old, new, hub.now())
    expected = [each.objects for each in await foreseen(hub, gains)]
    await hub.catalogs.apply(to_document(new), "test", old.version, gains)
    fed = [each.objects for each in await feed_history(hub, settled=0)]
    assert fed == expected
    return sum(fed)


async def test_who_joins_with_history_is_fed_each_object_once_and_nobody_notices(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        old, other = indicator(0), indicator(1)
        new = {**old, "modified": "2031-01-01T00:00:00.000Z"}
        hidden = {**indicator(2), "object_marking_refs": [RED]}
        await post(hub, "gb-owl", old, other, hidden)
        await post(hub, "gb-owl", new)
        before = {agency: await seen(hub, agency) for agency in ("gb-owl", "us-elk")}
        at = before["gb-owl"][-1].stamp
        assert await applied(hub, Membership("fr-coq", joining="history")) == 2
        again = await seen(hub, "fr-coq", at)
        assert [(each.id, each.version) for each in again] == [
            (other["id"], other["modified"]),
            (old["id"], new["modified"]),
        ]
        assert await seen(hub, "fr-coq") == again
        assert await feed_history(hub, settled=0) == []
        await hub.audit.flush()
        await hub.audit.catch_up(sign=False)
        disclosed = disclosures(hub.audit.records, DisclosureFilter("gb-owl"))
        copies = [each.object_id async for each in disclosed if each.agency == "fr-coq"]
        assert copies == [other["id"], old["id"]] * 2
        assert {agency: await seen(hub, agency) for agency in before} == before


async def test_an_agreement_that_begins_on_a_later_day_feeds_on_that_day(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        thing = indicator(0)
        await post(hub, "gb-owl", thing)
        at = (await seen(hub, "gb-owl"))[-1].stamp
        wanted: tuple[tuple[str, Joining], ...] = (
            ("2098", "history"),
            ("2099", "from-now"),
            ("2099", "history"),
        )
        for year, joining in wanted:
            signed = Agreement("Accession", "T/1", since=f"{year}-01-01")
            old, member = hub.catalogs.catalog, Membership("fr-coq", agreement=signed, joining=joining)
            new = with_member(old, member)
            later = gains_by_date(old, new, hub.now())
            assert (gains_between(old, new, hub.now()), len(later)) == ([], joining == "history")
            await hub.catalogs.apply(to_document(new), "test", old.version, later)
            assert len(await hub.feed.gains()) == len(later), "the newest apply says what will be"
            assert await feed_history(hub, settled=0) == []
        (gain,) = later
        (waiting,) = await hub.feed.gains()
        assert (waiting.at, waiting.collection) == (gain.at, place(hub, "gb-owl", "strict").collection.feed)
        hub.now = lambda: gain.at + SETTLED
        assert [each.objects for each in await feed_history(hub)] == [1]
        assert [each.id for each in await seen(hub, "fr-coq", at)] == [thing["id"]]
        assert await hub.feed.gains() == ()


def test_a_collection_that_is_new_is_named_by_its_id(tmp_path: Path) -> None:
    """It has no number yet; an agreement of the framework counts as one of each member."""
    signed = Agreement("Framework", "T/2", since="2099-01-01")
    (tmp_path / "agencies.yaml").write_text(AGENCIES)
    (tmp_path / "test.yaml").write_text(ROOT)
    catalog = load_catalog(tmp_path)
    (root,) = catalog.api_roots
    members = tuple(Membership(each, joining="history") for each in sorted(root.members))
    new = replace(catalog, api_roots=(replace(root, agreement=signed, memberships=members),))
    found = gains_by_date(None, new, 0)
    assert {(each.agency, each.collection, each.before) for each in found} == {
        (each, 0, None) for each in ("gb-owl", "us-elk")
    }
    assert len({(each.agency, each.of) for each in found}) == len(found), "a view is no second gain"
    assert {each.of for each in found} <= {each.id for each in root.collections if each.view_of is None}


async def test_from_now_feeds_nothing_again(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "gb-owl", indicator(0))
        at = (await seen(hub, "gb-owl"))[-1].stamp
        assert await applied(hub, Membership("fr-coq", joining="from-now")) == 0
        assert await seen(hub, "fr-coq", at) == ()
        assert len(await seen(hub, "fr-coq")) == 1


async def test_more_clearance_feeds_what_it_opens_once_while_others_write(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await restricted(hub, 6)
        assert await seen(hub, "us-elk") == ()
        await post(hub, "gb-owl", indicator(50))
        received: list[str] = []
        at = (await seen(hub, "us-elk"))[-1].stamp
        noise = [indicator(100 + n) for n in range(12)]

        async def writing() -> None:
            for one in noise:
                await post(hub, "gb-owl", one)

        async def polling() -> None:
            after = at
            while len(received) < 6 + len(noise):
                for entry in await seen(hub, "us-elk", after):
                    received.append(entry.id)
                    after = entry.stamp

        async def joining() -> None:
            assert await applied(hub, Membership("us-elk", RESTRICTED, joining="history")) == 6

        async with asyncio.timeout(60):
            await asyncio.gather(writing(), joining(), polling())
        assert len(set(received)) == len(received)
        assert len(await seen(hub, "us-elk")) == 1 + len(received)


async def test_what_was_cut_off_goes_on_where_it_was(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await restricted(hub, 4)
        at = (await seen(hub, "gb-owl"))[-1].stamp
        old = hub.catalogs.catalog
        new = with_member(old, Membership("us-elk", RESTRICTED, joining="history"))
        gains = gains_between(old, new, hub.now())
        await hub.catalogs.apply(to_document(new), "test", old.version, gains)
        strict = place(hub, "us-elk", "strict").collection.feed
        (gain,) = [each for each in await hub.feed.gains() if each.collection == strict]
        step = replace(await step_of(hub, gain), limit=1)
        assert [await hub.feed.feed_again(step) for _ in range(2)] == ["more", "more"]
        (again,) = [each for each in await feed_history(hub, settled=0) if each.objects]
        assert (again.agency, again.collection, again.objects) == ("us-elk", "test/strict", 4)
        assert await hub.feed.feed_again(step) == "done"
        entries = await seen(hub, "us-elk", at)
        assert len(entries) == len({entry.id for entry in entries}) == 4
        await acts.withdraw(hub, liaison(hub), entries[0].id, "mistake")
        assert [entry.id for entry in await seen(hub, "us-elk")] == [entry.id for entry in entries[1:]]


async def restricted(hub: Hub, count: int) -> None:
    objects = [indicator(n) for n in range(count)]
    await post(hub, "gb-owl", *objects)
    for one in objects:
        await acts.regrade(hub, liaison(hub), one["id"], acts.Grade(level=RESTRICTED), "closer")


def liaison(hub: Hub) -> Place:
    there = place(hub, "gb-owl", "strict")
    return replace(there, account=replace(there.account, roles=frozenset({"liaison", "reader"})))
