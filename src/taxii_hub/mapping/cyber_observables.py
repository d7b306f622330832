"""Cyber-observables of a record, for functions of hooks.py."""

from __future__ import annotations

from typing import Any

from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain, walk
from taxii_hub.stix import canonical_json


def observe(emitter: Emitter, object_type: str, properties: Tree) -> str:
    """The cyber-observable with these properties; its id. Equal ones are one, in every record and edition.

    The id follows from everything that it says and from its markings, not from the ID-contributing properties
    alone: it has no version, so the same address under two caveats, or once with and once without its network,
    has to be two objects (STIX 2.1, 2.9: then not in the namespace of the standard).
    """
    body: dict[str, Any] = plain(properties)
    markings = list(emitter.frame.markings)
    object_id = emitter.frame.mint(object_type, "", canonical_json.dumps(body), *markings)
    emitter.objects[object_id] = {
        "type": object_type,
        "spec_version": "2.1",
        "id": object_id,
        **body,
        "object_marking_refs": markings,
    }
    for path, value in walk(properties):
        emitter.trace(f"{object_type}.{path}", value)
    return object_id
