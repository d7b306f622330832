"""``tlp1_twin``: what the hub makes of a report carries TLP 1 beside TLP 2.0; what clients publish does not."""

from __future__ import annotations

from dataclasses import replace

import orjson

from taxii_hub.catalog.documents import to_document
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.mapping.registry import load_registry
from taxii_hub.settings import shipped_dir
from taxii_hub.stix.markings import TLP_1_IDS, TLP_2_IDS
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

TEMPLATE = shipped_dir("mappings") / "hub_report_csv" / "samples" / "template.csv"


async def test_twins_are_stored(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened_hub(mongodb_uri, mongodb_database) as hub:
        (root,) = hub.catalog.api_roots
        twinned = tuple(
            replace(each, accepts=("hub_report_csv",), tlp1_twin=True) if each.alias == "strict" else each
            for each in root.collections
        )
        catalog = replace(hub.catalog, api_roots=(replace(root, collections=twinned),))
        await hub.catalogs.apply(to_document(catalog), by="test")
        registry = load_registry(shipped_dir("mappings"))
        receipt = await ingest(hub, registry, Ingest(TEMPLATE, "test/strict", "gb-owl"))
        assert receipt.status is not None
        assert all(outcome.ok for outcome in receipt.status.outcomes)
        theirs = {**indicator(0), "object_marking_refs": [TLP_2_IDS["green"]]}
        await publish(hub, place(hub, "us-elk", "strict"), orjson.dumps({"objects": [theirs]}), 1)
        answer = await poll(
            hub, place(hub, "gb-owl", "strict"), parse_query(b"limit=500", "objects"), "objects"
        )
        marks = {
            value["id"]: set(value.get("object_marking_refs", ()))
            for value in (orjson.loads(entry.data) for entry in answer.page.entries)
        }
        pairs = [{TLP_1_IDS[word], TLP_2_IDS[word]} for word in TLP_1_IDS]
        pairs.append({TLP_1_IDS["amber"], TLP_2_IDS["amber+strict"]})
        assert marks.pop(theirs["id"]) == {TLP_2_IDS["green"]}
        made = [refs for refs in marks.values() if refs]
        assert len(made) > 3
        assert [refs for refs in made if not any(pair <= refs for pair in pairs)] == []
        assert set(TLP_1_IDS.values()) & marks.keys()

        again = await ingest(hub, registry, Ingest(TEMPLATE, "test/strict", "gb-owl"))
        assert again.status is not None
        assert again.status.stored == 0
