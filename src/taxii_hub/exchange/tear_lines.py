"""``granular: tear-line``: who may not read the marked parts of an object gets a derived one without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from taxii_hub.exchange.access import Place
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import setting_of
from taxii_hub.model import Outcome
from taxii_hub.policy.tearline import torn
from taxii_hub.stix import ids
from taxii_hub.stix.validation import version_of
from taxii_hub.taxii.envelope import Member

Value = Mapping[str, Any]


async def tear_lines(
    hub: Hub, place: Place, values: Sequence[Value], outcomes: Sequence[Outcome]
) -> list[Member]:
    """What is to be published beside these objects: of each that is stored and has narrower parts, the object
    without them, under its own id, and its ``derived-from``, which only readers of the original see.

    What waits for a liaison officer, was refused, or would be no STIX object without the parts, has none.
    """
    if place.collection.granular != "tear-line":
        return []
    stored = {(each.id, each.version) for each in outcomes if each.ok and each.pending is None}
    wanted = [
        value
        for value in values
        if "granular_markings" in value and (value["id"], version_of(value)[1]) in stored
    ]
    if not wanted:
        return []
    setting = await setting_of(hub, place, values)
    made: list[Member] = []
    for value in wanted:
        part = torn(value, setting)
        if part is None:
            continue
        part["id"] = ids.mint(hub.settings.id_namespace, part["type"], "tear-line", value["id"])
        if any(finding.level == "must" for finding in hub.validator.findings(part, hub.now())):
            continue
        made += (_member(each) for each in (part, *_derived(hub.settings.id_namespace, part, value)))
    return made


def _derived(namespace: UUID, part: Value, original: Value) -> Iterator[dict[str, Any]]:
    inherited = ("created_by_ref", "object_marking_refs")
    yield {
        "type": "relationship",
        "spec_version": "2.1",
        "id": ids.mint(namespace, "relationship", "tear-line", original["id"]),
        "created": original["modified"],
        "modified": original["modified"],
        "relationship_type": "derived-from",
        "source_ref": part["id"],
        "target_ref": original["id"],
        **{name: original[name] for name in inherited if name in original},
    }


def _member(value: dict[str, Any]) -> Member:
    return Member(value, orjson.dumps(value))


def tear_line_ids(hub: Hub, object_id: str) -> tuple[str, str]:
    """The ids of an object's part above the tear line, and of its ``derived-from``, if it has them."""
    namespace = hub.settings.id_namespace
    part = ids.mint(namespace, object_id.split("--", 1)[0], "tear-line", object_id)
    return part, ids.mint(namespace, "relationship", "tear-line", object_id)
