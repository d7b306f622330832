"""What STIX 2.1 demands and a JSON schema cannot say.

Every check takes an object of which nothing is known but that it is a JSON object, and yields (path,
message) pairs; what has the wrong type altogether is left to the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final
from uuid import UUID

from taxii_hub.stix import markings, patterns, timestamps
from taxii_hub.stix.ids import TYPES, contributing_properties, is_id
from taxii_hub.stix.languages import is_language_tag
from taxii_hub.stix.schemas import character_sets
from taxii_hub.stix.selectors import points_at_something

Found = Iterator[tuple[str, str]]

_SEEN: Final = (("last_seen", "first_seen", False),)
_TIMES: Final[Mapping[str, tuple[str, ...]]] = {
    "campaign": ("first_seen", "last_seen"),
    "directory": ("ctime", "mtime", "atime"),
    "email-message": ("date",),
    "file": ("ctime", "mtime", "atime"),
    "indicator": ("valid_from", "valid_until"),
    "infrastructure": ("first_seen", "last_seen"),
    "intrusion-set": ("first_seen", "last_seen"),
    "language-content": ("object_modified",),
    "malware": ("first_seen", "last_seen"),
    "malware-analysis": ("submitted", "analysis_started", "analysis_ended"),
    "network-traffic": ("start", "end"),
    "observed-data": ("first_observed", "last_observed"),
    "process": ("created_time",),
    "relationship": ("start_time", "stop_time"),
    "report": ("published",),
    "sighting": ("first_seen", "last_seen"),
    "threat-actor": ("first_seen", "last_seen"),
    "user-account": (
        "account_created",
        "account_expires",
        "credential_last_changed",
        "account_first_login",
        "account_last_login",
    ),
    "windows-registry-key": ("modified_time",),
    "x509-certificate": ("validity_not_before", "validity_not_after"),
}
_EMBEDDED_TIMES: Final[Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]] = {
    "file": ((("extensions", "windows-pebinary-ext"), "time_date_stamp"),),
    "x509-certificate": (
        (("x509_v3_extensions",), "private_key_usage_period_not_before"),
        (("x509_v3_extensions",), "private_key_usage_period_not_after"),
    ),
}
_ORDER: Final[Mapping[str, tuple[tuple[str, str, bool], ...]]] = {
    "campaign": _SEEN,
    "indicator": (("valid_until", "valid_from", True),),
    "infrastructure": _SEEN,
    "intrusion-set": _SEEN,
    "malware": _SEEN,
    "network-traffic": (("end", "start", False),),
    "observed-data": (("last_observed", "first_observed", False),),
    "relationship": (("stop_time", "start_time", True),),
    "sighting": _SEEN,
    "threat-actor": _SEEN,
}
"""Per type: (later, earlier, whether they must differ)."""
_USUAL_TIMES: Final = ("created", "modified")
_USUAL_ORDER: Final = (("modified", "created", False),)
_ALL_TIMES: Final = {name: (*_USUAL_TIMES, *more) for name, more in _TIMES.items()}
_FULL_ORDER: Final = {name: (*_USUAL_ORDER, *more) for name, more in _ORDER.items()}
_OBSERVABLES: Final = frozenset(name for name, kind in TYPES.items() if kind == "sco")
_RARE: Final = frozenset({"marking-definition", "language-content", "extension-definition", "observed-data"})

_PROPERTY_NAME: Final = re.compile(r"[a-z0-9_]{3,250}")
_REFERENCES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "directory": {"contains_refs": ("file", "directory")},
    "domain-name": {"resolves_to_refs": ("ipv4-addr", "ipv6-addr", "domain-name")},
    "email-addr": {"belongs_to_ref": ("user-account",)},
    "email-message": {
        "from_ref": ("email-addr",),
        "sender_ref": ("email-addr",),
        "to_refs": ("email-addr",),
        "cc_refs": ("email-addr",),
        "bcc_refs": ("email-addr",),
        "raw_email_ref": ("artifact",),
    },
    "file": {"parent_directory_ref": ("directory",), "content_ref": ("artifact",)},
    "ipv4-addr": {"resolves_to_refs": ("mac-addr",), "belongs_to_refs": ("autonomous-system",)},
    "ipv6-addr": {"resolves_to_refs": ("mac-addr",), "belongs_to_refs": ("autonomous-system",)},
    "network-traffic": {
        "src_ref": ("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"),
        "dst_ref": ("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"),
        "src_payload_ref": ("artifact",),
        "dst_payload_ref": ("artifact",),
        "encapsulates_refs": ("network-traffic",),
        "encapsulated_by_ref": ("network-traffic",),
    },
    "process": {
        "opened_connection_refs": ("network-traffic",),
        "creator_user_ref": ("user-account",),
        "image_ref": ("file",),
        "parent_ref": ("process",),
        "child_refs": ("process",),
    },
    "windows-registry-key": {"creator_user_ref": ("user-account",)},
}
"""Which types the references of the deprecated ``observed-data.objects`` may name."""


def violations(value: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Everything an object of the standard or of a custom type violates; an empty list for most."""
    found = _content(value)
    if "lang" in value:
        found += _language("lang", value["lang"])
    if "object_marking_refs" in value:
        references = value["object_marking_refs"]
        if isinstance(references, list) and value.get("id") in references:
            found.append(("object_marking_refs", "the object marks itself"))
    if "granular_markings" in value or value.get("type") in _RARE:
        return chain(found, _rarely(value))
    if value.get("type") == "indicator":
        found += _pattern(value)
    return found


def _rarely(value: Mapping[str, Any]) -> Found:
    """What few objects have, and may have much of: found while somebody listens."""
    object_type = value.get("type")
    if "granular_markings" in value:
        yield from _granular(value)
    if object_type == "indicator":
        yield from _pattern(value)
    elif object_type == "marking-definition":
        yield from _tlp(value)
    elif object_type == "language-content":
        yield from _translations(value)
    elif object_type == "extension-definition":
        if "created_by_ref" not in value:
            yield "created_by_ref", "an extension-definition must name its creator"
    elif object_type == "observed-data":
        yield from _observed(value)


def _content(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The checks that hold inside ``observed-data.objects`` too."""
    object_type = str(value.get("type"))
    found = _times(value, object_type)
    if object_type not in _OBSERVABLES:
        return found
    match object_type:
        case "software":
            found += _software(value)
        case "directory":
            found += _character_set("path_enc", value.get("path_enc"))
        case "file":
            found += _character_set("name_enc", value.get("name_enc"))
    for way, name in _EMBEDDED_TIMES.get(object_type, ()):
        found += _embedded_time(value, way, name)
    if contributing_properties(object_type) is not None:
        found += _random_id(value)
    return found


def _times(value: Mapping[str, Any], object_type: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    known: dict[str, int] = {}
    for name in _ALL_TIMES.get(object_type, _USUAL_TIMES):
        text = value.get(name)
        if isinstance(text, str):
            try:
                known[name] = timestamps.parse(text)
            except ValueError as error:
                found.append((name, str(error)))
    for later, earlier, differ in _FULL_ORDER.get(object_type, _USUAL_ORDER):
        if later in known and earlier in known and known[later] < known[earlier] + differ:
            found.append(
                (later, f"must {'be after' if differ else 'not be before'} {earlier} ({value[earlier]})")
            )
    return found


def _embedded_time(value: Any, way: tuple[str, ...], name: str) -> Found:
    for step in way:
        value = value.get(step) if isinstance(value, dict) else None
    text = value.get(name) if isinstance(value, dict) else None
    if isinstance(text, str):
        try:
            timestamps.parse(text)
        except ValueError as error:
            yield ".".join((*way, name)), str(error)


def _language(path: str, tag: Any) -> Found:
    if isinstance(tag, str) and not is_language_tag(tag):
        yield path, f"{tag[:40]!a} is no language tag of RFC 5646"


def _software(value: Mapping[str, Any]) -> Found:
    languages = value.get("languages")
    for index, tag in enumerate(languages if isinstance(languages, list) else ()):
        # ISO 639-2 codes, which earlier texts of STIX asked for, are still met.
        if not (isinstance(tag, str) and re.fullmatch("[a-z]{3}", tag)):
            yield from _language(f"languages[{index}]", tag)


def _character_set(path: str, name: Any) -> Found:
    if isinstance(name, str) and name.lower() not in character_sets():
        yield path, f"{name[:40]!a} is no character set of IANA's registry"


def _random_id(value: Mapping[str, Any]) -> Found:
    """A cyber-observable without any ID-contributing property has a random id (section 2.9)."""
    names, object_id = contributing_properties(str(value.get("type"))), value.get("id")
    if names is None or any(name in value for name in names):
        return
    if isinstance(object_id, str) and is_id(object_id) and UUID(object_id[-36:]).version != 4:
        yield "id", "must hold a random UUID (version 4): nothing is present to compute one from"


def _granular(value: Mapping[str, Any]) -> Found:
    granular = value.get("granular_markings")
    for index, marking in enumerate(granular if isinstance(granular, list) else ()):
        if not isinstance(marking, dict):
            continue
        place = f"granular_markings[{index}]"
        if "marking_ref" in marking and marking["marking_ref"] == value.get("id"):
            yield f"{place}.marking_ref", "the object marks itself"
        yield from _language(f"{place}.lang", marking.get("lang"))
        selectors = marking.get("selectors")
        for number, selector in enumerate(selectors if isinstance(selectors, list) else ()):
            if isinstance(selector, str) and not points_at_something(selector, value):
                yield f"{place}.selectors[{number}]", f"{selector[:60]!a} points at nothing in the object"


def _pattern(value: Mapping[str, Any]) -> Found:
    pattern = value.get("pattern")
    if value.get("pattern_type") == "stix" and isinstance(pattern, str):
        version = value.get("pattern_version", "2.1")
        problem = patterns.problem_of(pattern, version if isinstance(version, str) else "2.1")
        if problem is not None:
            yield "pattern", problem


def _tlp(value: Mapping[str, Any]) -> Found:
    standard = markings.definition_of(str(value.get("id")))
    if standard is None:
        return
    for name in ("definition", "extensions"):
        if name in standard and value.get(name) != standard[name]:
            yield name, f"the id is that of {standard['name']}: the content must be {standard[name]}"


def _translations(value: Mapping[str, Any]) -> Found:
    contents = value.get("contents")
    if not isinstance(contents, dict):
        return
    for tag, translation in contents.items():
        yield from _language("contents", tag)
        if not isinstance(translation, dict):
            yield f"contents.{tag[:40]}", "must be an object of translated properties"
            continue
        for name in translation:
            if not _PROPERTY_NAME.fullmatch(name):
                yield f"contents.{tag[:40]}", f"{name[:40]!a} is no property name"


def _observed(value: Mapping[str, Any]) -> Found:
    objects = value.get("objects")
    if not isinstance(objects, dict):
        return
    for key, item in objects.items():
        if not isinstance(item, dict):
            continue
        place = f"objects.{key[:40]}"
        for path, message in (*_content(item), *_references(item, objects)):
            yield f"{place}.{path}", message


def _references(item: Mapping[str, Any], objects: Mapping[str, Any]) -> Found:
    for name, types in _REFERENCES.get(str(item.get("type")), {}).items():
        references = item.get(name, [])
        for reference in references if isinstance(references, list) else [references]:
            target = objects.get(reference) if isinstance(reference, str) else None
            if not isinstance(target, dict):
                yield name, f"{str(reference)[:60]!a} is not among the objects"
            elif target.get("type") not in types:
                yield name, f"must refer to {' or '.join(types)}"
