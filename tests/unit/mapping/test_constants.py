"""Our extension definitions are versions of STIX objects: what is published never changes silently."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import orjson
import pytest

from taxii_hub.mapping.constants import furniture, schema_text

DOCS = Path(__file__).parents[3] / "docs" / "schemas"

PINNED = {
    "TAXII Hub designation": "5ad2cb6fb7dd4aac72b9cf877ab5b38f2be488183eb832a8b67151f88bf591e1",
    "TAXII Hub edition": "98b8385d02a37b91c9fb0bf7372103bcdfb2a153fe3580b0c1a03c149e44c148",
}


@pytest.mark.parametrize("name", PINNED)
def test_a_published_definition_is_not_changed(name: str) -> None:
    """Where this fails on purpose, raise the version and set a new `modified` in constants.py first."""
    (definition,) = [made for made in furniture() if made.get("name") == name]
    assert hashlib.sha256(orjson.dumps(definition)).hexdigest() == PINNED[name]


@pytest.mark.parametrize("name", ["designation", "edition", "source"])
def test_the_documented_schema_is_the_one_in_force(name: str) -> None:
    text = (DOCS / f"{name}.schema.json").read_text(encoding="utf-8")
    assert text == schema_text(name)
    (definition,) = [made for made in furniture() if made.get("name") == f"TAXII Hub {name}"]
    assert json.loads(definition["schema"]) == json.loads(text)
