"""docs/catalogue.md and the loader know the same keys, and its example is right."""

from __future__ import annotations

import re
from pathlib import Path

from taxii_hub.catalog import forms
from taxii_hub.catalog.changes import diff
from taxii_hub.catalog.loader import read_texts

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "catalogue.md").read_text()


def headings(part: str) -> list[str]:
    body = TEXT.split(f"\n## {part}\n")[1].split("\n## ")[0]
    return re.findall(r"^### (.+)$", body, re.MULTILINE)


def test_every_key_has_its_heading():
    assert headings("One API root") == list(forms.ROOT_KEYS)
    assert headings("One collection") == list(forms.COLLECTION_KEYS)
    assert headings("agencies.yaml") == ["agencies", *(f"agencies.{key}" for key in forms.AGENCY_KEYS)]
    assert headings("groups.yaml") == ["groups", *(f"groups.{key}" for key in forms.GROUP_KEYS)]
    for key in (*forms.MEMBER_KEYS, *forms.AGREEMENT_KEYS):
        assert f"`{key}`" in TEXT
    for path in forms.RESERVED_PATHS:
        assert f"`{path}`" in TEXT


def test_the_example():
    agencies, root = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    catalog, problems = read_texts({"agencies.yaml": agencies.encode(), "pacific.yaml": root.encode()})
    assert problems == ()
    assert catalog is not None
    words = "\n".join(change.words for change in diff(None, catalog))
    assert f"--dry-run\n{words}\nDry run" in TEXT
