"""``granular: tear-line``: who may not read the marked parts of an object gets a derived one without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from taxii_hub.exchange.access import Place
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import setting_of, stored_policies
from taxii_hub.model import Policy
from taxii_hub.policy.marking import Setting, marked
from taxii_hub.policy.reading import connected
from taxii_hub.policy.tearline import torn
from taxii_hub.stix import ids

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TearLine:
    """What is published beside an object, and the words about it. ``part`` is the object without what
    narrows its readers; ``link`` its ``derived-from``, which only readers of the original see. Both are
    None where there can be no part."""

    of: Value
    note: str
    part: dict[str, Any] | None = None
    link: dict[str, Any] | None = None


async def tear_lines(hub: Hub, place: Place, values: Sequence[Value]) -> list[TearLine]:
    """The tear lines of those objects that have granular markings, in a collection that wants them."""
    wanted = [value for value in values if "granular_markings" in value]
    if place.collection.granular != "tear-line" or not wanted:
        return []
    setting = await setting_of(hub, place, values)
    creators = {str(value["created_by_ref"]) for value in wanted if "created_by_ref" in value}
    policies = await stored_policies(hub, place, creators)
    policies |= {value["id"]: marked(value, setting).policy for value in values if value["id"] in creators}
    made = (_tear_line(hub, value, setting, policies) for value in wanted)
    return [each for each in made if each is not None]


def _tear_line(hub: Hub, value: Value, setting: Setting, creators: Mapping[str, Policy]) -> TearLine | None:
    part = torn(value, setting)
    if part is None:
        return None
    if not part:
        return TearLine(value, "no tear line: a marked part cannot be taken out of it; withheld whole")
    part["id"], link_id = tear_line_ids(hub.settings.id_namespace, setting.origin, value["id"])
    if _hides(creators.get(str(part.get("created_by_ref"))), marked(part, setting).policy):
        del part["created_by_ref"]
    for finding in hub.validator.findings(part, hub.now()):
        if finding.level == "must":
            where = f" ({finding.path})" if finding.path else ""
            return TearLine(
                value, f"no tear line: without its marked parts it is no STIX object{where}; withheld whole"
            )
    return TearLine(
        value, f"a tear line of it is published as {part['id']}", part, _derived(link_id, part, value)
    )


def _hides(creator: Policy | None, policy: Policy) -> bool:
    """Whether some reader of the part may not see who created it."""
    return creator is not None and connected(policy, creator) != policy


def _derived(link_id: str, part: Value, original: Value) -> dict[str, Any]:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": link_id,
        **{name: part[name] for name in ("created_by_ref",) if name in part},
        "created": original.get("created", original["modified"]),
        "modified": original["modified"],
        "relationship_type": "derived-from",
        "source_ref": part["id"],
        "target_ref": original["id"],
        **{name: original[name] for name in ("object_marking_refs",) if name in original},
    }


def bytes_of(value: Value) -> bytes:
    """What the hub itself made, as it is stored and served."""
    return orjson.dumps(value)


def tear_line_ids(namespace: UUID, agency: str, object_id: str) -> tuple[str, str]:
    """The ids of the part above the tear line and of its ``derived-from``, for an object as this agency
    publishes it: what another publishes under the same id never meets them."""
    part = ids.mint(namespace, object_id.split("--", 1)[0], "tear-line", object_id, agency)
    return part, ids.mint(namespace, "relationship", "tear-line", object_id, agency)
