"""Objects that a library made (see readers/library.py) become the hub's: the same result in every run,
valid, closed, marked, and every leaf of the source accounted for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from taxii_hub.errors import RecordError
from taxii_hub.mapping.accounting import BUCKETS
from taxii_hub.mapping.custom import own_markings, standard, tlp_definitions
from taxii_hub.mapping.emit import Emitter, Frame
from taxii_hub.mapping.readers.options import LibraryReader
from taxii_hub.mapping.record import Made
from taxii_hub.mapping.view import Fault, Reading
from taxii_hub.stix import canonical_json, ids, timestamps
from taxii_hub.stix.markings import definition_of
from taxii_hub.stix.splitter import split
from taxii_hub.stix.validation import Validator

VERBATIM: Final = 4
"""A shorter text is no proof that it came from that leaf: the reader must trace it, or it is carried."""
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_ID: Final = re.compile(rf"[a-z][a-z0-9-]*--{_UUID.pattern}")
_STAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")
_RANDOM: Final = "4"
_HEADED: Final = ("sdo", "sro")


def adopt(reading: Reading, emitter: Emitter, made: Made) -> str:
    """Give the emitter the library's objects; the id of the one that stands for the record. Raises
    RecordError where nothing is left."""
    source = "\n".join(leaf.value for leaf in reading.record.leaves)
    given = standard(made.objects, made.main)
    objects = _renamed([_steady(item, emitter.frame) for item in given], source, emitter.frame)
    names = {old["id"]: new["id"] for old, new in zip(given, objects, strict=True)}
    main = names.get(made.main or "", "")
    single = replace(emitter.frame, marked=False) if made.own_markings else emitter.frame
    headed = {item["id"]: _headed(item, emitter.frame if item["id"] == main else single) for item in objects}
    # A library leaves the source's own names in references: they lead nowhere, and cost nothing but themselves.
    closed = dict(_closed(headed, emitter.frame, reading))
    kept = dict(_closed(dict(_valid(closed, reading)), emitter.frame, reading))
    if not kept:
        raise RecordError("gives no valid object", "look at the problems of the report")
    if isinstance(reading.spec.reader, LibraryReader) and reading.spec.reader.split:
        parts = [part for item in kept.values() if item["type"] == "indicator" for part in split(item)]
        kept.update({part["id"]: part for part in parts})
    emitter.objects.update({item["id"]: item for item in tlp_definitions(kept.values(), emitter.frame)})
    emitter.objects.update(kept)
    for leaf, bucket, target in made.trace:
        if bucket in BUCKETS and 0 <= leaf < len(reading.record.leaves):
            emitter.fates.use(leaf, bucket, target)
    for code, message, remedy, where in made.faults:
        reading.fault(Fault(code, message, remedy, where))
    _find(reading, emitter)
    return main if main in kept else _main(kept)


def _main(kept: Mapping[str, Mapping[str, Any]]) -> str:
    for wanted in ("report", "grouping", "incident"):
        for object_id, item in kept.items():
            if item["type"] == wanted:
                return object_id
    return next(iter(kept))


# --- the same in every run -----------------------------------------------------------------------


def _steady(item: Any, frame: Frame) -> Any:
    """Moments of the conversion itself (libraries stamp what has no date) become the edition's."""
    if isinstance(item, dict):
        return {key: _steady(value, frame) for key, value in item.items()}
    if isinstance(item, list):
        return [_steady(value, frame) for value in item]
    if isinstance(item, str) and _STAMP.fullmatch(item):
        now = datetime.now(UTC)
        then = datetime.fromisoformat(item)
        return frame.edition if now - timedelta(minutes=15) < then <= now + timedelta(seconds=5) else item
    return item


def _renamed(objects: list[dict[str, Any]], source: str, frame: Frame) -> list[dict[str, Any]]:
    """Random ids that the source does not spell become ids of what the objects say."""
    by_id = {item["id"]: item for item in objects}
    named: dict[str, str] = {}
    taken: dict[str, int] = {}

    def rename(object_id: str, above: tuple[str, ...]) -> str:
        if object_id in named or object_id not in by_id:
            return named.get(object_id, object_id)
        if object_id in above:
            return object_id.partition("--")[0]
        head, _, unique = object_id.partition("--")
        random = unique[14:15] == _RANDOM and unique not in source and definition_of(object_id) is None
        if not random and ids.is_id(object_id):
            named[object_id] = object_id
            return object_id
        said = {key: value for key, value in by_id[object_id].items() if key != "id"}
        text = canonical_json.dumps(_with_ids(said, lambda other: rename(other, (*above, object_id))))
        taken[text] = taken.get(text, 0) + 1
        made = ids.mint(frame.namespace, head, frame.family, "library", text, str(taken[text]))
        # What has nothing to compute an id from must have a random one (STIX 2.1, 2.9): it has the form of one.
        named[object_id] = f"{made[:-22]}4{made[-21:]}" if ids.kind_of(head) == "sco" else made
        return named[object_id]

    for object_id in by_id:
        rename(object_id, ())
    return [_with_ids(item, lambda other: named.get(other, other)) for item in objects]


def _with_ids(tree: Any, rename: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _with_ids(value, rename) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_with_ids(value, rename) for value in tree]
    if isinstance(tree, str) and "--" in tree:
        return _ID.sub(lambda found: str(rename(found[0])), tree)
    return tree


# --- valid, closed, marked -----------------------------------------------------------------------


def _headed(item: dict[str, Any], frame: Frame) -> dict[str, Any]:
    kind = ids.TYPES.get(item["type"])
    if kind == "meta":
        return item
    head = {"type": item["type"], "spec_version": "2.1", "id": item["id"]}
    if kind in _HEADED or kind is None:
        if item["type"] != "identity":
            head["created_by_ref"] = item.get("created_by_ref", frame.issuer)
        head["created"] = item.get("created", frame.edition)
        head["modified"] = item.get("modified", head["created"])
    return {
        **head,
        **{k: v for k, v in item.items() if k not in head},
        "object_marking_refs": own_markings(item.get("object_marking_refs", ()), frame),
    }


def _valid(objects: Mapping[str, dict[str, Any]], reading: Reading) -> Iterator[tuple[str, dict[str, Any]]]:
    validator = _validator()
    now = timestamps.parse("2100-01-01T00:00:00Z")
    for object_id, item in objects.items():
        found = [finding for finding in validator.findings(item, now=now) if finding.level == "must"]
        told = [f"{finding.path or 'it'}: {finding.message}" for finding in found]
        if told:
            _lost(reading, object_id, told[0][:200])
        else:
            yield object_id, item


@cache
def _validator() -> Validator:
    return Validator()


def _lost(reading: Reading, object_id: str, why: str) -> None:
    told = f"gives {object_id}, which is left out ({why})"
    reading.fault(Fault("lost-object", told, "correct it at the source; its values are carried", None))


def _closed(
    objects: dict[str, dict[str, Any]], frame: Frame, reading: Reading
) -> Iterator[tuple[str, dict[str, Any]]]:
    """References to what is not there are taken out; what cannot be without them is left out."""
    known = {*objects, frame.issuer, *frame.markings}
    while True:
        closed = {key: _pruned(item, known, frame) for key, item in objects.items()}
        lost = [key for key, item in closed.items() if item is None]
        for key in lost:
            _lost(reading, key, "what it refers to is not there")
        objects = {key: item for key, item in closed.items() if item is not None}
        known -= set(lost)
        if not lost:
            yield from objects.items()
            return


def _pruned(item: Mapping[str, Any], known: set[str], frame: Frame) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    for key, value in item.items():
        if key.endswith("_ref") and isinstance(value, str) and value not in known:
            if key == "created_by_ref":
                made[key] = frame.issuer
            elif key in {"source_ref", "target_ref", "sighting_of_ref", "object_ref"}:
                return None
        elif key.endswith("_refs") and isinstance(value, list):
            left = [ref for ref in value if ref in known or definition_of(ref) is not None]
            if left:
                made[key] = left
            elif key == "object_refs" and "objects" not in item:
                return None
        else:
            made[key] = value
    return made


# --- the account ---------------------------------------------------------------------------------


def _find(reading: Reading, emitter: Emitter) -> None:
    """Leaves whose text the output spells are mapped, where the reader did not say it already."""
    texts = [(text, place) for item in emitter.objects.values() for text, place in _texts(item, item["type"])]
    exact: dict[str, str] = {}
    for text, place in texts:
        exact.setdefault(text, place)
    long = [(text, place) for text, place in texts if len(text) > VERBATIM]
    joined = "\0".join(text for text, _ in long)
    for position, leaf in enumerate(reading.record.leaves):
        said = leaf.value.strip()
        if position in emitter.fates or len(said) < VERBATIM or (said.isdigit() and said not in exact):
            continue
        if said in exact:
            emitter.fates.use(position, "mapped", exact[said])
        elif said in joined:
            where = next((place for text, place in long if said in text), None)
            if where is not None:
                emitter.fates.use(position, "mapped", where)


def _texts(tree: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _texts(value, f"{path}.{key}")
    elif isinstance(tree, list):
        for value in tree:
            yield from _texts(value, path)
    elif isinstance(tree, str):
        yield tree, path
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield json.dumps(tree), path
