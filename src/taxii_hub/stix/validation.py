"""Whether an object is STIX 2.1: the structural floor for every object, and findings for strict collections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from taxii_hub.stix import crossfield, schemas, timestamps
from taxii_hub.stix.findings import Finding
from taxii_hub.stix.ids import is_id, kind_of, type_of

_MAX_SCHEMA_ERRORS: Final = 20
_CLOCK_TOLERANCE: Final = 5 * 60 * 1_000_000


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
        found = [Finding("must", path, text) for path, text in _schema_errors(value)]
        told = {finding.path for finding in found}
        found += [
            Finding("must", path, text) for path, text in crossfield.violations(value) if path not in told
        ]
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
    if not is_id(object_id):
        return f"id: {object_id[:80]!a} is no STIX identifier like {object_type[:40]!a}, '--' and an RFC 4122 UUID"
    if type_of(object_id) != object_type:
        return f"id: begins with {type_of(object_id)!a}, but the type is {object_type[:80]!a}"
    return None


def _version_problem(value: Mapping[str, Any]) -> str | None:
    if "spec_version" in value:
        if value["spec_version"] != "2.1":
            return "spec_version: not 2.1; the hub holds STIX 2.1 objects only"
    elif (kind_of(value["type"]) or ("sdo" if "created" in value else "sco")) != "sco":
        return "spec_version: missing, so this is a STIX 2.0 object; the hub holds STIX 2.1 objects only"
    times: dict[str, int] = {}
    for name in ("created", "modified"):
        if name in value:
            text = value[name]
            if not isinstance(text, str):
                return f"{name}: no string"
            try:
                times[name] = timestamps.parse(text)
            except ValueError as error:
                return f"{name}: {error}"
    if len(times) == 2 and times["modified"] < times["created"]:
        return f"modified: {value['modified']} is before created ({value['created']})"
    return None


def _schema_errors(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    validators = schemas.validators()
    name = value["type"]
    if kind_of(name) is None:
        versioned = "created" in value or "modified" in value
        name = "core" if versioned else "cyber-observable-core"
    validator = validators[name]
    if validator.is_valid(value):
        return []
    return [_told(error) for error in islice(validator.iter_errors(value), _MAX_SCHEMA_ERRORS)]


def _told(error: jsonschema_rs.ValidationError) -> tuple[str, str]:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in error.instance_path)
    # The message begins with the value, which may be large, and ends with the rule.
    message = error.message if len(error.message) <= 240 else f"{error.message[:60]} … {error.message[-160:]}"
    return path.removeprefix("."), message


def _advice(value: Mapping[str, Any], now: int) -> Iterator[tuple[str, str]]:
    for name in ("created", "modified"):
        text = value.get(name)
        if isinstance(text, str) and timestamps.parse(text) > now + _CLOCK_TOLERANCE:
            yield name, "lies in the future: clients that poll from the newest time they have seen will stall"
    kind = kind_of(value["type"])
    if kind is None and "extensions" not in value:
        yield "type", "custom types without an extension-definition are deprecated (STIX 2.1 section 11)"
    if kind == "sdo" and value["type"] != "identity" and "created_by_ref" not in value:
        yield "created_by_ref", "missing: readers cannot tell whose object this is"
