"""The objects that are the same in every deployment: who we are, and our extension definitions.

Their ids and versions are constants; a changed schema needs a new ``version`` and a new ``modified``.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from taxii_hub.stix.markings import TLP_2_IDS, definition_of

CONVERTER: Final = "identity--55fb2dec-2c2c-4954-a065-1500c6dcd15c"
DESIGNATION: Final = "extension-definition--5b88da97-f551-4709-950a-89cb44e6a69f"
SOURCE: Final = "extension-definition--d93c8e5c-3c1e-4f9e-8a55-0f6b1c6f2a11"
EDITION: Final = "extension-definition--f2385ba0-190d-464b-aedb-7d4d2ad07b8e"
_CREATED: Final = "2026-11-01T00:00:00.000Z"
_EDITIONS: Final = {
    "designation": ("1.1.0", "2026-11-23T00:00:00.000Z"),
    "edition": ("1.0.0", _CREATED),
    "source": ("1.0.0", _CREATED),
}
"""Version and ``modified`` of each schema."""


@cache
def schema_text(name: str) -> str:
    """The JSON Schema ``designation``, ``edition`` or ``source``, as it stands in its file."""
    return files("taxii_hub.mapping").joinpath("schemas", f"{name}.schema.json").read_text(encoding="utf-8")


def furniture() -> list[dict[str, Any]]:
    """TLP:CLEAR, the converter's identity and our extension definitions: what every bundle holds."""
    clear = definition_of(TLP_2_IDS["clear"])
    if clear is None:
        raise AssertionError("TLP:CLEAR is a marking")
    return [
        clear,
        _converter(),
        _extension(DESIGNATION, "designation"),
        _extension(EDITION, "edition"),
        _extension(SOURCE, "source"),
    ]


def _converter() -> dict[str, Any]:
    return _public(
        "identity",
        CONVERTER,
        {
            "name": "TAXII Hub",
            "description": "Converter of report formats to STIX.",
            "identity_class": "system",
        },
    )


def _extension(object_id: str, name: str) -> dict[str, Any]:
    description, schema = _schema(name)
    version, modified = _EDITIONS[name]
    properties = {
        "name": f"TAXII Hub {name}",
        "description": description,
        "schema": schema,
        "version": version,
        "extension_types": ["property-extension"],
    }
    head = {"modified": modified, "created_by_ref": CONVERTER}
    return _public("extension-definition", object_id, {**head, **properties})


@cache
def _schema(name: str) -> tuple[str, str]:
    """What it is about, and the whole of it without blanks."""
    schema = json.loads(schema_text(name))
    return schema["description"], json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def _public(object_type: str, object_id: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": object_type,
        "spec_version": "2.1",
        "id": object_id,
        "created": _CREATED,
        "modified": _CREATED,
        **properties,
        "object_marking_refs": [TLP_2_IDS["clear"]],
    }
