"""The tables of a mapping applied to one record: objects, relationships, and what is left over."""

from __future__ import annotations

from typing import Any

from taxii_hub.errors import RecordError
from taxii_hub.mapping.accounting import Bucket, Fate, Use
from taxii_hub.mapping.constants import DESIGNATION, SOURCE
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.spec import ObjectSpec, RelationshipSpec, Spec
from taxii_hub.mapping.view import Fault, Reading, View

Made = dict[str, list[tuple[str, View]]]
"""Object name → (id, the record or the group that it was made from)."""


def build(spec: Spec, reading: Reading, emitter: Emitter) -> str:
    """Make everything that the record gives; the id of its main object. Raises RecordError."""
    view = View(reading)
    made: Made = {item.name: _objects(item, view, emitter) for item in spec.objects}
    for item in spec.relationships:
        _relationships(item, view, made, emitter)
    mains = [object_id for name in spec.main for object_id, _ in made[name]]
    if not mains:
        raise RecordError("gives no object", "check what the mapping's main objects want (when)")
    emitter.main = mains[0]
    for function in spec.build:
        function(view, emitter)
    return emitter.main


def settle(spec: Spec, reading: Reading, emitter: Emitter, main: str) -> list[Fate]:
    """The fate of every leaf. What no rule read is kept, verbatim, in the main object's ``residual``."""
    residual = []
    made = emitter.objects[main]
    place = DESIGNATION if DESIGNATION in made.get("extensions", {}) else SOURCE
    target = f"{made['type']}.{'designation' if place == DESIGNATION else 'source'}.residual"
    fates = emitter.fates.all(len(reading.record.leaves))
    special = {*reading.cut, *reading.changes, *reading.nothing}
    for position, fate in enumerate(fates):
        if fate.bucket is None or position in special:
            use = _unread_use(spec, reading, position, fate)
            if use is None and (fate.bucket is None or position in reading.cut):
                leaf = reading.record.leaves[position]
                use = (_left_over(spec, reading, position, fate), target)
                residual.append({"path": leaf.path, "value": leaf.value.strip()})
            fates[position] = fate if use is None else fate.after(use)
            if position in reading.changes and position not in reading.hidden:
                fates[position] = fates[position].settled(("minimised", reading.told(position)))
    if residual:
        home = made.setdefault("extensions", {}).setdefault(place, {"extension_type": "property-extension"})
        home["residual"] = residual
    return fates


def _unread_use(spec: Spec, reading: Reading, position: int, fate: Fate) -> Use | None:
    """What becomes of a leaf by a rule: a profile, a text that says nothing, an ignored path, the edition."""
    if position in reading.hidden:
        return "minimised", reading.told(position)
    if position in reading.nothing:
        return "ignored", reading.nothing[position]
    if fate.bucket is not None:
        return None
    if (reason := spec.ignore.get(reading.record.leaves[position].pattern)) is not None:
        return "ignored", reason
    return ("mapped", "report.published") if _says_edition(spec, reading, position) else None


def _says_edition(spec: Spec, reading: Reading, position: int) -> bool:
    """Whether the leaf is one of those of which the latest is the edition, and can be read."""
    told = reading.record.leaves[position].pattern in spec.editions_told
    return told and reading.cleaned(position) is not None


def _left_over(spec: Spec, reading: Reading, position: int, fate: Fate) -> Bucket:
    pattern = reading.record.leaves[position].pattern
    if not spec.lists(pattern):
        reading.fault(unlisted(position))
        return "unlisted"
    # A library takes what it takes, and below a path/** anything may stand: what is left is carried, and no news.
    told = pattern in spec.fields and reading.record.made is None
    if fate.bucket is None and told and not reading.has_fault(position):
        reading.fault(_unread(position))
    return "carried"


def unlisted(position: int) -> Fault:
    """A path that the mapping does not know."""
    return Fault(
        "unlisted-field",
        "is a field that the mapping does not know; its value is kept in residual",
        "list it in fields, or in ignore with a reason",
        position,
    )


def _unread(position: int) -> Fault:
    return Fault(
        "unread-field",
        "has no place beside the other values of this record; it is kept in residual",
        "check the record at its source",
        position,
    )


def _objects(item: ObjectSpec, view: View, emitter: Emitter) -> list[tuple[str, View]]:
    groups = view.groups(*item.each) if item.each else [view]
    return [(_object(item, group, emitter), group) for group in groups if item.holds(group)]


def _object(item: ObjectSpec, view: View, emitter: Emitter) -> str:
    properties: dict[str, Tree] = dict(item.properties(view))
    ours = {DESIGNATION: item.designation, SOURCE: item.source}
    properties["extensions"] = {
        **(properties.get("extensions") or {}),
        **{
            key: {"extension_type": "property-extension", **node(view)}
            for key, node in ours.items()
            if node is not None
        },
    }
    if item.seed == "content":
        return emitter.add_shared(item.type, properties)
    return emitter.add(item.type, item.name, properties, [str(plain(part(view))) for part in item.parts])


def _relationships(item: RelationshipSpec, view: View, made: Made, emitter: Emitter) -> None:
    for source, _ in made[item.source]:
        if item.keys is None:
            for target, group in made[item.target]:
                emitter.relate(source, item.type, target, item.properties(group))
        else:
            for key in _values(item.keys(view)):
                if item.other is None:
                    emitter.mention(source, item.type, key, item.properties(view))
                else:
                    emitter.mention_elsewhere(item.other, (source, item.type), key, item.properties(view))


def _values(tree: Any) -> list[Value]:
    return tree if isinstance(tree, list) else [tree] if isinstance(tree, Value) else []
