"""Publish and poll, from bytes to bytes, on a real MongoDB."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest

from taxii_hub.errors import BadCursorError, BadEnvelopeError, BadRequestError, ForbiddenError, NotFoundError
from taxii_hub.exchange import access
from taxii_hub.exchange.acts import remove
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.exchange.poll import Answer, poll, poll_object
from taxii_hub.exchange.publish import publish, status
from taxii_hub.mapping.registry import load_registry
from taxii_hub.model import Status
from taxii_hub.settings import Settings
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import account, opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


async def post(hub: Hub, agency: str, alias: str, *objects: dict[str, Any] | bytes) -> Status:
    where = place(hub, agency, alias)
    slices = [o if isinstance(o, bytes) else orjson.dumps(o) for o in objects]
    body = b'{"objects":[' + b",".join(slices) + b"]}"
    return await publish(hub, where, body, 1)


async def get(hub: Hub, agency: str, alias: str, query: bytes = b"") -> Answer:
    where = place(hub, agency, alias)
    return await poll(hub, where, parse_query(query, "objects"), "objects")


def ids(answer: Answer) -> list[str]:
    return [entry.id for entry in answer.page.entries]


async def test_bytes_in_bytes_out(mongodb_uri: str, mongodb_database: str) -> None:
    """R3, T-5.4-03."""
    odd = orjson.dumps(indicator(1))[:-1] + b' ,\n "x_odd" : {"b":1.50,"a":[null,1E2],"$ref":"\\u00e9\\/"} }'
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        assert (await post(hub, "gb-owl", "off", odd)).stored == 1
        (entry,) = (await get(hub, "us-elk", "off")).page.entries
        assert entry.data == odd


async def test_one_bad_object_does_not_spoil_its_neighbours(mongodb_uri: str, mongodb_database: str) -> None:
    """R2, T-5.5-07."""
    nan = orjson.dumps(indicator(2))[:-1] + b',"confidence":NaN}'
    broken = {**indicator(3), "pattern": "[domain-name:value = "}
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        result = await post(hub, "gb-owl", "strict", indicator(0), nan, {"type": "x"}, broken, indicator(4))
        assert [o.ok for o in result.outcomes] == [True, False, False, False, True]
        assert all(o.message for o in result.outcomes if not o.ok)
        assert len(ids(await get(hub, "us-elk", "strict"))) == 2


async def test_validation_modes(mongodb_uri: str, mongodb_database: str) -> None:
    wrong = {**indicator(0), "confidence": 300}
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        for alias, ok, told in (("strict", False, True), ("report", True, True), ("off", True, False)):
            (outcome,) = (await post(hub, "gb-owl", alias, wrong)).outcomes
            assert (outcome.ok, "confidence" in (outcome.message or "")) == (ok, told), alias
            (floor,) = (await post(hub, "gb-owl", alias, {**indicator(1), "modified": "now"})).outcomes
            assert not floor.ok, "the structural floor holds in every mode"


async def test_tlp_decides_who_sees_what(mongodb_uri: str, mongodb_database: str) -> None:
    """R4; unmarked objects count as the collection's default marking, unknown markings as origin only."""
    unknown = f"marking-definition--{uuid.uuid4()}"
    red, green, odd = (
        {**indicator(n), "object_marking_refs": [m]} for n, m in enumerate((RED, GREEN, unknown))
    )
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "gb-owl", "strict", red, green, odd)
        assert len(ids(await get(hub, "gb-owl", "strict"))) == 3
        assert ids(await get(hub, "us-elk", "strict")) == [green["id"]]
        await post(hub, "gb-owl", "report", indicator(5))
        assert ids(await get(hub, "us-elk", "report")) == []
        assert len(ids(await get(hub, "gb-owl", "report"))) == 1


async def test_a_statement_restricts_nobody_where_its_own_publisher_defined_it(
    mongodb_uri: str, mongodb_database: str
) -> None:
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "invented"},
    }
    marked = [{**indicator(n), "object_marking_refs": [statement["id"]]} for n in range(3)]
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "gb-owl", "strict", statement, marked[0])
        await post(hub, "gb-owl", "strict", marked[1])
        await post(hub, "us-elk", "strict", marked[2])
        assert marked[2]["id"] not in ids(await get(hub, "gb-owl", "strict"))
        assert {marked[0]["id"], marked[1]["id"]} <= set(ids(await get(hub, "us-elk", "strict")))


async def test_an_object_of_a_member_is_versioned_by_that_member_only(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """R2."""
    mine = {**indicator(0), "created_by_ref": "identity--a91f1b56-6250-4a52-8a32-2ce82c6bcdb1"}
    later = {**mine, "modified": "2999-01-01T00:00:00.000Z", "name": "changed"}
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        assert (await post(hub, "gb-owl", "strict", mine)).outcomes[0].ok
        assert not (await post(hub, "us-elk", "strict", later)).outcomes[0].ok
        assert (await post(hub, "us-elk", "strict", mine)).outcomes[0].ok, "the same object again"
        assert (await post(hub, "gb-owl", "strict", later)).outcomes[0].ok


async def test_a_walk_by_next_and_what_next_is_bound_to(mongodb_uri: str, mongodb_database: str) -> None:
    """T-3.5-01, T-3.5-05, T-3.5-07; clients.md 8, 9, 11."""
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        objects = [indicator(n) for n in range(7)]
        await post(hub, "gb-owl", "strict", *objects)
        first = await get(hub, "us-elk", "strict", b"limit=3&match[type]=indicator")
        assert first.next is not None
        token = first.next.encode()
        second = await get(hub, "us-elk", "strict", b"limit=10&next=" + token)
        assert ids(first) + ids(second) == [o["id"] for o in objects]
        assert second.next is None
        again = await get(hub, "us-elk", "strict", b"limit=10&match[type]=indicator&next=" + token)
        assert ids(again) == ids(second)
        with pytest.raises(BadRequestError, match=r"match\[type\]"):
            await get(hub, "us-elk", "strict", b"match[type]=malware&next=" + token)
        with pytest.raises(BadCursorError):
            await get(hub, "us-elk", "strict", b"next=made-up")
        elsewhere = await get(hub, "gb-owl", "report", b"next=" + token)
        assert ids(elsewhere) == []


async def test_who_may_not_is_told_so_or_told_nothing(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        stranger = account("fr-coq")
        assert access.visible_api_roots(hub, stranger) == ()
        with pytest.raises(NotFoundError):
            access.api_root_for(hub, stranger, "test")
        with pytest.raises(ForbiddenError):
            await post(hub, "us-elk", "report", indicator(0))
        with pytest.raises(ForbiddenError):
            await get(hub, "gb-owl", "off")
        root = access.api_root_for(hub, account("gb-owl"), "test")
        listed = {c.alias: (r, w) for c, r, w in access.visible_collections(hub, account("us-elk"), root)}
        assert listed == {
            "strict": (True, True),
            "report": (True, False),
            "off": (True, True),
            "siem": (True, False),
        }
        with pytest.raises(NotFoundError):
            access.collection_for(hub, account("gb-owl"), root, "absent")


async def test_delete_is_the_origins(mongodb_uri: str, mongodb_database: str) -> None:
    """T-5.7-01…03."""
    thing = indicator(0)
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "gb-owl", "strict", thing)
        mine, theirs = place(hub, "gb-owl", "strict"), place(hub, "us-elk", "strict")
        everything = parse_query(b"", "delete")
        with pytest.raises(ForbiddenError):
            await remove(hub, theirs, thing["id"], everything)
        await remove(hub, mine, thing["id"], everything)
        with pytest.raises(NotFoundError):
            await remove(hub, mine, thing["id"], everything)
        with pytest.raises(NotFoundError):
            await poll_object(hub, mine, thing["id"], parse_query(b"", "object"), "objects")
        assert (await post(hub, "gb-owl", "strict", thing)).stored == 1


async def test_a_status_is_the_submitting_agencys(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        made = await post(hub, "gb-owl", "strict", indicator(0))
        root = access.api_root_for(hub, account("gb-owl"), "test")
        assert await status(hub, account("gb-owl"), root, made.id) == made
        for who, number in ((account("us-elk"), made.id), (account("gb-owl"), str(uuid.uuid4()))):
            with pytest.raises(NotFoundError):
                await status(hub, who, root, number)


async def test_what_is_no_envelope_stores_nothing(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        where = place(hub, "gb-owl", "strict")
        with pytest.raises(BadEnvelopeError):
            await publish(hub, where, b'{"objects":[{}', 1)
        assert ids(await get(hub, "gb-owl", "strict")) == []


async def test_ingesting_a_report_twice_adds_nothing(mongodb_uri: str, mongodb_database: str) -> None:
    settings = Settings()
    registry = load_registry(settings.mappings_dir)
    path = settings.mappings_dir / "un_sc_consolidated_xml" / "samples" / "persons.xml"
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        with pytest.raises(BadRequestError, match="--agency"):
            await ingest(hub, registry, Ingest(path, "test/strict"))
        with pytest.raises(NotFoundError, match="test/strict"):
            await ingest(hub, registry, Ingest(path, "test/nowhere"))
        with pytest.raises(BadRequestError, match="accepts"):
            await ingest(hub, registry, Ingest(path, "test/report"))
        wanted = Ingest(path, "test/strict", agency="gb-owl")
        foreseen = await ingest(hub, registry, Ingest(path, "test/strict", agency="gb-owl", dry_run=True))
        assert ids(await get(hub, "gb-owl", "strict")) == []
        first = await ingest(hub, registry, wanted)
        second = await ingest(hub, registry, wanted)
        assert first.status is not None
        assert second.status is not None
        assert foreseen.status is not None
        assert first.status.stored == first.objects == foreseen.status.stored > 10
        assert second.status.stored == 0
        assert all(outcome.ok for outcome in second.status.outcomes)
        late = await ingest(hub, registry, Ingest(path, "test/strict", agency="gb-owl", dry_run=True))
        assert late.status is not None
        assert late.status.stored == 0
        seen = ids(await get(hub, "us-elk", "strict", b"limit=1000"))
        assert len(seen) == first.objects


async def test_a_view_shows_its_types_of_another_collection(mongodb_uri: str, mongodb_database: str) -> None:
    """Nothing is copied: the same query, the same stamps, its own cursors."""
    grouping = {
        "type": "grouping",
        "spec_version": "2.1",
        "id": f"grouping--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "context": "unspecified",
        "object_refs": [indicator(0)["id"]],
    }
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        things = [indicator(n) for n in range(3)]
        await post(hub, "gb-owl", "strict", things[0], grouping, *things[1:])
        assert len(ids(await get(hub, "us-elk", "strict"))) == 4
        page = await get(hub, "us-elk", "siem", b"limit=2")
        assert page.next is not None
        rest = await get(hub, "us-elk", "siem", b"next=" + page.next.encode())
        assert ids(page) + ids(rest) == [t["id"] for t in things]
        assert ids(await get(hub, "us-elk", "siem", b"match[type]=grouping,malware")) == []
        assert len(ids(await get(hub, "us-elk", "siem", b"match[type]=indicator,malware"))) == 3
        elsewhere = await get(hub, "us-elk", "strict", b"next=" + page.next.encode())
        assert len(ids(elsewhere)) == 4, "a cursor of another collection counts as absent"
        view = place(hub, "us-elk", "siem")
        one = await poll_object(hub, view, things[0]["id"], parse_query(b"", "object"), "objects")
        assert ids(one) == [things[0]["id"]]
        with pytest.raises(NotFoundError):
            await poll_object(hub, view, grouping["id"], parse_query(b"", "object"), "objects")
        with pytest.raises(ForbiddenError):
            await post(hub, "us-elk", "siem", indicator(9))
        with pytest.raises(NotFoundError):
            place(hub, "gb-owl", "siem")


async def test_a_page_that_took_long_knows_the_classes_that_came_meanwhile(
    mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """store/classes.py: an object of a new policy class is never passed by."""
    green = {**indicator(2), "object_marking_refs": [GREEN]}
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "gb-owl", "strict", indicator(1))
        real, held = hub.feed.page, []

        async def slow(visibility: Any, query: Any, projection: Any, limit: int) -> Any:
            if not held:
                held.append(visibility)
                await post(hub, "gb-owl", "strict", green)
            return await real(visibility, query, projection, limit)

        monkeypatch.setattr(type(hub.feed), "page", staticmethod(slow))
        assert green["id"] in ids(await get(hub, "us-elk", "strict"))
