"""Retention, erasure and legal holds on a real MongoDB: what is over or erased is nowhere any more (R7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import bson
import orjson
import pytest
from pymongo import AsyncMongoClient

from taxii_hub.catalog.documents import to_document
from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError
from taxii_hub.exchange import acts, erasing, explain, retention, reviews, subjects, withdrawals
from taxii_hub.exchange.access import Place, place_for
from taxii_hub.exchange.audit_reading import exported
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.exchange.transparency import report
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.leaves import read
from taxii_hub.ledger.transparency import OVERDUE, tally_export
from taxii_hub.mapping.constants import DESIGNATION
from taxii_hub.model import Account, Status
from taxii_hub.policy.retention import DAY
from taxii_hub.store.words import name_what_was_told
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
MARKER = "Quetzalcoatlus-4711"


async def let(hub: Hub, **keys: Any) -> None:
    """The collection ``strict`` has these keys from now on."""
    catalog = hub.catalogs.catalog
    (root,) = catalog.api_roots
    collections = tuple(replace(c, **keys) if c.alias == "strict" else c for c in root.collections)
    changed = replace(catalog, api_roots=(replace(root, collections=collections),))
    await hub.catalogs.apply(to_document(changed), by="test")


@asynccontextmanager
async def keeping(uri: str, database: str, **keys: Any) -> AsyncIterator[Hub]:
    async with opened_hub(uri, database) as hub:
        await let(hub, **keys)
        yield hub


def desk(hub: Hub, name: str = "gb-desk", agency: str = "gb-owl") -> Place:
    return place_for(hub, Account(name, agency, frozenset({"liaison", "reader"})), "test", "strict")


async def post(hub: Hub, *objects: dict[str, Any], agency: str = "gb-owl") -> Status:
    return await publish(hub, place(hub, agency, "strict"), orjson.dumps({"objects": objects}), hub.now())


async def read_by(hub: Hub, agency: str, query: bytes = b"") -> list[tuple[str, str]]:
    answer = await poll(hub, place(hub, agency, "strict"), parse_query(query, "objects"), "objects")
    return [(entry.id, entry.version) for entry in answer.page.entries]


def later(hub: Hub, days: int) -> None:
    """The hub's clock goes on by so many days; the database's does not."""
    now = hub.now()
    hub.now = lambda: now + days * DAY


async def holding(uri: str, database: str, needle: str) -> set[str]:
    """The collections of the database that hold these bytes anywhere."""
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        there = client[database]
        return {
            name
            for name in await there.list_collection_names()
            if any([needle.encode() in bson.encode(row) async for row in there[name].find({})])
        }


async def leaves(hub: Hub, kind: str) -> list[dict[str, Any]]:
    await hub.audit.settled(sign=False)
    return [read(row.leaf) async for row in hub.audit.records.rows(RowFilter(kinds=(kind,)))]


async def test_what_the_collection_keeps_no_longer_is_unreadable_at_once_and_erased_at_the_next_run(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database, retention_days=2) as hub:
        thing = {**indicator(0), "name": MARKER}
        status = await post(hub, thing)
        later(hub, 2)
        assert await read_by(hub, "us-elk") == await read_by(hub, "gb-owl") != []
        later(hub, 1)
        assert await read_by(hub, "us-elk") == await read_by(hub, "gb-owl") == []
        (waiting,) = await retention.expired(hub)
        assert (waiting.object_id, waiting.origin, waiting.held) == (thing["id"], "gb-owl", False)
        assert "entries" in await holding(mongodb_uri, mongodb_database, MARKER)
        assert await retention.erase_expired(hub) == 1
        assert await holding(mongodb_uri, mongodb_database, MARKER) == set()
        assert await retention.expired(hub) == []
        assert await retention.erase_expired(hub) == 0
        (leaf,) = await leaves(hub, "expire")
        assert (leaf["objects"], leaf["origins"]) == (1, {"gb-owl": 1})
        assert status.outcomes[0].ok


async def test_an_older_version_is_not_revived_by_the_end_of_a_newer_one(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database) as hub:
        old = indicator(0)
        await post(hub, old)
        await let(hub, retention_days=1)
        new = {**old, "modified": "2031-01-01T00:00:00.000Z", "name": MARKER}
        await post(hub, new)
        later(hub, 3)
        for _ in range(2):
            assert await read_by(hub, "us-elk") == []
            assert await read_by(hub, "us-elk", b"match[version]=all") == [(old["id"], old["modified"])]
            await retention.erase_expired(hub)
            assert await holding(mongodb_uri, mongodb_database, MARKER) == set()
        (tomb, _) = await explain.explain(hub, desk(hub), old["id"], ["gb-owl"])
        assert tomb.set_by == explain.ERASED
        again = await post(hub, new)
        assert "was erased" in (again.outcomes[0].message or "")
        await acts.withdraw(hub, desk(hub), old["id"], "no longer wanted")
        await retention.erase_expired(hub)
        async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
            assert await client[mongodb_database]["entries"].count_documents({"i": old["id"]}) == 0


async def removed(hub: Hub, object_id: str) -> None:
    writer = replace(desk(hub), account=Account("gb-desk", "gb-owl", frozenset({"reader", "writer"})))
    await acts.remove(hub, writer, object_id, parse_query(b"match[version]=all", "objects"))


ENDS: dict[str, Callable[[Hub, str], Awaitable[object]]] = {
    "erase": lambda hub, object_id: erasing.erase(hub, desk(hub), object_id, "the wrong person"),
    "withdraw": lambda hub, object_id: acts.withdraw(hub, desk(hub), object_id, "the wrong person"),
    "delete": removed,
}


@pytest.mark.parametrize("kind", ENDS)
async def test_after_its_end_nothing_that_is_stored_or_answered_holds_the_content(
    mongodb_uri: str, mongodb_database: str, kind: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database, validation="report") as hub:
        thing = {**indicator(0), "name": MARKER}
        newer = {**thing, "modified": "2031-03-01T00:00:00.000Z"}
        wrong = {**thing, "modified": "2031-02-01T00:00:00.000Z", "kill_chain_phases": MARKER}
        for each in (thing, wrong):
            await post(hub, each)
        await let(hub, hold="always")
        await post(hub, newer)
        assert await read_by(hub, "us-elk")
        places = {"entries", "held", "statuses"}
        assert await holding(mongodb_uri, mongodb_database, MARKER) == places
        with pytest.raises(ForbiddenError):
            await erasing.erase(hub, place(hub, "gb-owl", "strict"), thing["id"], "not an officer")
        with pytest.raises(NotFoundError):
            await erasing.erase(hub, desk(hub, "us-desk", "us-elk"), thing["id"], "not theirs")
        await ENDS[kind](hub, thing["id"])
        assert await holding(mongodb_uri, mongodb_database, MARKER) == set()
        await hub.audit.settled(sign=True)
        assert not any([MARKER.encode() in line async for line in exported(hub.audit)])
        assert await read_by(hub, "us-elk", b"match[version]=all") == []
        found, _ = await withdrawals.lost(hub, place(hub, "us-elk", "strict").account, 0, 10)
        assert {each.withdrawal.kind for each in found} == {kind}
        assert [leaf["object"] for leaf in await leaves(hub, kind)] == [thing["id"]]


async def test_the_words_of_a_status_end_with_what_they_are_about_and_for_nobody_else(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database, validation="report", retention_days=2) as hub:
        one, other = ({**indicator(n), "kill_chain_phases": f"{MARKER}-{n}"} for n in (0, 1))
        told = {"gb-owl": await post(hub, one, other)}
        await acts.regrade(hub, desk(hub), one["id"], acts.Grade(audience=frozenset()), "for us alone")
        told["us-elk"] = await post(hub, {**one, "object_marking_refs": [RED]}, agency="us-elk")

        async def words(agency: str) -> list[bool]:
            status = await hub.feed.status(told[agency].id)
            assert status is not None
            return [MARKER in (each.message or "") for each in status.outcomes]

        assert (await words("gb-owl"), await words("us-elk")) == ([True, True], [True])
        await acts.withdraw(hub, desk(hub), one["id"], "the wrong person")
        assert (await words("gb-owl"), await words("us-elk")) == ([False, True], [True])
        later(hub, 3)
        await retention.erase_expired(hub)
        assert (await words("gb-owl"), await words("us-elk")) == ([False, False], [False])


async def test_statuses_of_before_the_index_of_their_words_are_brought_forward(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with (
        keeping(mongodb_uri, mongodb_database, validation="report") as hub,
        AsyncMongoClient[dict[str, Any]](mongodb_uri) as client,
    ):
        thing = {**indicator(0), "kill_chain_phases": MARKER}
        await post(hub, thing)
        statuses = client[mongodb_database]["statuses"]
        new = await statuses.find_one({"told": {"$exists": True}})
        await statuses.update_many({}, {"$unset": {"told": 1}})
        await name_what_was_told(client[mongodb_database])
        assert await statuses.find_one({"told": {"$exists": True}}) == new is not None


async def test_a_legal_hold_takes_two_officers_to_set_and_two_to_lift(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database) as hub:
        thing = {**indicator(0), "name": MARKER}
        await post(hub, thing)
        one, two = desk(hub, "one"), desk(hub, "two")
        with pytest.raises(NotFoundError):
            await erasing.legal_hold(hub, desk(hub, "us", "us-elk"), thing["id"], "not theirs")
        with pytest.raises(NotFoundError):
            await erasing.lift_hold(hub, one, thing["id"], "there is none")
        assert not await erasing.legal_hold(hub, one, thing["id"], "court order 12")
        with pytest.raises(BadRequestError, match="another liaison officer"):
            await erasing.legal_hold(hub, one, thing["id"], "court order 12")
        assert await erasing.legal_hold(hub, two, thing["id"], "court order 12")
        (shown,) = await explain.explain(hub, one, thing["id"], ["gb-owl"])
        assert shown.legal_hold
        assert await erasing.erase(hub, one, thing["id"], "the wrong person")
        assert await read_by(hub, "us-elk") == await read_by(hub, "gb-owl") == []
        assert await holding(mongodb_uri, mongodb_database, MARKER) == {"legal_kept"}
        assert not await erasing.lift_hold(hub, two, thing["id"], "the case is closed")
        assert await holding(mongodb_uri, mongodb_database, MARKER) == {"legal_kept"}
        (hold,) = await erasing.holds(hub, one)
        assert (hold.in_force, hold.waits_for, hold.asked_by) == (True, "lift", "two")
        assert await erasing.lift_hold(hub, one, thing["id"], "the case is closed")
        assert await holding(mongodb_uri, mongodb_database, MARKER) == set()
        assert [leaf["done"] for leaf in await leaves(hub, "legal-hold")] == [False, True]


async def test_what_is_over_stays_unreadable_while_a_legal_hold_keeps_it(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database, retention_days=1) as hub:
        thing = {**indicator(0), "name": MARKER}
        await post(hub, thing)
        for name in ("one", "two"):
            await erasing.legal_hold(hub, desk(hub, name), thing["id"], "court order 12")
        later(hub, 3)
        await retention.erase_expired(hub)
        assert await read_by(hub, "gb-owl") == []
        assert "entries" in await holding(mongodb_uri, mongodb_database, MARKER)
        assert [each.held for each in await retention.expired(hub)] == [True]
        for name in ("one", "two"):
            await erasing.lift_hold(hub, desk(hub, name), thing["id"], "the case is closed")
        assert await retention.erase_expired(hub) == 1
        assert await holding(mongodb_uri, mongodb_database, MARKER) == set()


async def test_categories_of_persons_are_served_as_sent_and_explain_says_where_they_are(
    mongodb_uri: str, mongodb_database: str
) -> None:
    said = (
        b'{ "extension_type":"property-extension","person_categories":[{"category":"victim","text":"Opfer"}],'
        b'\t"fact_or_assessment": {"kind": "assessment"} }'
    )
    told, untold = identity(7, MARKER), identity(8, MARKER)
    plain = orjson.dumps(told)
    data = plain[:-1] + b',"extensions":{"' + DESIGNATION.encode() + b'":' + said + b"}}"
    async with keeping(mongodb_uri, mongodb_database) as hub:
        body = b'{"objects":[' + data + b"," + orjson.dumps(untold) + b"]}"
        status = await publish(hub, place(hub, "gb-owl", "strict"), body, hub.now())
        assert [each.ok for each in status.outcomes] == [True, True], status
        answer = await poll(hub, place(hub, "us-elk", "strict"), parse_query(b"", "objects"), "objects")
        assert answer.page.entries[0].data == data
        with_it, without = [
            (await explain.explain(hub, desk(hub), each["id"], ["us-elk"]))[0] for each in (told, untold)
        ]
        names = ("person_categories", "fact_or_assessment")
        assert with_it.told_apart == tuple(f"extensions.{DESIGNATION}.{each}" for each in names)
        assert without.told_apart == ()
        assert "victim" not in str(with_it)


async def test_of_several_processes_one_does_a_chore(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        now = hub.now()
        assert [await hub.privacy.due_for("x", now, 10) for _ in range(3)] == [True, False, False]
        assert await hub.privacy.due_for("x", now + 10, 10)


async def test_past_receivers_are_those_that_the_log_knows(mongodb_uri: str, mongodb_database: str) -> None:
    async with keeping(mongodb_uri, mongodb_database) as hub:
        given, unseen = indicator(0), indicator(1)
        await post(hub, given)
        await read_by(hub, "us-elk")
        await post(hub, unseen)
        for each in (given, unseen):
            await erasing.erase(hub, desk(hub), each["id"], "the wrong person")
        outstanding = {
            each.lost.withdrawal.object_id: each.outstanding
            for each in await withdrawals.followed(hub, desk(hub), 10)
        }
        assert outstanding == {given["id"]: ("us-elk",), unseen["id"]: ()}
        assert await withdrawals.overdue(hub, desk(hub), 10) == []
        later(hub, 4)
        (late,) = await withdrawals.overdue(hub, desk(hub), 10)
        assert late.lost.withdrawal.object_id == given["id"]


async def test_a_review_is_due_until_the_origin_has_looked(mongodb_uri: str, mongodb_database: str) -> None:
    async with keeping(mongodb_uri, mongodb_database, review_days=10) as hub:
        mine, theirs = indicator(0), indicator(1)
        await post(hub, mine)
        await post(hub, theirs, agency="us-elk")
        assert await reviews.review_due(hub, desk(hub), 10) == []
        later(hub, 10)
        (due,) = await reviews.review_due(hub, desk(hub), 10)
        assert (due.object_id, due.origin) == (mine["id"], "gb-owl")
        assert await reviews.overdue(hub) == {}
        later(hub, 1)
        assert await reviews.overdue(hub) == {("test/strict", "gb-owl"): 1, ("test/strict", "us-elk"): 1}
        with pytest.raises(NotFoundError):
            await reviews.reviewed(hub, desk(hub), theirs["id"], "still needed")
        await reviews.reviewed(hub, desk(hub), mine["id"], "still needed")
        assert await reviews.review_due(hub, desk(hub), 10) == []
        assert await reviews.overdue(hub) == {("test/strict", "us-elk"): 1}
        later(hub, 10)
        assert [each.object_id for each in await reviews.review_due(hub, desk(hub), 10)] == [mine["id"]]


async def test_a_release_does_not_put_a_review_off(mongodb_uri: str, mongodb_database: str) -> None:
    async with keeping(mongodb_uri, mongodb_database, review_days=10) as hub:
        thing = {**indicator(0), "object_marking_refs": [RED]}
        await post(hub, thing)
        async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
            entries = client[mongodb_database]["entries"]
            old = bson.Int64(hub.now() - 30 * DAY)
            await entries.update_one({"i": thing["id"]}, {"$set": {"s": old}})
        await acts.release(hub, desk(hub), thing["id"], ["us-elk"], "asked for")
        (due,) = await reviews.review_due(hub, desk(hub), 10)
        assert due.object_id == thing["id"]


async def test_the_controller_finds_a_person_in_its_own_objects_and_in_no_others(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database, retention_days=5) as hub:
        person = identity(0, "NOVÁK, Jan Karel")
        await post(hub, person)
        await post(hub, identity(1, "Jan Novak"), agency="us-elk")
        await read_by(hub, "us-elk")
        wanted = subjects.Subject(names=("jan novak",))
        answer = await subjects.subject_search(hub, desk(hub).account, wanted, "request 17")
        (hit,) = answer.hits
        assert (hit.object_id, [who for who, _ in hit.receivers]) == (person["id"], ["us-elk"])
        assert hit.expires is not None
        assert (answer.looked_at, answer.complete) == (1, True)
        (leaf,) = await leaves(hub, "subject-search")
        assert "novak" not in str(leaf).casefold()
        assert leaf["found"] == 1
        with pytest.raises(ForbiddenError):
            await subjects.subject_search(hub, place(hub, "gb-owl", "strict").account, wanted, "request 17")
        await let(hub, hold="always")
        await post(hub, identity(2, "Jan Novák"))
        answer = await subjects.subject_search(hub, desk(hub).account, wanted, "request 17")
        assert [each.waiting for each in answer.hits] == [False, True]


def identity(number: int, name: str) -> dict[str, Any]:
    base = indicator(number)
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": base["id"].replace("indicator", "identity"),
        "created": base["created"],
        "modified": base["modified"],
        "name": name,
        "identity_class": "individual",
    }


@pytest.mark.parametrize(
    ("name", "identifier", "found"),
    [
        ("Jan Novák", None, True),
        ("NOVAK", None, True),
        ("Jana Novak", None, False),
        (None, "ab 12-34", True),
        (None, "AB1235", False),
    ],
)
def test_names_and_identifiers_match_as_people_write_them(
    name: str | None, identifier: str | None, found: bool
) -> None:
    subject = subjects.Subject((name,) if name else (), (identifier,) if identifier else ())
    value = {
        "name": "x",
        "extensions": {"e": {"names": [{"full": "Novák, Ján"}], "documents": [{"number": "AB-1234"}]}},
    }
    assert subjects.Matcher(subject).matches(value) is found


def test_a_search_for_nothing_is_refused() -> None:
    with pytest.raises(BadRequestError):
        subjects.Matcher(subjects.Subject(names=("--",)))


async def test_the_transparency_report_is_the_same_from_the_log_and_from_an_export(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with keeping(mongodb_uri, mongodb_database, review_days=1, retention_days=30) as hub:
        things = [indicator(n) for n in range(7)]
        await post(hub, *things)
        await post(hub, indicator(9), agency="us-elk")
        await read_by(hub, "us-elk")
        later(hub, 3)
        await retention.tell_overdue_reviews(hub)
        for each in things[:6]:
            await erasing.erase(hub, desk(hub), each["id"], "the wrong person")
        found = await report(hub, None, None)
        lines = [line async for line in exported(hub.audit)]
        assert tally_export(lines, None, None).lines() == found
        told = {(line.framework, line.measure): line for line in found}
        assert told["test", "erasures"].total == 6
        assert told["test", "entries read"].agencies == (("us-elk", 8),)
        assert told["test", "objects published"].agencies == (("gb-owl", None), ("us-elk", None))
        assert dict(told["test", OVERDUE].agencies) == {"gb-owl": None, "us-elk": None}
