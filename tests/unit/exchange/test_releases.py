"""What needs liaison officers waits, is signed, and reaches its readers once; on a real MongoDB (R4, R6, R7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from taxii_hub.catalog.documents import to_document
from taxii_hub.cli.ingest_views import words
from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError
from taxii_hub.exchange import acts, releases
from taxii_hub.exchange.access import Place, place_for
from taxii_hub.exchange.explain import explain
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish, status
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.leaves import read
from taxii_hub.mapping.registry import load_registry
from taxii_hub.model import Account, Status, VersionFilter
from taxii_hub.settings import shipped_dir
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
HOURS = 3600 * 1_000_000


@asynccontextmanager
async def desk(uri: str, database: str, **keys: Any) -> AsyncIterator[Hub]:
    """A hub whose collection ``strict`` has these keys."""
    async with opened_hub(uri, database) as hub:
        catalog = hub.catalogs.catalog
        roots = tuple(
            replace(
                root,
                collections=tuple(replace(c, **keys) if c.alias == "strict" else c for c in root.collections),
            )
            for root in catalog.api_roots
        )
        await hub.catalogs.apply(to_document(replace(catalog, api_roots=roots)), by="test")
        yield hub


def officer(name: str, agency: str = "gb-owl") -> Account:
    return Account(name, agency, frozenset({"liaison", "reader"}))


def at_desk(hub: Hub, account: Account) -> Place:
    return place_for(hub, account, "test", "strict")


async def post(hub: Hub, *objects: dict[str, Any], agency: str = "gb-owl") -> Status:
    return await publish(hub, place(hub, agency, "strict"), orjson.dumps({"objects": objects}), hub.now())


async def seen(hub: Hub, agency: str) -> list[tuple[str, bytes]]:
    answer = await poll(hub, place(hub, agency, "strict"), parse_query(b"", "objects"), "objects")
    return [(entry.id, entry.data) for entry in answer.page.entries]


async def now_of(hub: Hub, given: Status) -> Status:
    there = place(hub, given.agency, "strict")
    return await status(hub, there.account, there.api_root, given.id)


async def queue(hub: Hub) -> list[str]:
    return [each.id for each in await releases.waiting(hub, officer("any"))]


async def kinds(hub: Hub) -> list[str]:
    await hub.audit.settled(sign=False)
    return [read(row.leaf)["kind"] async for row in hub.audit.records.rows(RowFilter())]


async def test_what_is_on_hold_is_seen_by_nobody_until_it_is_signed(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """T-4.3-01; the object is published as it was sent."""
    async with desk(mongodb_uri, mongodb_database, hold="always") as hub:
        thing = indicator(0)
        given = await post(hub, thing)
        (outcome,) = given.outcomes
        (proposal,) = await queue(hub)
        assert (outcome.ok, outcome.pending, outcome.stored) == (True, proposal, False)
        assert [await seen(hub, agency) for agency in ("gb-owl", "us-elk")] == [[], []]
        assert await now_of(hub, given) == given
        assert await releases.sign(hub, officer("owl-1"), proposal) == "released"
        assert await seen(hub, "us-elk") == [(thing["id"], orjson.dumps(thing))]
        (settled,) = (await now_of(hub, given)).outcomes
        assert (settled.ok, settled.pending) == (True, None)
        assert await queue(hub) == []
        with pytest.raises(NotFoundError):
            await releases.sign(hub, officer("owl-2"), proposal)
        told = await kinds(hub)
        assert [kind for kind in told if kind in ("hold", "publish", "proposal-released")] == [
            "publish",
            "hold",
            "publish",
            "proposal-released",
        ]


async def test_two_officers_neither_of_them_the_submitter(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always", signatures=2) as hub:
        given = await post(hub, indicator(0))
        (proposal,) = await queue(hub)
        submitter = officer("gb-owl-siem")
        with pytest.raises(ForbiddenError, match="another liaison officer"):
            await releases.sign(hub, submitter, proposal)
        for stranger in (officer("elk-1", "us-elk"), officer("coq-1", "fr-coq")):
            with pytest.raises(NotFoundError):
                await releases.sign(hub, stranger, proposal)
        with pytest.raises(ForbiddenError):
            await releases.sign(hub, Account("owl-9", "gb-owl", frozenset({"reader", "writer"})), proposal)
        assert await releases.sign(hub, officer("owl-1"), proposal) == "signed"
        with pytest.raises(BadRequestError, match="signed it already"):
            await releases.sign(hub, officer("owl-1"), proposal)
        assert await seen(hub, "us-elk") == []
        assert (await now_of(hub, given)).outcomes[0].pending == proposal
        assert await releases.sign(hub, officer("owl-2"), proposal) == "released"
        assert len(await seen(hub, "us-elk")) == 1
        (end,) = await releases.ended(hub, officer("owl-1"))
        assert (end.result, end.by) == ("released", ("owl-1", "owl-2"))


async def test_officers_who_sign_at_once_release_once(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always", signatures=2) as hub:
        await post(hub, *(indicator(n) for n in range(4)))
        names = [f"owl-{n}" for n in range(4)]
        for proposal in await queue(hub):
            told = await asyncio.gather(
                *(releases.sign(hub, officer(name), proposal) for name in names), return_exceptions=True
            )
            assert sorted(each for each in told if isinstance(each, str)) == ["released", "signed"]
            assert sum(isinstance(each, NotFoundError) for each in told) == 2
        assert len(await seen(hub, "us-elk")) == 4


async def test_one_refusal_refuses_and_the_status_says_why(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always", signatures=2) as hub:
        given = await post(hub, indicator(0))
        (proposal,) = await queue(hub)
        await releases.sign(hub, officer("owl-1"), proposal)
        await releases.refuse(hub, officer("owl-2"), proposal, "names a source")
        (outcome,) = (await now_of(hub, given)).outcomes
        assert (outcome.ok, outcome.pending) == (False, None)
        assert "names a source" in (outcome.message or "")
        assert await seen(hub, "us-elk") == []
        with pytest.raises(NotFoundError):
            await releases.sign(hub, officer("owl-3"), proposal)


async def test_the_deadline_refuses_by_itself_and_once(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always", release_within_hours=5) as hub:
        given = await post(hub, indicator(0))
        (proposal,) = await queue(hub)
        real, hub.now = hub.now, lambda: real() + 6 * HOURS
        with pytest.raises(BadRequestError, match="deadline"):
            await releases.sign(hub, officer("owl-1"), proposal)
        hub._looked_at = float("-inf")
        await hub._refuse_overdue()
        hub._looked_at = float("-inf")
        await hub._refuse_overdue()
        (outcome,) = (await now_of(hub, given)).outcomes
        assert (outcome.ok, "in time" in (outcome.message or "")) == (False, True)
        assert (await kinds(hub)).count("proposal-expired") == 1


async def test_the_same_again_waits_once_and_other_content_fails(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always") as hub:
        thing = indicator(0)
        first, again = await post(hub, thing), await post(hub, thing)
        (proposal,) = await queue(hub)
        assert [each.outcomes[0].pending for each in (first, again)] == [proposal, proposal]
        (other,) = (await post(hub, {**thing, "name": "another"})).outcomes
        assert (other.ok, "waits for release" in (other.message or "")) == (False, True)
        foreign = (await post(hub, {**indicator(1), "id": thing["id"]}, agency="us-elk")).outcomes[0]
        assert foreign.pending not in (None, proposal)
        await releases.sign(hub, officer("owl-1"), proposal)
        for given in (first, again):
            assert (await now_of(hub, given)).outcomes[0].pending is None
        assert (await post(hub, thing)).outcomes[0].pending is None


async def test_taking_back_takes_out_of_the_queue(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always") as hub:
        thing, other = indicator(0), indicator(1)
        given = await post(hub, thing, other)
        with pytest.raises(NotFoundError):
            await acts.remove(hub, place(hub, "us-elk", "strict"), thing["id"], parse_query(b"", "delete"))
        await acts.remove(hub, place(hub, "gb-owl", "strict"), thing["id"], parse_query(b"", "delete"))
        there = at_desk(hub, officer("owl-1"))
        with pytest.raises(NotFoundError):
            await acts.withdraw(hub, there, other["id"], "only what was fed", VersionFilter())
        await acts.withdraw(hub, there, other["id"], "not after all")
        assert await queue(hub) == []
        assert ["withdrawn" in (one.message or "") for one in (await now_of(hub, given)).outcomes] == [
            True
        ] * 2


@pytest.mark.parametrize("hold", ["never", "above-unclassified"])
async def test_markings_and_levels_put_on_hold(hold: str, mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, hold=hold) as hub:
        held, free = _marked(hold=True) if hold == "never" else _marked(level="restricted"), indicator(1)
        link = {
            **{name: free[name] for name in ("spec_version", "created", "modified")},
            "type": "relationship",
            "id": free["id"].replace("indicator", "relationship"),
            "relationship_type": "related-to",
            "source_ref": free["id"],
            "target_ref": held[1]["id"],
        }
        given = await post(hub, *held, free, link)
        waits = {one.id for one in given.outcomes if one.pending}
        assert {held[1]["id"], link["id"]} <= waits
        assert free["id"] not in waits
        late = await post(hub, {**link, "id": link["id"].replace("-", "-", 1)[:-4] + "0000"})
        assert late.outcomes[0].pending is not None


def _marked(**says: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A definition of our own marking, and an indicator that it marks."""
    from taxii_hub.policy.extensions import RELEASABILITY

    body = {"extension_type": "property-extension", **says}
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--1c0d7d34-6a3c-4f7e-9d3e-0a8e9b0c1d2e",
        "created": "2026-01-01T00:00:00.000Z",
        "extensions": {RELEASABILITY: body},
    }
    return definition, {**indicator(0), "object_marking_refs": [definition["id"]]}


async def test_widening_needs_other_officers_where_release_does(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always", signatures=2) as hub:
        thing = {**indicator(0), "object_marking_refs": [RED]}
        await post(hub, thing)
        (proposal,) = await queue(hub)
        for name in ("owl-1", "owl-2"):
            await releases.sign(hub, officer(name), proposal)
        assert await seen(hub, "us-elk") == []
        there = at_desk(hub, officer("owl-1"))
        moved = await acts.release(hub, there, thing["id"], ["USA"], "asked for")
        assert moved.proposal is not None
        with pytest.raises(BadRequestError, match="waits for signatures"):
            await acts.release(hub, there, thing["id"], ["USA"], "asked for again")
        with pytest.raises(ForbiddenError):
            await releases.sign(hub, officer("owl-1"), moved.proposal)
        assert await releases.sign(hub, officer("owl-2"), moved.proposal) == "signed"
        assert await seen(hub, "us-elk") == []
        assert await releases.sign(hub, officer("owl-3"), moved.proposal) == "released"
        assert [i for i, _ in await seen(hub, "us-elk")] == [thing["id"]]
        graded = await acts.regrade(hub, there, thing["id"], acts.Grade(audience=frozenset()), "mistake")
        assert graded.proposal is None
        assert await seen(hub, "us-elk") == []


async def test_a_widening_that_was_overtaken_fails(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, signatures=2) as hub:
        thing = {**indicator(0), "object_marking_refs": [RED]}
        await post(hub, thing)
        there = at_desk(hub, officer("owl-1"))
        moved = await acts.regrade(hub, there, thing["id"], acts.Grade(everyone=True), "for all")
        narrow = acts.Grade(needs=frozenset({"SI"}))
        assert (await acts.regrade(hub, there, thing["id"], narrow, "narrower first")).proposal is None
        assert moved.proposal is not None
        await releases.sign(hub, officer("owl-2"), moved.proposal)
        with pytest.raises(BadRequestError, match="changed or taken back"):
            await releases.sign(hub, officer("owl-3"), moved.proposal)
        assert await seen(hub, "us-elk") == []
        assert (await releases.figures(hub, officer("owl-3"))).ended == {"failed": 1}


async def test_reports_wait_too(mongodb_uri: str, mongodb_database: str) -> None:
    """R6: ingest goes through the same gate."""
    async with desk(mongodb_uri, mongodb_database, hold="always", accepts=("hub_report_csv",)) as hub:
        report = shipped_dir("mappings") / "hub_report_csv" / "samples" / "template.csv"
        registry = load_registry(shipped_dir("mappings"))
        foreseen = await ingest(hub, registry, Ingest(report, "test/strict", "gb-owl", dry_run=True))
        assert {each.signatures for each in foreseen.audiences} == {1}
        assert "after 1 liaison officers signed" in words(foreseen)
        receipt = await ingest(hub, registry, Ingest(report, "test/strict", "gb-owl"))
        assert receipt.status is not None
        waits = [one.pending for one in receipt.status.outcomes]
        assert receipt.status.stored == 0
        assert f"on hold   {len(waits)}" in words(receipt)
        assert await seen(hub, "gb-owl") == []
        assert sorted(each or "" for each in waits) == sorted(await queue(hub))
        first = min(await queue(hub))
        assert await releases.sign(hub, officer("owl-1"), first) == "released"
        assert len(await seen(hub, "gb-owl")) == 1


async def test_a_release_is_never_wider_than_what_the_markings_mean_on_its_day(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always") as hub:
        definition, thing = _marked(releasable_to=["us-elk"])
        await post(hub, definition, thing)
        found = {each.object_id: each.id for each in await releases.waiting(hub, officer("any"))}
        shown = await releases.shown(hub, officer("owl-1"), found[thing["id"]])
        assert (shown.policy.audience, shown.may_sign) == (frozenset({"us-elk"}), True)
        # its definition still waits, and counts
        assert await releases.sign(hub, officer("owl-1"), found[thing["id"]]) == "released"
        assert [i for i, _ in await seen(hub, "us-elk")] == [thing["id"]]
        second = {**thing, "id": indicator(3)["id"]}
        await post(hub, second)
        (waits,) = [e.id for e in await releases.waiting(hub, officer("any")) if e.object_id == second["id"]]
        await releases.refuse(hub, officer("owl-1"), found[definition["id"]], "not that marking")
        assert await releases.sign(hub, officer("owl-1"), waits) == "released"
        assert second["id"] not in [i for i, _ in await seen(hub, "us-elk")]
        assert second["id"] in [i for i, _ in await seen(hub, "gb-owl")]


async def test_who_asks_why_nobody_sees_it_is_told_what_became_of_it(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always") as hub:
        thing, there = indicator(0), at_desk(hub, officer("owl-1"))
        await post(hub, thing)
        for origin, told in ((None, True), ("gb-owl", True), ("us-elk", False)):
            with pytest.raises(NotFoundError) as error:
                await explain(hub, there, thing["id"], ["us-elk"], origin)
            assert ("waits for gb-owl's liaison officers until" in str(error.value)) is told
        await releases.sign(hub, officer("owl-1"), (await queue(hub))[0])
        await acts.withdraw(hub, there, thing["id"], "wrong")
        for origin, told in ((None, True), ("gb-owl", True), ("us-elk", False)):
            with pytest.raises(NotFoundError) as error:
                await explain(hub, there, thing["id"], ["us-elk"], origin)
            assert ("gb-owl ended version" in str(error.value)) is told
