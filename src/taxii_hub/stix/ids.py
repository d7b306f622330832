"""STIX identifiers: ``type--UUID`` (STIX 2.1 section 2.9), the standard's types, deterministic ids."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha1
from types import MappingProxyType
from typing import Any, Final, Literal
from uuid import UUID, uuid4, uuid5

from taxii_hub.stix import canonical_json

Kind = Literal["sdo", "sro", "sco", "meta"]

SCO_NAMESPACE: Final = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Only for ids of cyber-observables; an id of anything else must not be made in it (section 2.9)."""

_BY_KIND: Final[dict[Kind, str]] = {
    "sdo": "attack-pattern campaign course-of-action grouping identity incident indicator infrastructure"
    " intrusion-set location malware malware-analysis note observed-data opinion report threat-actor tool"
    " vulnerability",
    "sro": "relationship sighting",
    "sco": "artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr"
    " ipv6-addr mac-addr mutex network-traffic process software url user-account windows-registry-key"
    " x509-certificate",
    "meta": "extension-definition language-content marking-definition",
}
TYPES: Final[Mapping[str, Kind]] = MappingProxyType(
    {name: kind for kind, names in _BY_KIND.items() for name in names.split()}
)
"""The 42 object types of STIX 2.1 (``bundle`` is no object type)."""

MAX_ID_LENGTH: Final = 250 + 2 + 36

_compact: Final = json.JSONEncoder(separators=(",", ":")).encode
_TYPE: Final = re.compile(r"(?=.{3,250}--)[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
_ID: Final = re.compile(f"{_TYPE.pattern}--{_UUID}")
_ONLY_UUID: Final = re.compile(_UUID)

_CONTRIBUTING: Final[Mapping[str, tuple[str, ...]]] = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "extensions", "parent_directory_ref"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": (
        "start",
        "end",
        "src_ref",
        "dst_ref",
        "src_port",
        "dst_port",
        "protocols",
        "extensions",
    ),
    "process": (),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}
_HASH_ORDER: Final = ("MD5", "SHA-1", "SHA-256", "SHA-512")


def kind_of(object_type: str) -> Kind | None:
    """What a type is in STIX 2.1; None for a type the standard does not know."""
    return TYPES.get(object_type)


def is_id(text: str) -> bool:
    """Whether ``text`` is a STIX identifier with an RFC 4122 UUID (versions 1 to 5)."""
    return len(text) <= MAX_ID_LENGTH and _ID.fullmatch(text) is not None


def is_id_of(object_type: str, text: str) -> bool:
    """Whether ``text`` is an identifier of an object of that type."""
    if object_type in TYPES:
        named = text.startswith(object_type) and text.startswith("--", len(object_type))
        return named and _ONLY_UUID.fullmatch(text, len(object_type) + 2) is not None
    return is_id(text) and type_of(text) == object_type


def type_of(object_id: str) -> str:
    """The type part of an identifier (everything where there is no ``--``)."""
    return object_id.partition("--")[0]


def mint(namespace: UUID, object_type: str, *seed: str) -> str:
    """The deterministic id of an object that is not a cyber-observable.

    The seed's parts are kept apart: ``("a", "bc")`` and ``("ab", "c")`` give different ids.
    """
    if namespace == SCO_NAMESPACE:
        raise ValueError("only cyber-observables may have ids in the STIX namespace: use sco_id")
    return f"{object_type}--{_uuid5(namespace, _compact([object_type, *seed]))}"


def _uuid5(namespace: UUID, name: str) -> str:
    """The text of ``uuid.uuid5``, at a third of its cost: a long list has many ids."""
    made = bytearray(sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    text = made.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def contributing_properties(object_type: str) -> tuple[str, ...] | None:
    """The ID-contributing properties of a cyber-observable type; None for any other type."""
    return _CONTRIBUTING.get(object_type)


def sco_id(value: Mapping[str, Any]) -> str:
    """The deterministic id of a cyber-observable from its ID-contributing properties (section 2.9).

    A random one where the standard asks for that: ``process``, or no such property present. Raises
    ``KeyError`` where ``value["type"]`` is no cyber-observable of the standard.
    """
    object_type = value["type"]
    seed = {name: value[name] for name in _CONTRIBUTING[object_type] if name in value}
    if "hashes" in seed:
        seed["hashes"] = _one_hash(seed["hashes"])
    if not seed:
        return f"{object_type}--{uuid4()}"
    return f"{object_type}--{uuid5(SCO_NAMESPACE, canonical_json.dumps(seed))}"


def _one_hash(hashes: Mapping[str, str]) -> dict[str, str]:
    name = next((name for name in _HASH_ORDER if name in hashes), min(hashes))
    return {name: hashes[name]}
