"""From a poll to its leaf, to the disclosure record, to the proof; on a real MongoDB."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from taxii_hub.errors import BadRequestError, NotFoundError, UnavailableError
from taxii_hub.exchange.access import place_for
from taxii_hub.exchange.acts import release, remove, withdraw
from taxii_hub.exchange.audit import FULL, Audit, Reading
from taxii_hub.exchange.audit_reading import exported, proved_consistency, proved_inclusion, verified
from taxii_hub.exchange.disclosures import Disclosure, DisclosureFilter, disclosures
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll, poll_object
from taxii_hub.exchange.publish import publish
from taxii_hub.keyring import Keyring
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.checkpoint import opened
from taxii_hub.ledger.export import verify_export
from taxii_hub.ledger.leaves import Actor, read, stamps_of
from taxii_hub.ledger.merkle import Head, verify_consistency, verify_inclusion
from taxii_hub.model import Collection, Entry, ObjectQuery, Page
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import account, opened_hub, place
from tests.support.probe import indicator


async def post(hub: Hub, agency: str, *objects: dict[str, Any]) -> None:
    body = b'{"objects":[' + b",".join(map(orjson.dumps, objects)) + b"]}"
    assert (await publish(hub, place(hub, agency, "strict"), body, 1)).stored == len(objects)


async def get(hub: Hub, agency: str, query: bytes = b"", alias: str = "strict") -> Page:
    return (await poll(hub, place(hub, agency, alias), parse_query(query, "objects"), "objects")).page


async def leaves(hub: Hub, *kinds: str) -> list[dict[str, Any]]:
    await hub.audit.flush()
    await hub.audit.catch_up(sign=False)
    return [read(row.leaf) async for row in hub.audit.records.rows(RowFilter(kinds=kinds))]


async def disclosed(hub: Hub, origin: str, **more: Any) -> list[Disclosure]:
    await leaves(hub)
    return [each async for each in disclosures(hub.audit.records, DisclosureFilter(origin, **more))]


async def test_every_kind_of_read_and_write_is_a_leaf(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one, two = indicator(0), indicator(1)
        await post(hub, "gb-owl", one, two)
        page = await get(hub, "us-elk", b"limit=1&match[type]=indicator")
        await get(hub, "us-elk", alias="siem")
        here = place(hub, "us-elk", "strict")
        await poll(hub, here, parse_query(b"", "manifest"), "manifest")
        await poll_object(hub, here, one["id"], parse_query(b"", "object"), "objects")
        await poll_object(hub, here, one["id"], parse_query(b"", "versions"), "manifest")
        for _ in range(3):
            await get(hub, "us-elk", b"added_after=2999-01-01T00:00:00Z")
        with pytest.raises(NotFoundError):
            await poll_object(hub, here, indicator(7)["id"], parse_query(b"", "object"), "objects")
        await remove(hub, place(hub, "gb-owl", "strict"), two["id"], parse_query(b"", "delete"))
        hub.audit._put_empty(2**60)
        found = await leaves(hub)
        kinds = [leaf["kind"] for leaf in found]
        assert sorted(kinds) == sorted(
            ["keys", "catalogue-apply", "publish", *["page"] * 5, "empty", "delete"]
        )
        pages = [leaf for leaf in found if leaf["kind"] == "page"]
        assert [leaf["view"] for leaf in pages] == ["objects", "objects", "manifest", "object", "versions"]
        assert {leaf["by"]["account"] for leaf in pages} == {"us-elk-siem"}
        assert stamps_of(pages[0]) == [entry.stamp for entry in page.entries]
        assert pages[0]["query"] == {"types": ["indicator"]}
        assert pages[1]["collection"] != pages[0]["collection"], "the view's own id"
        assert pages[1]["feed"] == pages[0]["feed"], "and its source's feed"
        assert (pages[3]["query"]["object"], pages[4]["query"]["versions"]) == (one["id"], ["all"])
        (empty,) = [leaf for leaf in found if leaf["kind"] == "empty"]
        assert (empty["pages"], empty["by"]["agency"]) == (3, "us-elk")
        (published,) = [leaf for leaf in found if leaf["kind"] == "publish"]
        assert (published["stored"], stamps_of(published)[0]) == (2, page.entries[0].stamp)
        assert (await verified(hub.audit)).sound


async def test_disclosures_name_exactly_what_was_received(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        mine, theirs = [indicator(n) for n in range(5)], [indicator(n) for n in range(5, 8)]
        await post(hub, "gb-owl", *mine[:3])
        await post(hub, "us-elk", *theirs)
        await post(hub, "gb-owl", *mine[3:])
        first = await get(hub, "us-elk", b"limit=4")
        await get(hub, "gb-owl")
        received = await disclosed(hub, "gb-owl")
        assert [(each.object_id, each.stamp) for each in received] == [
            (entry.id, entry.stamp) for entry in first.entries if entry.id in {o["id"] for o in mine}
        ]
        assert {(e.agency, e.account, e.view, e.purpose) for e in received} == {
            ("us-elk", "us-elk-siem", "objects", None)
        }
        assert {each.version for each in received} <= {o["modified"] for o in mine}
        assert [each.object_id for each in await disclosed(hub, "us-elk")] == [o["id"] for o in theirs]
        assert await disclosed(hub, "fr-coq") == []
        # what was deleted since is still named, and so is one object alone
        await remove(hub, place(hub, "gb-owl", "strict"), mine[1]["id"], parse_query(b"", "delete"))
        assert await disclosed(hub, "gb-owl") == received
        (alone,) = await disclosed(hub, "gb-owl", object_id=mine[1]["id"])
        assert alone == received[1]
        assert await disclosed(hub, "gb-owl", object_id=theirs[0]["id"]) == []
        assert await disclosed(hub, "gb-owl", first=alone.row + 1) == []
        assert await disclosed(hub, "gb-owl", since=2**52) == []


async def test_a_process_signs_beside_the_one_that_grows_the_tree(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    async with (
        opened_hub(mongodb_uri, mongodb_database, tmp_path) as hub,
        opened_hub(mongodb_uri, mongodb_database, tmp_path) as other,
    ):
        await post(hub, "gb-owl", indicator(0))
        await hub.audit.settled(sign=False)
        assert not await other.audit.catch_up(sign=False), "the first one leads"
        await other.audit.act("test", Actor("nobody"))
        await other.audit.settled(sign=True)
        kept = await other.audit.records.newest_kept()
        assert kept is not None
        assert opened(kept.note, hub.audit.verifiers()).head.size == (await hub.audit.records.tree()).size
        assert (await verified(hub.audit)).sound


async def test_proofs_and_exports_hold_without_the_hub(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database, tmp_path) as hub:
        await post(hub, "gb-owl", indicator(0))
        for _ in range(4):
            await get(hub, "us-elk")
        await hub.audit.settled(sign=True)
        records = hub.audit.records
        old = await records.newest_kept()
        assert old is not None
        for _ in range(3):
            await get(hub, "us-elk")
        await hub.audit.act("test", Actor("nobody"), what="done")
        await hub.audit.settled(sign=True)
        keys = hub.audit.verifiers()
        before = opened(old.note, keys).head
        (row,) = [row async for row in records.rows(RowFilter(first=3, end=4))]
        proof = await proved_inclusion(records, 3, None)
        assert verify_inclusion(3, proof.size, row.hash, proof.hashes, proof.root)
        earlier = await proved_inclusion(records, 3, before.size)
        assert verify_inclusion(3, before.size, row.hash, earlier.hashes, before.root)
        path = await proved_consistency(records, before.size, None)
        assert verify_consistency(before, Head(path.size, path.root), path.hashes)
        for wrong in (-1, 99):
            with pytest.raises(NotFoundError):
                await proved_inclusion(records, wrong, None)
            with pytest.raises(BadRequestError):
                await proved_consistency(records, wrong, None)
            with pytest.raises(NotFoundError):
                await proved_inclusion(records, 0, wrong)
        lines = [line async for line in exported(hub.audit)]
        report = verify_export(lines, keys, [old.note])
        assert (report.sound, report.size, report.proved) == (True, path.size, path.size)
        assert (await verified(hub.audit, [old.note])).sound
    async with opened_hub(mongodb_uri, mongodb_database, tmp_path) as hub:
        hub.keyring.rotate("audit")
        await hub.audit.tend()
        await hub.audit.settled(sign=True)
        assert (await leaves(hub, "keys"))[-1]["newest"] == {"audit": 2}
        assert len(hub.audit.verifiers()) == 2
        assert (await verified(hub.audit, [old.note])).sound, "after a restart, under both keys"


async def test_what_was_released_and_taken_back_stays_in_the_record(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """Also a version that the reader got under a stamp that a later release has moved."""
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        officer = account("gb-owl", "reader", "writer", "liaison")
        here = place_for(hub, officer, "test", "strict")
        secret = {
            **indicator(0),
            "object_marking_refs": ["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"],
        }
        await post(hub, "gb-owl", secret, indicator(1))
        assert len((await get(hub, "us-elk")).entries) == 1
        await release(hub, here, secret["id"], ["us-elk"], "for a test")
        assert secret["id"] in [entry.id for entry in (await get(hub, "us-elk")).entries]
        await withdraw(hub, here, secret["id"], "for a test")
        assert len((await get(hub, "us-elk")).entries) == 1
        received = await disclosed(hub, "gb-owl")
        assert [each.object_id == secret["id"] for each in received].count(True) == 1
        assert len(received) == 4
        assert {"release", "withdraw"} <= {leaf["kind"] for leaf in await leaves(hub)}


class Growing:
    """A stored log into which somebody writes between the looks of a verification."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._records, self._grown = hub, hub.audit.records, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def tiles(self) -> dict[int, bytes]:
        if not self._grown:
            self._grown = True
            for n in range(300):
                self._hub.audit._put("test", Actor("nobody"), {"number": n})
            await self._hub.audit.settled(sign=True)
        return await self._records.tiles()


async def test_a_log_that_grows_while_it_is_verified_is_sound(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "gb-owl", indicator(0))
        await hub.audit.settled(sign=True)
        hub.audit.records = Growing(hub)
        report = await verified(hub.audit)
        assert report.sound, report.findings
        report = await verified(hub.audit)
        assert (report.sound, report.size > 300) == (True, True)
        tiles = hub.audit._log._log.database["audit_tiles"]
        await tiles.update_one({"_id": 0}, {"$set": {"r": bytes(32)}})
        assert [(f.what, f.first) for f in (await verified(hub.audit)).findings] == [("tile", 0)]
        await tiles.insert_one({"_id": 9, "h": bytes(32)})
        assert ("tile", 9) in [(f.what, f.first) for f in (await verified(hub.audit)).findings]


async def test_the_log_goes_on_when_the_database_is_back(audit: Audit) -> None:
    tries = iter(
        [UnavailableError("away"), UnavailableError("away"), None, ValueError("the end of the test")]
    )

    async def work() -> None:
        if (error := next(tries)) is not None:
            raise error

    with pytest.raises(ValueError, match="the end"):
        await audit._again(0, work)


class Slow:
    """A stored log that keeps what it is told, or fails; counts the writes."""

    id = "slow"

    def __init__(self) -> None:
        self.leaves: dict[str, bytes] = {}
        self.writes = 0
        self.away = False

    async def enqueue(self, leaves: dict[str, bytes]) -> None:
        self.writes += 1
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("away")
        self.leaves |= leaves


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def audit(slow: Slow, tmp_path: Path) -> Audit:
    return Audit(
        slow, slow, slow, Keyring.open(tmp_path / "secrets", create=True), now=lambda: 1_763_856_000_000_000
    )  # type: ignore[arg-type]


def reading(*, strict: bool = False) -> Reading:
    mode = "before-answer" if strict else "queued"
    nobody: frozenset[str] = frozenset()
    names = ("7b1f0c87-6e65-44fe-a789-7a6f5245842b", "strict", "Strict", "test", None)
    collection = Collection(*names, nobody, nobody, (), "off", "clear", (), audit=mode, number=1, feed=1)
    page = Page.of(
        [Entry("x--1", "2026-01-01T00:00:00.000Z", 10), Entry("x--2", "2026-01-01T00:00:00.000Z", 20)]
    )
    return Reading(account("gb-owl"), collection, "objects", ObjectQuery(), page, 1)


async def test_a_collection_may_demand_the_leaf_before_the_answer(audit: Audit, slow: Slow) -> None:
    await audit.page(reading())
    assert slow.writes == 0
    await audit.page(reading(strict=True))
    assert (slow.writes, len(slow.leaves)) == (1, 2)
    slow.away = True
    with pytest.raises(UnavailableError):
        await audit.page(reading(strict=True))


async def test_nothing_queued_is_lost_while_the_database_is_away(audit: Audit, slow: Slow) -> None:
    slow.away = True
    for _ in range(3):
        await audit.page(reading())
    with pytest.raises(UnavailableError):
        await audit.flush()
    await audit.page(reading())
    slow.away = False
    await audit.flush()
    assert [read(leaf)["id"] for leaf in slow.leaves.values()] == [f"slow-{n}" for n in range(4)]


async def test_a_full_queue_is_written_before_the_answer(audit: Audit, slow: Slow) -> None:
    for _ in range(FULL - 1):
        await audit.page(reading())
    assert slow.writes == 0
    await audit.page(reading())
    assert (slow.writes, len(slow.leaves)) == (1, FULL)


async def test_empty_pages_of_a_minute_are_one_leaf(audit: Audit, slow: Slow) -> None:
    nothing = replace(reading(), page=Page(()))
    for _ in range(5):
        await audit.page(nothing)
    audit._put_empty(0)
    await audit.flush()
    assert slow.leaves == {}, "the minute is not over"
    audit._put_empty(2**60)
    await audit.flush()
    (leaf,) = map(read, slow.leaves.values())
    assert (leaf["kind"], leaf["pages"], leaf["minute"]) == ("empty", 5, "2025-11-23T00:00:00.000000Z")
