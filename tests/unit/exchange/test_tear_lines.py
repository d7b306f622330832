"""Tear lines: two readers of one collection, on a real MongoDB."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from taxii_hub.catalog.documents import to_document
from taxii_hub.exchange import acts, erasing, releases
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.model import Account, Entry, Outcome, VersionFilter
from taxii_hub.store.base import Change, ChangeResult
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
SECOND = "2031-01-01T00:00:00.000Z"


def parted(n: int, **more: Any) -> dict[str, Any]:
    narrow = [{"marking_ref": RED, "selectors": ["description"]}]
    return {**indicator(n), "description": "secret source", "granular_markings": narrow, **more}


def desk(hub: Hub) -> Place:
    there = place(hub, "gb-owl", "strict")
    roles = frozenset({"liaison", "reader", "writer"})
    return replace(
        there,
        account=replace(there.account, roles=roles),
        collection=replace(there.collection, granular="tear-line"),
    )


async def post(hub: Hub, *objects: dict[str, Any]) -> tuple[Outcome, ...]:
    status = await publish(hub, desk(hub), orjson.dumps({"objects": objects}), 1)
    assert len(status.outcomes) == len(objects)
    return status.outcomes


async def seen(hub: Hub, agency: str, query: bytes = b"") -> list[Entry]:
    answer = await poll(hub, place(hub, agency, "strict"), parse_query(query, "objects"), "objects")
    return list(answer.page.entries)


async def test_the_part_comes_in_the_same_commit_and_says_so(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        needed = {**indicator(1), "granular_markings": [{"marking_ref": RED, "selectors": ["pattern"]}]}
        whole, withheld, plain = await post(hub, parted(0), needed, indicator(2))
        assert withheld.message is not None
        assert "no tear line" in withheld.message
        assert plain.message is None or "tear line" not in plain.message
        first, second = await seen(hub, "us-elk")
        assert (first.id.split("--")[0], second.id) == ("indicator", plain.id)
        assert f"published as {first.id}" in (whole.message or "")
        stamps = [entry.stamp for entry in await seen(hub, "gb-owl")]
        assert stamps == [stamps[0] + 10 * n for n in range(5)], "one commit"
        text = b"".join(entry.data for entry in await seen(hub, "us-elk"))
        assert b"secret source" not in text
        assert whole.id.encode() not in text


async def test_new_versions_and_withdrawals_take_the_part_along(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        old = parted(0)
        await post(hub, old)
        await post(hub, {**old, "modified": SECOND, "name": "second"})
        (above,) = await seen(hub, "us-elk")
        assert above.version == SECOND
        assert len(await seen(hub, "us-elk", b"match[version]=all")) == 2
        await acts.withdraw(hub, desk(hub), old["id"], "mistake", VersionFilter())
        (before,) = await seen(hub, "us-elk")
        assert (before.id, before.version) == (above.id, old["modified"])
        assert len(await seen(hub, "gb-owl")) == 3
        await acts.withdraw(hub, desk(hub), old["id"], "all of it")
        assert await seen(hub, "us-elk") == await seen(hub, "gb-owl") == []


async def test_regrading_takes_the_part_along_and_a_release_does_not(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        whole = parted(0)
        await post(hub, whole)
        (above,) = await seen(hub, "us-elk")
        await acts.release(hub, desk(hub), whole["id"], ["us-elk"])
        now = {entry.id for entry in await seen(hub, "us-elk")}
        assert now == {entry.id for entry in await seen(hub, "gb-owl")} >= {whole["id"], above.id}
        closed = acts.Grade(audience=frozenset())
        await acts.regrade(hub, desk(hub), whole["id"], closed, "more careful")
        assert await seen(hub, "us-elk") == []
        assert len(await seen(hub, "gb-owl")) == 3


class OneCommit:
    """A feed that breaks after the first act: what is done then is done in that act's commit."""

    def __init__(self, feed: Any) -> None:
        self.feed, self.acts = feed, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.feed, name)

    async def change(self, change: Change) -> ChangeResult:
        self.acts += 1
        assert self.acts == 1, "the hub was killed after the first commit"
        result: ChangeResult = await self.feed.change(change)
        return result


@pytest.mark.parametrize("kind", ["regrade", "withdraw", "erase"])
async def test_the_part_goes_in_the_commit_of_the_whole(
    mongodb_uri: str, mongodb_database: str, kind: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        whole = parted(0)
        await post(hub, whole)
        await acts.release(hub, desk(hub), whole["id"], ["us-elk"])
        assert len(await seen(hub, "us-elk")) == 3
        hub.feed = OneCommit(hub.feed)  # type: ignore[assignment]
        if kind == "regrade":
            closed = acts.Grade(audience=frozenset())
            await acts.regrade(hub, desk(hub), whole["id"], closed, "more careful")
        elif kind == "withdraw":
            await acts.withdraw(hub, desk(hub), whole["id"], "wrong")
        else:
            await erasing.erase(hub, desk(hub), whole["id"], "wrong")
        assert await seen(hub, "us-elk") == []
        assert len(await seen(hub, "gb-owl")) == (3 if kind == "regrade" else 0)


async def test_a_release_that_officers_sign_takes_the_link_along(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        whole = parted(0)
        await post(hub, whole)
        (above,) = await seen(hub, "us-elk")
        here = desk(hub)
        here = replace(here, collection=replace(here.collection, hold="always", signatures=1))
        moved = await acts.release(hub, here, whole["id"], ["us-elk"])
        assert moved.proposal is not None
        assert [entry.id for entry in await seen(hub, "us-elk")] == [above.id]
        other = Account("owl-2", "gb-owl", frozenset({"liaison", "reader"}))
        assert await releases.sign(hub, other, moved.proposal) == "released"
        assert {e.id for e in await seen(hub, "us-elk")} == {e.id for e in await seen(hub, "gb-owl")}
        assert len(await seen(hub, "us-elk")) == 3


async def test_who_made_it_is_named_only_to_those_who_may_know(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        source = {
            "type": "identity",
            "spec_version": "2.1",
            "id": "identity--11111111-2222-4333-8444-555555555555",
            "created": "2024-01-01T00:00:00.000Z",
            "modified": "2024-01-01T00:00:00.000Z",
            "name": "a source",
            "object_marking_refs": [RED],
        }
        await post(hub, source)
        await post(hub, parted(0, created_by_ref=source["id"]))
        (above,) = await seen(hub, "us-elk")
        assert source["id"].encode() not in above.data


async def test_two_publishers_of_one_id_have_parts_of_their_own(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        one = parted(0)
        await post(hub, one)
        elk = replace(desk(hub), account=replace(desk(hub).account, agency="us-elk"))
        status = await publish(hub, elk, orjson.dumps({"objects": [{**one, "name": "other"}]}), 1)
        assert status.outcomes[0].ok
        parts = [entry for entry in await seen(hub, "gb-owl") if entry.id != one["id"]]
        assert len({entry.id for entry in parts if entry.id.startswith("indicator--")}) == 2


async def test_what_waits_has_its_part_when_it_is_released(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        catalog = hub.catalogs.catalog
        (root,) = catalog.api_roots
        strict = replace(root.collections[0], granular="tear-line", hold="above-unclassified")
        changed = replace(root, collections=(strict, *root.collections[1:]))
        await hub.catalogs.apply(to_document(replace(catalog, api_roots=(changed,))), by="test")
        definition = {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": "marking-definition--21111111-2222-4333-8444-555555555555",
            "created": "2024-01-01T00:00:00.000Z",
            "definition_type": "statement",
            "definition": {"statement": "VS-NfD"},
        }
        narrow = [{"marking_ref": definition["id"], "selectors": ["description"]}]
        whole = parted(0, granular_markings=narrow)
        _, waits = await post(hub, definition, whole)
        assert waits.pending is not None
        before = await seen(hub, "us-elk")
        officer = Account("other", "gb-owl", frozenset({"liaison", "reader"}))
        assert await releases.sign(hub, officer, waits.pending) == "released"
        (above,) = (entry for entry in await seen(hub, "us-elk") if entry not in before)
        assert above.id.startswith("indicator--")
        assert above.id != whole["id"]
        assert b"secret source" not in above.data
        assert len(await seen(hub, "gb-owl")) == 4
