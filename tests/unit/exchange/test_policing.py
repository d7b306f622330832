"""Policies of what is published: relationships, expiry, the ceiling, agreements that ended (R4)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import orjson

from taxii_hub.catalog.lookup import in_force_on
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.model import Agreement, ApiRoot, Catalog, Membership, Status
from taxii_hub.stix.timestamps import parse
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"


def related(source: str, target: str) -> dict[str, Any]:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": source,
        "target_ref": target,
    }


async def post(hub: Hub, agency: str, *objects: dict[str, Any]) -> Status:
    return await publish(hub, place(hub, agency, "strict"), orjson.dumps({"objects": objects}), 1)


async def ids(hub: Hub, agency: str) -> set[str]:
    answer = await poll(hub, place(hub, agency, "strict"), parse_query(b"", "objects"), "objects")
    return {entry.id for entry in answer.page.entries}


async def test_what_connects_something_hidden_is_hidden(mongodb_uri: str, mongodb_database: str) -> None:
    """In one envelope and across two; a hidden copy of the other end changes nothing for who cannot see it."""
    open_, red, later = indicator(0), {**indicator(1), "object_marking_refs": [RED]}, indicator(2)
    together, across = related(open_["id"], red["id"]), related(red["id"], later["id"])
    foreign = related(open_["id"], red["id"])
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "gb-owl", open_, red, together)
        await post(hub, "gb-owl", later, across)
        await post(hub, "us-elk", foreign)
        assert await ids(hub, "us-elk") == {open_["id"], later["id"], foreign["id"]}
        assert {together["id"], across["id"], red["id"], foreign["id"]} <= await ids(hub, "gb-owl")


def agreed(until: str | None, since: str | None = None) -> Agreement:
    return Agreement("Invented memorandum", "M/1", since, until)


def test_an_agreement_counts_from_its_first_to_the_end_of_its_last_day() -> None:
    memberships = (Membership("gb", agreement=agreed("2026-03-01")), Membership("us"))
    root = ApiRoot("r", "R", None, None, frozenset({"gb", "us"}), 1, (), memberships=memberships)
    framework = replace(root, path="f", agreement=agreed(None, since="2026-03-02"), memberships=())
    catalog = Catalog((root, framework), ())

    def members(moment: str) -> list[set[str]]:
        return [set(each.members) for each in in_force_on(catalog, parse(moment)).api_roots]

    assert members("2026-03-01T23:59:59Z") == [{"gb", "us"}, set()]
    assert members("2026-03-02T00:00:00Z") == [{"us"}, {"gb", "us"}]


async def test_banner_lines_and_refusing_the_unmarked(mongodb_uri: str, mongodb_database: str) -> None:
    """A statement counts from its own publisher only; a collection may take nothing unmarked."""
    banner = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "REL TO GBR, FRA"},
    }
    ours = {**indicator(0), "object_marking_refs": [banner["id"]]}
    theirs, bare = {**indicator(1), "object_marking_refs": [banner["id"]]}, indicator(2)
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        await post(hub, "us-elk", banner, ours)
        await post(hub, "gb-owl", theirs)
        assert await ids(hub, "gb-owl") == {banner["id"], ours["id"], theirs["id"]}
        assert await ids(hub, "us-elk") == {banner["id"], ours["id"]}

        here = place(hub, "us-elk", "strict")
        strict = replace(here, collection=replace(here.collection, unmarked="refuse"))
        definition = {**banner, "id": f"marking-definition--{uuid.uuid4()}"}
        given = {**indicator(3), "object_marking_refs": [definition["id"]]}
        status = await publish(hub, strict, orjson.dumps({"objects": [bare, definition, given]}), 1)
        assert [outcome.ok for outcome in status.outcomes] == [False, True, True]
        assert "no marking that says who may read it" in (status.outcomes[0].message or "")


async def test_above_the_tear_line(mongodb_uri: str, mongodb_database: str) -> None:
    """A derived object for those who may not read the marked parts; what tells of the original is hidden."""
    narrow = [{"marking_ref": RED, "selectors": ["description"]}]
    parted = {**indicator(0), "description": "secret source", "granular_markings": narrow}
    needed = {**indicator(1), "granular_markings": [{"marking_ref": RED, "selectors": ["pattern"]}]}
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        here = place(hub, "gb-owl", "strict")
        torn = replace(here, collection=replace(here.collection, granular="tear-line"))
        for _ in range(2):
            status = await publish(hub, torn, orjson.dumps({"objects": [parted, needed]}), 1)
            assert [outcome.id for outcome in status.outcomes] == [parted["id"], needed["id"]]
        (above,) = await ids(hub, "us-elk")
        assert above.startswith("indicator--")
        assert above not in {parted["id"], needed["id"]}
        everything = await ids(hub, "gb-owl")
        assert everything > {parted["id"], needed["id"], above}
        (link,) = everything - {parted["id"], needed["id"], above}
        assert link.startswith("relationship--")
        answer = await poll(hub, place(hub, "us-elk", "strict"), parse_query(b"", "objects"), "objects")
        (entry,) = answer.page.entries
        assert orjson.loads(entry.data) == {
            **{
                name: value
                for name, value in parted.items()
                if name not in {"description", "granular_markings"}
            },
            "id": above,
        }
