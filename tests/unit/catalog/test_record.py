"""The record of processing says what the catalogue says."""

from __future__ import annotations

from dataclasses import replace

from taxii_hub.catalog.record import markdown, record_of
from taxii_hub.model import Agency, Agreement, ApiRoot, Catalog, Collection, Membership

OWL = Agency("gb-owl", "Owl | Office", "GB", "dpo@owl.example")
ELK = Agency("us-elk", "Elk", "US")
REPORTS = Collection(
    "id", "reports", "Reports", "five", None, frozenset({"gb-owl", "us-elk"}), frozenset({"gb-owl"}), (),
    "strict", "green", ("un_sc_consolidated_xml",), retention_days=30, review_days=10, hold="always",
    minimise="coarse",
)  # fmt: skip
MINE = Agreement("Accession", "A/1", "2026-01-01", None, frozenset({"crime"}), "2027-01-01")
ROOT = ApiRoot(
    "five", "Five", "Shares.", None, frozenset({"gb-owl", "us-elk"}), 1, (REPORTS,),
    memberships=(Membership("gb-owl", purposes=frozenset({"ct"}), agreement=MINE),),
)  # fmt: skip
CATALOG = Catalog((ROOT,), (OWL, ELK), 7, "d" * 8)


def test_it_names_what_the_law_asks_for() -> None:
    (each,) = record_of(CATALOG, OWL).activities
    assert each.purposes == ("crime", "ct")
    assert each.recipients == (("us-elk", "Elk", "US"),)
    assert each.abroad == ("US",)
    assert (each.retention_days, each.review_days) == (30, 10)
    assert each.agreements == ("Accession (A/1) from 2026-01-01, to be looked at by 2027-01-01",)
    text = markdown(record_of(CATALOG, OWL))
    for words in (
        "dpo@owl.example",
        "version 7",
        "30 days after publication",
        "every 10 days",
        "coarse",
        "always held",
        "`person_categories`",
    ):
        assert words in text, words


def test_who_publishes_nothing_has_an_empty_one() -> None:
    assert "publishes into no collection" in markdown(record_of(CATALOG, ELK))
    view = replace(REPORTS, view_of="x")
    assert not record_of(replace(CATALOG, api_roots=(replace(ROOT, collections=(view,)),)), OWL).activities
