"""The OASIS JSON schemas of STIX 2.1, compiled; and IANA's character sets, from the same package.

They are read from the installed stix2-validator as files: importing that package takes two seconds
and brings an HTTP client along.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

import jsonschema_rs

from taxii_hub.stix.ids import TYPES

_PACKAGE: Final = "stix2validator"
_FOLDERS: Final = ("common", "sdos", "sros", "observables")
_EMAIL: Final = re.compile(r'[^\s@<>()\[\],;:"\\]+@[^\s@<>(),;:"\\]+')


@cache
def validators() -> dict[str, jsonschema_rs.Validator]:
    """A compiled schema for each object type, and ``core`` and ``cyber-observable-core`` for others.

    Takes some 0.2 seconds the first time. Nothing is ever fetched from the network.
    """
    documents = {
        path.stem: _document(path) for folder in _FOLDERS for path in (_schemas() / folder).glob("*.json")
    }
    registry = jsonschema_rs.Registry(
        [(document["$id"], document) for document in documents.values()], retriever=_refuse
    )
    return {
        name: jsonschema_rs.validator_for(
            documents[name],
            registry=registry,
            retriever=_refuse,
            # Linear time: some of the expressions would be exponential for a backtracking engine.
            pattern_options=jsonschema_rs.RegexOptions(),
            validate_formats=True,
            formats={"email": _is_email, "idn-hostname": _is_domain_name},
        )
        for name in (*TYPES, "core", "cyber-observable-core")
    }


@cache
def character_sets() -> frozenset[str]:
    """The names of IANA's character sets, preferred MIME names and others, in lower case."""
    path = _package() / "v21" / "assets" / "charsets.csv"
    with path.open(encoding="utf-8", newline="") as file:
        names = (row[column] for row in csv.DictReader(file) for column in ("Preferred MIME Name", "Name"))
        return frozenset(name.lower() for name in names if name)


def _package() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("stix2-validator is not installed: its schemas are needed", name=_PACKAGE)
    return Path(spec.submodule_search_locations[0])


def _schemas() -> Path:
    return _package() / "schemas-2.1" / "schemas"


def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_bytes())
    if path.stem == "granular-marking":
        # STIX 2.1 section 7.2.3.1 asks for one of the two; the schema knows marking_ref only.
        document["required"] = ["selectors"]
        document["oneOf"] = [{"required": ["marking_ref"]}, {"required": ["lang"]}]
    if path.stem == "observed-data":
        # It tries all eighteen types on each member (5,000 members: 16 seconds); we know which to try.
        document["allOf"][1]["properties"]["objects"] = {"type": "object", "minProperties": 1}
    return document


def _is_email(text: str) -> bool:
    """An address without a display name; the library's own check allows one."""
    return _EMAIL.fullmatch(text) is not None


def _is_domain_name(text: str) -> bool:
    """The library's own check refuses the final dot of an absolute name (RFC 1034 section 3.1)."""
    return _domain_name().is_valid(text.removesuffix("."))


@cache
def _domain_name() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({"format": "idn-hostname"}, validate_formats=True)


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"no schema is fetched from anywhere: {uri}")
