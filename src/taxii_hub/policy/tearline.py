"""What may be read above the tear line: an object without the parts whose granular markings narrow its readers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from taxii_hub.policy.marking import Setting, marked
from taxii_hub.policy.reading import meet
from taxii_hub.stix.selectors import points_at_something

_HEAD: Final = frozenset({"type", "id", "spec_version", "created", "modified", "object_marking_refs"})
"""Where one of these is marked there is no object without it."""


def torn(value: Mapping[str, Any], setting: Setting) -> dict[str, Any] | None:
    """The object without its narrower parts, its id still the original's; None where there is nothing to
    part, and where the markings have not the form of the standard: then the whole is withheld.

    An item of a list goes with its whole list, so that the other selectors still say what they said.
    """
    entries = value.get("granular_markings")
    if not isinstance(entries, list) or "modified" not in value:
        return None
    rest = {key: each for key, each in value.items() if key != "granular_markings"}
    whole = marked(rest, setting).policy
    removed: list[str] = []
    for entry in entries:
        if not isinstance(entry, dict) or not _texts(entry.get("selectors")):
            return None
        alone = marked({**rest, "granular_markings": [entry]}, setting).policy
        if meet(whole, alone) != whole:
            removed += entry["selectors"]
    if not removed or any(selector.split(".")[0] in _HEAD for selector in removed):
        return None
    made = copy.deepcopy(rest)
    for selector in removed:
        _remove(made, selector.split("."))
    if kept := [left for entry in entries if (left := _left(entry, removed, made)) is not None]:
        made["granular_markings"] = kept
    return made


def _remove(inside: dict[str, Any], steps: list[str]) -> None:
    """What is empty afterwards goes too: the standard has no empty lists and dictionaries."""
    name, below = steps[0], steps[1:]
    there = inside.get(name)
    if below and isinstance(there, dict):
        _remove(there, below)
        if there:
            return
    inside.pop(name, None)


def _left(entry: Mapping[str, Any], removed: list[str], made: Mapping[str, Any]) -> dict[str, Any] | None:
    selectors = [s for s in entry["selectors"] if s not in removed and points_at_something(s, made)]
    return {**entry, "selectors": selectors} if selectors else None


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
