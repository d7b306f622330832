"""The purpose of a request, and what whoami tells of how an account stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taxii_hub.model import Agreement, Membership
from tests.unit.web.conftest import CATALOG

AGREED = Agreement("Sandbox memorandum", "S/1", purposes=frozenset({"ct", "crime"}))
NORTH = Membership("north", 1, frozenset({"SI"}), frozenset({"ct", "crime"}))
OBJECTS = "/sandbox/collections/both/objects/"


@pytest.fixture
def agreed(world):
    root = replace(CATALOG.api_roots[0], agreement=AGREED, memberships=(NORTH,))
    world.hub.catalogs.catalog = replace(CATALOG, api_roots=(root, CATALOG.api_roots[1]))
    return world


@pytest.mark.parametrize(
    ("user", "named", "status"),
    [
        ("north-siem", None, 200),
        ("north-siem", "ct", 200),
        ("north-siem", "border", 403),
        ("north-siem", "", 403),
        ("north-siem", "ct, crime", 403),
        ("south-tip", "ct", 403),
        ("south-tip", None, 200),
        ("west", "ct", 404),
    ],
)
@pytest.mark.parametrize("path", [OBJECTS, "/sandbox/", "/sandbox/collections/"])
def test_a_purpose_must_be_held_in_the_framework(agreed, user, named, status, path):
    headers = {} if named is None else {"TAXII-Hub-Purpose": named}
    response = agreed.ask("GET", path, user, headers=headers)
    assert response.status_code == status
    if status == 403:
        held = "crime, ct" if user == "north-siem" else "none"
        assert response.json()["description"].endswith(f"they hold: {held}")
        assert response.headers["content-type"] == "application/taxii+json;version=2.1"


def test_whoami_tells_how_the_account_stands(agreed):
    body = agreed.ask("GET", "/api/v1/whoami", headers={"TAXII-Hub-Purpose": "ct"}).json()
    (root,) = body["api_roots"]
    assert (root["level"], root["clearances"], root["purposes"], root["purpose"]) == (
        "restricted",
        ["SI"],
        ["crime", "ct"],
        "ct",
    )
    assert root["agreement"] == "S/1"
    read = root["markings"]
    assert read["tlp2"] == ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT"]
    assert "OFFICIAL-SENSITIVE" in read["uk"]
    assert "UK SECRET" not in read["uk"]
    assert {"SI", "CUI"} <= set(read["us-ic"])
    assert not {"NOFORN", "SECRET", "TK"} & set(read["us-ic"])
    assert "H0" not in read["europol"]
    assert {"tlp1", "tlp2", "acs", "iep", "releasability"} <= set(body["vocabularies"])


def test_whoami_of_who_holds_nothing(agreed):
    body = agreed.ask("GET", "/api/v1/whoami", "south-tip").json()
    root = next(each for each in body["api_roots"] if each["path"] == "/sandbox/")
    assert (root["level"], root["clearances"], root["purposes"]) == ("unclassified", [], [])
    assert "purpose" not in root
    assert "CUI" not in root["markings"]["us-ic"]
