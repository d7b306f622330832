"""What a library says outside of STIX's vocabulary, written so that every STIX 2.1 reader takes it: custom
properties become details of the source extension, custom objects become notes, TLP 1 becomes TLP 2.0."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from taxii_hub.mapping.constants import SOURCE
from taxii_hub.mapping.emit import Frame
from taxii_hub.stix import ids
from taxii_hub.stix.markings import TLP_2_IDS, TLP_WORDS, definition_of

_KEPT: Final = (
    "created_by_ref",
    "created",
    "modified",
    "labels",
    "external_references",
    "object_marking_refs",
)
_LADDER: Final = tuple(TLP_2_IDS)


def standard(objects: Iterable[Mapping[str, Any]], main: str | None) -> list[dict[str, Any]]:
    """The objects without custom types and properties, and without the markings that are known by their
    ids. ``main``: what notes are about."""
    taken = [dict(item) for item in objects if definition_of(str(item.get("id"))) is None]
    notes = {item["id"]: _note_id(item["id"]) for item in taken if _is_custom(item["type"])}
    named = [_renamed(item, notes) for item in taken]
    about = main or next((item["id"] for item in named if not item["type"].startswith("x-")), None)
    defined = frozenset(item["id"] for item in named if item["type"] == "extension-definition")
    return [_note(item, about) if _is_custom(item["type"]) else _detailed(item, defined) for item in named]


def own_markings(refs: Iterable[str], frame: Frame) -> list[str]:
    """An object's own markings beside the mapping's. Of TLP one word counts: the strictest of its own
    words and, where the record itself says one, the record's."""
    own = list(refs)
    words = [TLP_WORDS[ref] for ref in own if ref in TLP_WORDS]
    if frame.marked or not words:
        words += [TLP_WORDS[ref] for ref in frame.markings if ref in TLP_WORDS]
    tlp = [TLP_2_IDS[max(words, key=_LADDER.index)]] if words else []
    return [*dict.fromkeys([*tlp, *(ref for ref in (*own, *frame.markings) if ref not in TLP_WORDS)])]


def tlp_definitions(objects: Iterable[Mapping[str, Any]], frame: Frame) -> Iterator[dict[str, Any]]:
    """Those that the objects refer to and the conversion does not hold anyhow."""
    held = {TLP_2_IDS["clear"], *frame.markings}
    refs = dict.fromkeys(ref for item in objects for ref in item.get("object_marking_refs", ()))
    for ref in refs:
        if ref not in held and (made := definition_of(ref)) is not None:
            yield made


def _is_custom(object_type: str) -> bool:
    return object_type not in ids.TYPES


def _note_id(object_id: str) -> str:
    return f"note--{object_id.partition('--')[2]}"


def _renamed(tree: Any, names: Mapping[str, str]) -> Any:
    if isinstance(tree, dict):
        return {key: _renamed(value, names) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_renamed(value, names) for value in tree]
    return names.get(tree, tree) if isinstance(tree, str) else tree


def _detailed(item: dict[str, Any], defined: frozenset[str]) -> dict[str, Any]:
    """Custom properties, and what stands in extensions that nobody has defined here."""
    extensions = item.get("extensions", {}) if item["type"] != "marking-definition" else {}
    foreign = [key for key in extensions if key.startswith("extension-definition--") and key not in defined]
    custom = {key: value for key, value in item.items() if key.startswith("x_")}
    for key in foreign:
        custom.update({k: v for k, v in extensions[key].items() if k != "extension_type"})
    if not custom and not foreign:
        return item
    details = [{"name": _word(key), "value": text} for key, v in custom.items() for text in _texts(v)]
    made = {key: value for key, value in item.items() if not key.startswith("x_") and key != "extensions"}
    kept = {key: value for key, value in extensions.items() if key not in foreign}
    if details:
        kept[SOURCE] = {"extension_type": "property-extension", "details": details}
    return {**made, "extensions": kept} if kept else made


def _note(item: Mapping[str, Any], about: str | None) -> dict[str, Any]:
    own = {key: value for key, value in item.items() if key not in {"type", "spec_version", "id", *_KEPT}}
    lines = [f"{_word(key)}: {text}" for key, value in own.items() for text in _texts(value)]
    kind = item["type"].removeprefix("x-").replace("-", " ")
    name = next((str(value) for key, value in own.items() if key.endswith("name") and value), "")
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": item["id"],
        **{key: item[key] for key in _KEPT if key in item},
        "abstract": f"{kind}: {name}" if name else kind,
        "content": "\n".join(lines) or kind,
        "object_refs": [about] if about else [],
    }


def _word(key: str) -> str:
    return key.removeprefix("x_").replace("_", " ")


def _texts(value: Any) -> Iterator[str]:
    """One text for each thing that is said."""
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, dict):
        yield "; ".join(f"{key.replace('_', ' ')}: {text}" for key, v in value.items() for text in _texts(v))
    elif isinstance(value, str):
        if value.strip():
            yield value
    elif value is not None:
        yield json.dumps(value)
