"""Whether an object is STIX 2.1: the structural floor for every object, and findings for strict collections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

import jsonschema_rs

from taxii_hub.stix import crossfield, schemas, timestamps
from taxii_hub.stix.findings import Finding
from taxii_hub.stix.ids import TYPES, is_id, is_id_of, kind_of, type_of

_MAX_FINDINGS: Final = 20
_FIRST_ITEMS: Final = 100
_CLOCK_TOLERANCE: Final = 5 * 60 * 1_000_000
_IN_THE_FUTURE: Final = "lies in the future: clients that poll from the newest time they have seen will stall"
_NOT_DEFINED: Final = "custom types without an extension-definition are deprecated (STIX 2.1 section 11)"


def version_of(value: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """The version of an object (``modified``, else ``created``) in microseconds and as it is spelled.

    Both None where there is neither, or where it is no timestamp.
    """
    text = value.get("modified", value.get("created"))
    if not isinstance(text, str):
        return None, None
    try:
        return timestamps.parse(text), text
    except ValueError:
        return None, None


class Validator:
    """Checks parsed objects. Cheap to make: the schemas are compiled when they are first needed."""

    def floor(self, value: Mapping[str, Any]) -> str | None:
        """Why the hub cannot take the object into any collection; None where it can."""
        return _naming_problem(value) or _version_problem(value)

    def findings(self, value: Mapping[str, Any], now: int) -> list[Finding]:
        """Everything found wrong, MUSTs first; ``now`` in microseconds. Empty for a good object."""
        problem = self.floor(value)
        if problem is not None:
            return [Finding("must", "", problem)]
        return self.above_the_floor(value, now)

    def above_the_floor(self, value: Mapping[str, Any], now: int) -> list[Finding]:
        """As :meth:`findings`, of an object that :meth:`floor` finds nothing wrong with."""
        errors, violations = _schema_errors(value), crossfield.violations(value)
        found: list[Finding] = []
        if errors or violations:  # of a good object neither is even begun
            found = [Finding("must", path, text) for path, text in islice(errors, _MAX_FINDINGS)]
            told = {finding.path for finding in found}
            fresh = (violation for violation in violations if violation[0] not in told)
            found += [Finding("must", path, text) for path, text in islice(fresh, _MAX_FINDINGS)]
        found += [Finding("should", path, text) for path, text in _advice(value, now)]
        return found


def _naming_problem(value: Mapping[str, Any]) -> str | None:
    object_type, object_id = value.get("type"), value.get("id")
    if not isinstance(object_type, str):
        return "type: missing, or no string"
    if not isinstance(object_id, str):
        return "id: missing, or no string"
    if object_type == "bundle":
        return "type: a bundle inside an envelope: send its objects instead"
    if is_id_of(object_type, object_id):
        return None
    if not is_id(object_id):
        return f"id: {object_id[:80]!a} is no STIX identifier like {object_type[:40]!a}, '--' and an RFC 4122 UUID"
    return f"id: begins with {type_of(object_id)!a}, but the type is {object_type[:80]!a}"


def _version_problem(value: Mapping[str, Any]) -> str | None:
    if "spec_version" in value:
        if value["spec_version"] != "2.1":
            return "spec_version: not 2.1; the hub holds STIX 2.1 objects only"
    elif (kind_of(value["type"]) or ("sdo" if "created" in value else "sco")) != "sco":
        return "spec_version: missing, so this is a STIX 2.0 object; the hub holds STIX 2.1 objects only"
    created = modified = None
    name = "created"
    try:
        if name in value:
            created = timestamps.parse(value[name])
        name = "modified"
        if name in value:
            modified = timestamps.parse(value[name])
    except TypeError:
        return f"{name}: no string"
    except ValueError as error:
        return f"{name}: {error}"
    if created is not None and modified is not None and modified < created:
        return f"modified: {value['modified']} is before created ({value['created']})"
    return None


def _schema_errors(value: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    name = value["type"]
    if name not in TYPES:
        versioned = "created" in value or "modified" in value
        name = "core" if versioned else "cyber-observable-core"
    objects = value.get("objects") if name == "observed-data" else None
    if isinstance(objects, dict):
        return chain(_errors_against(name, value, ""), _errors_within(objects))
    return () if schemas.validators()[name].is_valid(value) else _errors_against(name, value, "")


def _errors_within(objects: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, item in objects.items():
        place = f".objects.{key[:60]}"
        if isinstance(item, dict) and isinstance(item.get("type"), str):
            name = item["type"] if kind_of(item["type"]) == "sco" else "cyber-observable-core"
            yield from _errors_against(name, item, place)
        else:
            yield place[1:], "no object with a type"


def _errors_against(name: str, value: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """The first error of each property.

    The library finds the first error at once, but all of them, and all those inside an alternative, so
    slowly that 150 kB of wrong list items take 14 seconds. So lists are cut, and what was told is taken
    away before the rest is asked about again.
    """
    validator = schemas.validators()[name]
    if validator.is_valid(value):
        return
    rest = {key: item[:_FIRST_ITEMS] if isinstance(item, list) else item for key, item in value.items()}
    if validator.is_valid(rest):
        yield (
            place.removeprefix("."),
            f"an item after the first {_FIRST_ITEMS} of a list does not fit the schema",
        )
        return
    culprits: list[Any] = []
    while True:  # every round takes a property away
        try:
            validator.validate(rest)
            return
        except jsonschema_rs.ValidationError as error:
            consequence = bool(culprits)
            culprits = _culprits(error)
            if consequence and not culprits:
                return
            steps = (
                f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in error.instance_path
            )
            yield f"{place}{''.join(steps)}".removeprefix("."), _shortened(error.message)
        if not culprits:
            return
        for culprit in culprits:
            rest.pop(culprit, None)


def _culprits(error: jsonschema_rs.ValidationError) -> list[Any]:
    """The properties without which the error would not be; none where one is missing."""
    if error.instance_path:
        return error.instance_path[:1]
    kind = error.kind
    return kind.unexpected if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties) else []


def _shortened(message: str) -> str:
    """A schema message begins with the value, which may be large, and ends with the rule."""
    return message if len(message) <= 240 else f"{message[:60]} … {message[-160:]}"


def _advice(value: Mapping[str, Any], now: int) -> list[tuple[str, str]]:
    found = []
    latest = now + _CLOCK_TOLERANCE
    if (version_of(value)[0] or 0) > latest:  # no object was created after it was modified
        for name in ("created", "modified"):
            text = value.get(name)
            if isinstance(text, str) and timestamps.parse(text) > latest:
                found.append((name, _IN_THE_FUTURE))
    kind = TYPES.get(value["type"])
    if kind is None:
        if "extensions" not in value:
            found.append(("type", _NOT_DEFINED))
    elif kind == "sdo" and "created_by_ref" not in value and value["type"] != "identity":
        found.append(("created_by_ref", "missing: readers cannot tell whose object this is"))
    return found
