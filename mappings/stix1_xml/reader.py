"""STIX 1.x packages to STIX 2.1 by stix2-elevator. It gets only what the hub's own XML reader has read whole."""

from __future__ import annotations

import io
import json
import logging
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.etree

# stixmarx 1.0.8 names a class that lxml 5.4 has taken away.
setattr(lxml.etree, "_ElementStringResult", type("_ElementStringResult", (bytes,), {}))  # noqa: B010

import stixmarx  # noqa: E402
from mixbox.parser import UnsupportedRootElementError, UnsupportedVersionError  # noqa: E402
from stix2elevator import clear_globals, convert_package  # noqa: E402
from stix2elevator.options import ElevatorOptions, initialize_options, set_option_value  # noqa: E402
from stix2elevator.utils import Environment  # noqa: E402
from stix2patterns.exceptions import ParseException  # noqa: E402

from taxii_hub.errors import BadValueError, ReportError  # noqa: E402
from taxii_hub.mapping.cleaners import moment  # noqa: E402
from taxii_hub.mapping.readers import xml  # noqa: E402
from taxii_hub.mapping.readers.stream import SourceStream  # noqa: E402
from taxii_hub.mapping.record import Leaf  # noqa: E402

_RECORD = "STIX_Package"
_NAMESPACE = uuid.UUID("5a3c2fcd-1f1e-5b5e-9d4c-6a1d6f6d2b10")
_LADDER = ("white", "clear", "green", "amber", "amber+strict", "red")
_COLOUR = re.compile(r"/Marking_Structure/(?:.*/)?@color$")
_MOMENT = re.compile(r"/(?:@timestamp|Produced_Time|Received_Time|Start_Time|Incident_Discovery|Date)$")
# What a library of others raises on odd input; the rest ends this process, and the report is refused.
_RAISED = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, RuntimeError, TypeError,
    ValueError, lxml.etree.LxmlError, ParseException, UnsupportedRootElementError, UnsupportedVersionError,
)  # fmt: skip


def read(path: Path, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The edition first, then the package."""
    try:
        with SourceStream(path, name=asked["name"]) as stream:
            read_whole = xml.records(stream, asked["name"], frozenset())
            leaves = [leaf for record in read_whole for leaf in record.leaves]
    except ReportError as error:
        yield {"refused": str(error).removeprefix(asked["name"]).lstrip(": ")}
        return
    edition = _edition(leaves)
    if edition is not None:
        leaves.remove(edition)
        yield {"record": "", "leaves": [["edition", edition.value, edition.line or 1]]}
    strictest = _strictest(leaves)
    said = [["caveat" if leaf is strictest else leaf.path, leaf.value, leaf.line or 1] for leaf in leaves]
    item = {"record": _RECORD, "line": 1, "leaves": said}
    try:
        objects, errors = _converted(path.read_bytes())
    except _RAISED as error:
        yield _failed(item, f"cannot convert the package ({type(error).__name__}: {_line(error)})")
        return
    if not objects:
        why = "; ".join(errors[:3]) or "it says nothing about threats"
        yield _failed(item, f"finds nothing to convert in the package ({why})")
        return
    main = _main(objects, leaves)
    problems = [_told(text, leaves) for text in dict.fromkeys(errors)]
    yield {**item, "objects": objects, "main": main["id"], "own_markings": True, "problems": problems}


def _failed(item: dict[str, Any], why: str) -> dict[str, Any]:
    remedy = "correct it at the source, or send it as STIX 2.1"
    return {**item, "failed": [{"code": "library", "message": f"stix2-elevator {why}", "remedy": remedy}]}


def _told(text: str, leaves: list[Leaf]) -> dict[str, Any]:
    """One message of the library, placed at the id that it names."""
    at = (n for n, leaf in enumerate(leaves) if leaf.pattern.endswith("/@id") and leaf.value in text)
    return {
        "code": "library",
        "message": f"is not fully converted: {text}",
        "remedy": "its values are carried; correct it at the source",
        "leaf": next(at, None),
    }


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _edition(leaves: list[Leaf]) -> Leaf | None:
    """The package's timestamp; else the newest moment in it."""
    found: dict[str, Leaf] = {}
    for leaf in leaves:
        if leaf.path == "STIX_Package/@timestamp":
            return leaf
        if _MOMENT.search(leaf.pattern):
            try:
                found.setdefault(moment(leaf.value).data, leaf)
            except BadValueError:
                continue
    return found[max(found)] if found else None


def _strictest(leaves: list[Leaf]) -> Leaf | None:
    """The leaf with the strictest TLP colour; a colour that nobody knows comes first, and refuses the package."""
    colours = [leaf for leaf in leaves if _COLOUR.search(leaf.pattern)]
    rank = {word: number for number, word in enumerate(_LADDER)}
    return max(colours, key=lambda leaf: rank.get(leaf.value.casefold(), len(rank)), default=None)


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(" ".join(record.getMessage().split())[:300])


def _converted(data: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Objects and what the library says of itself as an error. Raises what the library raises."""
    kept = _Kept()
    for logger in [logging.getLogger("stix2elevator"), logging.getLogger("stix2elevator.options")]:
        logger.handlers = [kept]
        logger.propagate = False
    initialize_options(
        ElevatorOptions(missing_policy="use-extensions", incidents=True, infrastructure=True, acs=True)
    )
    clear_globals()
    container = stixmarx.parse(io.BytesIO(data))
    set_option_value("marking_container", container)
    bundle = json.loads(json.dumps(convert_package(container.package, Environment(None))))
    return bundle.get("objects", []), kept.told


def _main(objects: list[dict[str, Any]], leaves: list[Leaf]) -> dict[str, Any]:
    """The report; where the library made none, a grouping of everything. It has every marking of the package,
    and AIS consent as its labels."""
    named = {leaf.path: leaf.value for leaf in leaves}
    name = named.get("STIX_Package/STIX_Header/Title") or named.get("STIX_Package/@id") or "STIX 1 package"
    for made in objects:
        if made["type"] == "report":
            made.setdefault("name", " ".join(name.split()))
    main = next((made for made in objects if made["type"] == "report"), None)
    if main is None:
        main = {
            "type": "grouping",
            "spec_version": "2.1",
            "id": f"grouping--{uuid.uuid5(_NAMESPACE, named.get('STIX_Package/@id', name))}",
            "name": " ".join(name.split()),
            "context": "unspecified",
            "object_refs": [made["id"] for made in objects if made["type"] != "marking-definition"],
        }
        objects.append(main)
    # It carries what the library leaves out, of every object.
    refs = [ref for made in objects for ref in made.get("object_marking_refs", ())]
    if refs:
        main["object_marking_refs"] = [*dict.fromkeys([*main.get("object_marking_refs", []), *refs])]
    labels = [label for leaf in leaves if (label := _ais(leaf))]
    if labels:
        main["labels"] = [*dict.fromkeys([*main.get("labels", []), *labels])]
    return main


def _ais(leaf: Leaf) -> str | None:
    if leaf.pattern.endswith("/AISConsent/@consent"):
        return f"ais-consent-{leaf.value.lower().replace('_', '-')}"
    if leaf.pattern.endswith("/@CISA_Proprietary"):
        return f"cisa-proprietary-{leaf.value.lower()}"
    return None
