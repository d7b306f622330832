"""Catalogues to documents and back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.catalog.documents import digest, from_document, to_document, with_digest
from taxii_hub.catalog.loader import read_texts
from taxii_hub.errors import CatalogError
from taxii_hub.model import Agency, Agreement, ApiRoot, Catalog, Collection, Group, Membership

names = st.text("abc-", min_size=1, max_size=5)
texts = st.text(max_size=8)
groups = st.frozensets(names, max_size=4)
collections = st.builds(
    Collection, id=names, alias=names, title=texts, api_root=names, description=st.none() | texts, read=groups,
    write=groups, media_types=st.tuples(texts), validation=st.sampled_from(["strict", "report", "off"]),
    default_marking=texts, accepts=st.tuples(names), retired=st.booleans(), number=st.just(0),
    minimise=st.none() | names,
    audit=st.sampled_from(["queued", "before-answer"]), unmarked=st.sampled_from(["accept", "refuse"]),
    hold=st.sampled_from(["never", "always", "above-restricted"]), signatures=st.integers(0, 2),
    release_within_hours=st.integers(1, 99), granular=st.sampled_from(["withhold", "tear-line"]),
    tlp1_twin=st.booleans(), retention_days=st.none() | st.integers(1, 99), review_days=st.none() | st.integers(1, 99),
)  # fmt: skip
days = st.sampled_from([None, "2026-01-01", "2031-12-31"])
agreements = st.none() | st.builds(
    Agreement, title=texts, reference=texts, since=days, until=days, purposes=groups, review=days
)
memberships = st.builds(
    Membership, agency=names, level=st.integers(0, 4), clearances=groups, purposes=groups, agreement=agreements,
    joining=st.sampled_from(["from-now", "history"]),
)  # fmt: skip
country_groups = st.builds(
    Group, name=names, title=texts, members=st.lists(st.tuples(names, days, days), max_size=2).map(tuple)
)
api_roots = st.builds(
    ApiRoot, path=names, title=texts, description=st.none() | texts, contact=st.none() | texts, members=groups,
    max_content_length=st.integers(1, 2**40), collections=st.lists(collections, max_size=3).map(tuple),
    was=st.none() | names, agreement=agreements, memberships=st.lists(memberships, max_size=2).map(tuple),
)  # fmt: skip
agencies = st.builds(Agency, name=names, title=texts, country=texts, contact=st.none() | texts)
catalogs = st.builds(
    Catalog,
    api_roots=st.lists(api_roots, max_size=3).map(tuple),
    agencies=st.lists(agencies).map(tuple),
    groups=st.lists(country_groups, max_size=2).map(tuple),
)


@given(catalogs)
def test_round_trip_through_json(catalog):
    document = json.loads(json.dumps(to_document(catalog)))
    back = from_document(document)
    assert back == with_digest(catalog)
    assert back.digest == digest(document)


@given(catalogs, catalogs)
def test_equal_digests_mean_equal_catalogues(one, other):
    assert (with_digest(one).digest == with_digest(other).digest) == (one == other)


def test_the_digest_knows_no_version_and_no_order_of_words(files):
    catalog, _ = read_texts(files)
    assert catalog is not None
    assert digest(to_document(replace(catalog, version=7))) == catalog.digest
    files["alpha.yaml"] = files["alpha.yaml"].replace(
        b"  - us-kite\n  - gb-heron\n", b"  - gb-heron\n  - us-kite\n"
    )
    again, _ = read_texts(files)
    assert again == catalog


@pytest.mark.parametrize(
    "document",
    [
        {"format": 2},
        {},
        {"format": 1},
        {"format": 1, "agencies": [{"colour": "red"}], "api_roots": []},
        {"format": 1, "agencies": [], "api_roots": [{"path": "x"}]},
        {
            "format": 1,
            "agencies": [],
            "api_roots": [],
            "groups": [{"name": "A", "title": "A", "members": ["x"]}],
        },
    ],
)
def test_documents_of_another_hub_are_refused(document):
    with pytest.raises(CatalogError, match="the stored catalogue"):
        from_document(document)
