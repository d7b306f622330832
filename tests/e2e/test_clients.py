"""Real clients against a real hub: taxii2-client, and the stix2 library's collection source and sink."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stix2
import zstandard
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from tests.support.hubs import RunningHub
from tests.support.probe import indicator

TAXII = "application/taxii+json;version=2.1"


@pytest.fixture
def scratch(hub: RunningHub) -> Iterator[Collection]:
    user, password = hub.credentials("gb-heron")
    collection = Collection(hub.collection_by_id("sandbox", "scratch"), user=user, password=password)
    yield collection
    collection.close()


def test_discovery_leads_to_every_collection_of_a_member(hub: RunningHub) -> None:
    user, password = hub.credentials("gb-heron")
    with Server(f"{hub.url}/taxii2/", user=user, password=password) as server:
        paths = [root.url.rstrip("/").rsplit("/", 1)[-1] for root in server.api_roots]
        assert set(paths) == {"five-eyes", "g7", "interpol", "sandbox", "un-gcts"}, "not europol"
        assert server.default.url in {root.url for root in server.api_roots}
        for root in server.api_roots:
            assert root.title
            assert all(collection.title for collection in root.collections)


def test_the_demo_offers_the_sample_reports(hub: RunningHub) -> None:
    user, password = hub.credentials("fr-huppe")
    url = hub.collection_by_id("un-gcts", "designations")
    with Collection(url, user=user, password=password) as designations:
        pages = list(as_pages(designations.get_objects, per_request=20))
        ids = [item["id"] for page in pages for item in page["objects"]]
        manifest = [
            row["id"]
            for page in as_pages(designations.get_manifest, per_request=33)
            for row in page["objects"]
        ]
    assert len(pages) > 1
    assert len(ids) == len(set(ids)) > 20
    assert manifest == ids
    assert {i.split("--")[0] for i in ids} >= {"identity", "location", "relationship", "report"}


def test_add_wait_and_read_back(hub: RunningHub, scratch: Collection) -> None:
    thing = indicator(1)
    status = scratch.add_objects({"objects": [thing]}, wait_for_completion=True)
    assert (status.status, status.success_count, status.failure_count) == ("complete", 1, 0)
    assert scratch.get_object(thing["id"])["objects"] == [thing]
    assert scratch.object_versions(thing["id"])["versions"] == [thing["modified"]]
    user, password = hub.credentials("gb-heron")
    with ApiRoot(f"{hub.url}/sandbox/", user=user, password=password) as root:
        assert root.get_status(status.id).success_count == 1


def test_pages_of_filters_and_versions(scratch: Collection) -> None:
    thing = indicator(2)
    later = {**thing, "modified": "2031-01-01T00:00:00.000Z"}
    scratch.add_objects({"objects": [thing, later]})
    assert [o["modified"] for o in scratch.get_object(thing["id"])["objects"]] == [later["modified"]]
    both: list[dict[str, Any]] = []
    for page in as_pages(scratch.get_objects, per_request=1, id=thing["id"], version="all"):
        both += page["objects"]
    assert both == [thing, later]


def test_stix2_source_and_sink(scratch: Collection) -> None:
    """The sink posts bundles; the source turns a 404 into None."""
    made = stix2.Indicator(
        name="invented",
        pattern="[ipv4-addr:value = '192.0.2.7']",
        pattern_type="stix",
        valid_from="2026-01-01T00:00:00Z",
    )
    stix2.TAXIICollectionSink(scratch).add(made)
    source = stix2.TAXIICollectionSource(scratch)
    assert source.get(made.id) == made
    assert source.get(f"indicator--{uuid.uuid4()}") is None
    assert source.all_versions(made.id) == [made]
    assert source.query([stix2.Filter("id", "=", made.id)]) == [made]


@pytest.mark.parametrize("asked", ["gzip", "zstd"])
def test_a_coded_answer_is_one_member_and_the_same_page(hub: RunningHub, asked: str) -> None:
    """R-04, by httpx and by what decodes one member or frame and no more."""
    url = hub.collection("un-gcts", "designations") + "/objects/"
    with hub.client("fr-huppe", headers={"accept": TAXII, "accept-encoding": asked}) as client:
        plain = client.get(url, headers={"accept-encoding": "identity"})
        coded = client.get(url)
        headed = client.head(url)
        with client.stream("GET", url) as raw:
            sent = b"".join(raw.iter_raw())
    assert "content-encoding" not in plain.headers
    assert coded.headers["content-encoding"] == headed.headers["content-encoding"] == asked
    assert coded.headers["vary"] == "Accept-Encoding"
    assert len(sent) == int(coded.headers["content-length"]) == int(headed.headers["content-length"])
    assert len(sent) < len(plain.content) / 2
    once = zlib.decompress(sent, 31) if asked == "gzip" else zstandard.decompress(sent)
    assert once == coded.content == plain.content


def test_clients_that_ask_for_gzip_unasked_read_the_same_page(hub: RunningHub) -> None:
    """requests, and taxii2-client upon it, accept gzip on their own."""
    url = hub.collection_by_id("un-gcts", "designations")
    user, password = hub.credentials("fr-huppe")
    with hub.client(user, headers={"accept": TAXII, "accept-encoding": "identity"}) as client:
        plain = client.get(f"{url}objects/")
    got = requests.get(f"{url}objects/", headers={"accept": TAXII}, auth=(user, password), timeout=30)
    assert got.headers["content-encoding"] == "gzip"
    assert got.content == plain.content
    with Collection(url, user=user, password=password) as designations:
        assert designations.get_objects() == plain.json()
