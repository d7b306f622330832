"""What the catalogue says of a collection's profile holds for whatever is ingested into it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from taxii_hub.catalog.documents import to_document
from taxii_hub.cli.ingest_views import words
from taxii_hub.errors import BadRequestError
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.exchange.poll import poll
from taxii_hub.mapping.minimise import pseudonym
from taxii_hub.mapping.registry import load_registry
from taxii_hub.model import Collection
from taxii_hub.settings import shipped_dir
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place

REGISTRY = load_registry(shipped_dir("mappings"))
TEMPLATE = shipped_dir("mappings") / "hub_report_csv" / "samples" / "template.csv"
ASKED = Ingest(TEMPLATE, "test/strict", "gb-owl")


async def in_force(hub: Hub, profile: str | None) -> None:
    """The test catalogue, its first collection taking the hub's template with that profile."""

    def changed(collection: Collection) -> Collection:
        if collection.alias != "strict":
            return collection
        return replace(collection, accepts=("hub_report_csv", "gb_sanctions_list_csv"), minimise=profile)

    (root,) = hub.catalog.api_roots
    new = replace(root, collections=tuple(map(changed, root.collections)))
    await hub.catalogs.apply(to_document(replace(hub.catalog, api_roots=(new,))), by="test")


def test_a_collection_minimises_whatever_is_ingested(mongodb_uri: str, mongodb_database: str) -> None:
    async def scenario() -> None:
        async with opened_hub(mongodb_uri, mongodb_database) as hub:
            await in_force(hub, "coarse")
            receipt = await ingest(hub, REGISTRY, ASKED)
            assert dict(receipt.buckets)["minimised"] == sum(count for *_, count in receipt.minimised) > 5
            assert ("Name", "pseudonymised as name", 2) in receipt.minimised
            assert "  minimised Date of birth: coarsened to year (1)" in words(receipt)
            again = await ingest(hub, REGISTRY, replace(ASKED, profile="coarse"))
            assert again.status is not None
            assert again.status.stored == 0
            stored = await everything(hub)
            assert b"Quillfeather" not in stored
            assert (
                pseudonym("name", "Quillfeather, Tamsin", hub.keyring.newest("pseudonym")).encode() in stored
            )

    asyncio.run(scenario())


def test_another_profile_and_a_missing_one_are_refused(mongodb_uri: str, mongodb_database: str) -> None:
    listed = shipped_dir("mappings") / "gb_sanctions_list_csv" / "samples"
    other = next(path for path in sorted(listed.glob("*.csv")) if not path.name.startswith("odd_"))

    async def scenario() -> None:
        async with opened_hub(mongodb_uri, mongodb_database) as hub:
            await in_force(hub, "coarse")
            with pytest.raises(BadRequestError, match="minimises with 'coarse'; leave --minimise out"):
                await ingest(hub, REGISTRY, replace(ASKED, profile="none"))
            with pytest.raises(BadRequestError, match="gb_sanctions_list_csv has no profile of that name"):
                await ingest(hub, REGISTRY, replace(ASKED, path=other))
            await in_force(hub, None)
            receipt = await ingest(hub, REGISTRY, replace(ASKED, dry_run=True))
            assert receipt.minimised == ()

    asyncio.run(scenario())


async def everything(hub: Hub) -> bytes:
    """Every object of the first collection that its writer sees."""

    found = await poll(hub, place(hub, "gb-owl", "strict"), parse_query(b"", "objects"), "objects")
    return b"\n".join(entry.data for entry in found.page.entries)
