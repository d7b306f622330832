"""Editions of a list on a real MongoDB: what changed is published, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from taxii_hub.errors import ReportError
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.exchange.poll import poll
from taxii_hub.mapping.registry import Registry, load_registry
from taxii_hub.model import EditionChanges, Receipt
from taxii_hub.settings import Settings
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place

Person = tuple[str, str, str]
"""Reference, name, and what else the record holds (XML)."""

ADDRESS = "<INDIVIDUAL_ADDRESS><CITY>{}</CITY><COUNTRY>Jordan</COUNTRY></INDIVIDUAL_ADDRESS>"
ANNA: Person = ("QDi.801", "ANNA INVENTED", ADDRESS.format("Zarqa"))
BORIS: Person = ("QDi.802", "BORIS INVENTED", "<COMMENTS1>Works for QDi.801.</COMMENTS1>")
CLARA: Person = ("QDi.803", "CLARA INVENTED", "")
DAVID: Person = ("QDi.804", "DAVID INVENTED", "")


def listed(folder: Path, day: str, *people: Person) -> Path:
    """A list of invented persons, of the edition of that day."""
    records = "".join(
        f"<INDIVIDUAL><DATAID>{ref[-3:]}</DATAID><FIRST_NAME>{name}</FIRST_NAME><UN_LIST_TYPE>Al-Qaida</UN_LIST_TYPE>"
        f"<REFERENCE_NUMBER>{ref}</REFERENCE_NUMBER>{more}</INDIVIDUAL>"
        for ref, name, more in people
    )
    path = folder / f"{day}.xml"
    path.write_text(
        f'<CONSOLIDATED_LIST dateGenerated="{day}T00:00:00Z"><INDIVIDUALS>{records}</INDIVIDUALS></CONSOLIDATED_LIST>'
    )
    return path


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Settings().mappings_dir)


async def take(hub: Hub, registry: Registry, path: Path, **options: Any) -> Receipt:
    receipt = await ingest(hub, registry, Ingest(path, "test/strict", agency="gb-owl", **options))
    assert receipt.status is not None
    assert [o for o in receipt.status.outcomes if not o.ok] == []
    return receipt


def changes(receipt: Receipt) -> EditionChanges:
    assert receipt.changes is not None
    return receipt.changes


class Reader:
    """A polling client: goes on from where it was, page by page."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._after = b""

    async def news(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following: str | None = None
        where = place(self._hub, "us-elk", "strict")
        while True:
            query = b"limit=7" + self._after + (b"" if following is None else b"&next=" + following.encode())
            answer = await poll(self._hub, where, parse_query(query, "objects"), "objects")
            found += [orjson.loads(entry.data) for entry in answer.page.entries]
            last = answer.page.entries[-1].stamp if answer.page.entries else None
            following = answer.next
            if following is None:
                break
        if last is not None:
            from taxii_hub.stix import timestamps

            self._after = b"&added_after=" + timestamps.format(last).encode()
        return found


def references(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Of the identities that stand for records: reference → id."""
    return {
        o["external_references"][0]["external_id"]: o["id"]
        for o in objects
        if o["type"] == "identity" and "external_references" in o
    }


async def test_the_next_edition_gives_exactly_what_changed(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path, registry: Registry
) -> None:
    anna = (ANNA[0], "ANNA RENAMED", ANNA[2])
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        reader = Reader(hub)
        first = await take(hub, registry, listed(tmp_path, "2026-01-01", ANNA, BORIS, CLARA))
        before = {o["id"]: o for o in await reader.news()}
        assert changes(first).added == ("QDi.801", "QDi.802", "QDi.803")
        second = await take(hub, registry, listed(tmp_path, "2026-02-01", anna, BORIS, DAVID), details=True)
        told = changes(second)
        assert (told.added, told.vanished, told.previous) == (("QDi.804",), ("QDi.803",), "2026-01-01T00:00:00.000Z")
        assert [c.record for c in told.changed] == ["QDi.801"]
        assert "identity.name" in told.changed[0].fields
        news = await reader.news()
        assert len(news) == told.new + told.versions + told.revoked == second.status.stored
        versions = [o for o in news if o["id"] in before and not o.get("revoked")]
        assert {o["type"] for o in versions} == {"identity", "threat-actor"}
        assert {(o["created"], o["modified"]) for o in versions} == {
            ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
        }
        revoked = [o for o in news if o.get("revoked")]
        assert sorted(o["type"] for o in revoked) == ["identity", "relationship", "threat-actor"]
        for each in revoked:
            same = {k: v for k, v in each.items() if k not in {"modified", "revoked"}}
            assert same == {k: v for k, v in before[each["id"]].items() if k != "modified"}
            assert each["modified"] == "2026-02-01T00:00:00.000Z"
        again = await take(hub, registry, tmp_path / "2026-02-01.xml")
        assert await reader.news() == []
        assert (changes(again).added, changes(again).changed, changes(again).vanished) == ((), (), ())
        assert again.status is not None
        assert again.status.stored == 0
