"""MISP events to STIX by misp-stix: one record an event; a part that the library cannot read costs itself."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from misp_stix_converter import MISPtoSTIX21Parser
from pymisp.exceptions import PyMISPError
from stix2.exceptions import STIXError

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers import json as engine
from taxii_hub.mapping.readers.options import JsonReader
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Leaf, Record

Part = dict[str, Any]
_NO_EVENT = "holds no MISP event (an Event with info); export the event itself"
_MOMENTS = frozenset({"timestamp", "publish_timestamp", "first_seen", "last_seen", "date"})
# What a library of others raises on odd input; the rest ends this process, and the report is refused.
_RAISED = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, STIXError, PyMISPError,
)  # fmt: skip
_MEND = "correct it in MISP and export the event again; its values are carried"


def read(path: Path, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The newest event's timestamp (the edition) first, then every event."""
    try:
        kind, events = _events(json.loads(path.read_bytes()))
        with SourceStream(path, name=asked["name"]) as stream:
            found = engine.records(stream, asked["name"], JsonReader(frozenset({kind}), lines=False))
            outside, *records = list(found)
    except ReportError as error:
        yield {"refused": str(error).removeprefix(asked["name"]).lstrip(": ")}
        return
    except (ValueError, RecursionError) as error:
        yield {"refused": f"is not JSON that can be read ({_said(error)}); get the file again"}
        return
    if len(events) != len(records):
        yield {"refused": f"{_NO_EVENT}; some of its events are no objects"}
        return
    newest = max(range(len(events)), key=lambda at: _seconds(events[at].get("timestamp")))
    taken = next((leaf for leaf in records[newest].leaves if leaf.path == "timestamp"), None)
    head = [[f"Event/{leaf.path}", leaf.value, leaf.line] for leaf in (taken,) if leaf is not None]
    yield {"record": "", "leaves": [*head, *([leaf.path, leaf.value, leaf.line] for leaf in outside.leaves)]}
    shared: dict[str, Part] = {}
    for event, record in zip(events, records, strict=True):
        leaves = [leaf for leaf in record.leaves if leaf is not taken]
        yield _converted(event, Record(record.kind, record.line, tuple(leaves)), asked["remove"], shared)


def _events(tree: Any) -> tuple[str, list[Part]]:
    """The kind of record, and the events. Raises ReportError where there is none."""
    if isinstance(tree, dict) and "GalaxyCluster" in tree and "info" not in tree:
        raise ReportError("is a MISP galaxy, not an event; export the event itself")
    held = tree["response"] if isinstance(tree, dict) and "response" in tree else tree
    around = [item for item in (held if isinstance(held, list) else [held]) if isinstance(item, dict)]
    kind = "response/Event" if held is not tree else "Event"
    wrapped = [item["Event"] for item in around if isinstance(item.get("Event"), dict)]
    if wrapped:
        return kind, wrapped
    if held is tree and (bare := [item for item in around if "info" in item]):
        return ".", bare
    raise ReportError(_NO_EVENT)


def _seconds(text: Any) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,11}", str(text)) else -1


# --- one event -----------------------------------------------------------------------------------


def _converted(event: Part, record: Record, removed: list[str], shared: dict[str, Part]) -> dict[str, Any]:
    leaves = record.leaves
    item: dict[str, Any] = {
        "record": record.kind,
        "line": record.line or 1,
        "leaves": [[leaf.path, leaf.value, leaf.line or 1] for leaf in leaves],
    }
    if not any(leaf.path == "uuid" for leaf in leaves):
        return {**item, "failed": [_fault("no-uuid", "the event has no uuid", "export it again from MISP")]}
    mending = _Mending(_without(event, removed, ""))
    try:
        objects, errors = mending.converted()
    except _RAISED as error:
        told = f"misp-stix cannot convert it ({_said(error)})"
        return {**item, "failed": [_fault("library", told, "correct it in MISP and export it again")]}
    main = next((made["id"] for made in objects if made["type"] in {"report", "grouping"}), None)
    return {
        **item,
        "objects": [_own(made, event, shared) for made in objects],
        "main": main,
        "trace": _trace(leaves, objects),
        "problems": [
            *({**_located(path, why, leaves), "code": "bad-part"} for path, why in mending.bad),
            *({**_of_library(text, leaves), "code": "library"} for text in errors),
        ],
    }


def _fault(code: str, message: str, remedy: str) -> dict[str, Any]:
    return {"code": code, "message": message, "remedy": remedy}


def _without(tree: Any, removed: list[str], path: str) -> Any:
    """The event without what a minimisation profile takes out."""
    if isinstance(tree, dict):
        steps = {key: f"{path}/{key}".lstrip("/") for key in tree}
        return {key: _without(v, removed, steps[key]) for key, v in tree.items() if steps[key] not in removed}
    return [_without(value, removed, path) for value in tree] if isinstance(tree, list) else tree


def _parsed(event: Part) -> tuple[list[Part], list[str]]:
    parser = MISPtoSTIX21Parser()
    parser.parse_json_content({"Event": event})
    made = [json.loads(item.serialize()) for item in parser.stix_objects]
    return made, [text for texts in parser.errors.values() for text in texts]


@dataclass
class _Mending:
    """``bad``: paths of the parts that were left out, and why."""

    event: Part
    bad: list[tuple[str, str]] = field(default_factory=list)

    def converted(self) -> tuple[list[Part], list[str]]:
        """Objects and the library's errors. Raises what the library raises where no part is to blame."""
        try:
            return _parsed(self.event)
        except _RAISED:
            whole = self._sound(self.event, "", lambda part: part)
            return _parsed(self.event if whole is None else whole)

    def _sound(self, part: Part, path: str, around: Callable[[Part], Part]) -> Part | None:
        """The part without those of its own parts that cannot be converted; None: it is the bad one."""
        lists = {key: value for key, value in part.items() if _are_parts(value)}
        bare: Part = {**part, **{key: [] for key in lists}}
        if (why := _refusal(around(bare))) is not None:
            self.bad.append((path, why))
            return None
        for key, inner in lists.items():
            for number, child in enumerate(inner, 1):
                here = f"{path}/{key}".lstrip("/") + (f"[{number}]" if len(inner) > 1 else "")

                def within(some: Part, key: str = key) -> Part:
                    return around({**part, **{other: [] for other in lists}, key: [some]})

                kept = child if _refusal(within(child)) is None else self._sound(child, here, within)
                if kept is not None:
                    bare[key] = [*bare[key], kept]
        return bare


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _refusal(event: Part) -> str | None:
    try:
        _parsed(event)
    except _RAISED as error:
        return _said(error)
    return None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]


def _located(path: str, why: str, leaves: tuple[Leaf, ...]) -> dict[str, Any]:
    at = next((n for n, leaf in enumerate(leaves) if leaf.path.startswith(f"{path}/")), None)
    what = path or "the event"
    return {"message": f"is part of {what}, which cannot be converted ({why})", "remedy": _MEND, "leaf": at}


def _of_library(text: str, leaves: tuple[Leaf, ...]) -> dict[str, Any]:
    """misp-stix tells with a trace of calls; its first and last line say what it is about."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = re.search(r"uuid: ([0-9a-f-]{36})", lines[0]) if lines else None
    at = next((n for n, leaf in enumerate(leaves) if named and leaf.value == named[1]), None)
    told = lines[0].rstrip(":") + (f" ({lines[-1]})" if len(lines) > 1 else "") if lines else "an error"
    return {"message": f"is not fully converted: {told.rstrip('.')}", "remedy": _MEND, "leaf": at}


# --- objects that several events share -----------------------------------------------------------


def _own(made: Part, event: Part, shared: dict[str, Part]) -> Part:
    """Two events of one file may give the same organisation or cluster, with their own dates: the first
    one's stands for both, unless they are not for the same readers."""
    caveats = sorted(set(re.findall(r'"(?:distribution|name)": "?(?:[0-5]\b|tlp:[^"]*)', json.dumps(event))))
    known = shared.setdefault(made["id"], {**made, "": caveats})
    stamps = ("created", "modified", "")
    if _less(known, stamps) == _less(made, stamps) and known[""] == caveats:
        return _less(known, ("",))
    head, _, rest = made["id"].partition("--")
    return {**made, "id": f"{head}--{uuid.uuid5(uuid.UUID(rest), json.dumps(caveats))}"}


def _less(made: Part, keys: tuple[str, ...]) -> Part:
    return {key: value for key, value in made.items() if key not in keys}


# --- what became of the leaves -------------------------------------------------------------------


def _trace(leaves: tuple[Leaf, ...], objects: list[Part]) -> list[list[Any]]:
    """What is spelt another way: moments, and short words that became labels."""
    text = json.dumps(objects, ensure_ascii=False)
    labels = {label for made in objects for label in made.get("labels", ())}
    found: list[list[Any]] = []
    for position, leaf in enumerate(leaves):
        key = leaf.pattern.rpartition("/")[2]
        if key in _MOMENTS and (stamp := _stamp(leaf.value)) and stamp in text:
            found.append([position, "derived", "created, modified, valid_from, first_observed or published"])
        elif key in {"type", "category", "meta-category"} and f'misp:{key}="{leaf.value}"' in labels:
            found.append([position, "mapped", "labels"])
    return found


def _stamp(text: str) -> str | None:
    if (seconds := _seconds(text)) <= 0:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
