"""What may be read above the tear line: an object without the parts whose granular markings narrow its readers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from taxii_hub.policy.marking import Setting, marked
from taxii_hub.policy.reading import meet
from taxii_hub.stix.selectors import points_at_something

_HEAD: Final = frozenset(
    {"type", "id", "spec_version", "created", "modified", "object_marking_refs", "granular_markings"}
)
"""Where one of these is marked there is no object without it."""

_INDEX: Final = re.compile(r"\[([0-9]{1,9})\]")


def torn(value: Mapping[str, Any], setting: Setting) -> dict[str, Any] | None:
    """The object without its narrower parts, its id still the original's; None where there is nothing to
    part, and where the markings have not the form of the standard: then the whole is withheld. Empty where
    it cannot be parted: a selector that leads nowhere was meant to hide something.

    An item of a list goes alone; selectors that stay name the places that items have afterwards.
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
    if not removed:
        return None
    if any(s.split(".")[0] in _HEAD or not points_at_something(s, rest) for s in removed):
        return {}
    tree = _Node(rest)
    for selector in removed:
        tree.remove(selector)
    made: dict[str, Any] = tree.left()
    if kept := [left for entry in entries if (left := _left(entry, removed, tree)) is not None]:
        made["granular_markings"] = kept
    return made


class _Node:
    """A value with what of it goes; places of items are those of the original until all is said."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.gone = False
        self.inside: dict[str, _Node] = {}
        if isinstance(value, dict):
            self.inside = {key: _Node(each) for key, each in value.items()}
        elif isinstance(value, list):
            self.inside = {f"[{n}]": _Node(each) for n, each in enumerate(value)}

    def remove(self, selector: str) -> None:
        """What the selector leads to, where it leads to something. What is empty without it goes too: the
        standard has no empty lists and dictionaries."""
        name, _, below = selector.partition(".")
        node = self.inside.get(_plain(name))
        if node is None:
            return
        if below:
            node.remove(below)
        else:
            node.gone = True
        self.gone = self.gone or all(each.gone for each in self.inside.values())

    def left(self) -> Any:
        if isinstance(self.value, dict):
            return {key: each.left() for key, each in self.inside.items() if not each.gone}
        if isinstance(self.value, list):
            return [each.left() for each in self.inside.values() if not each.gone]
        return self.value

    def renamed(self, selector: str) -> str | None:
        """The selector of the same thing in what is left; None where nothing is."""
        name, _, below = selector.partition(".")
        node = self.inside.get(_plain(name))
        if node is None or node.gone:
            return None
        if isinstance(self.value, list):
            name = f"[{[each for each in self.inside.values() if not each.gone].index(node)}]"
        if not below:
            return name
        rest = node.renamed(below)
        return None if rest is None else f"{name}.{rest}"


def _left(entry: Mapping[str, Any], removed: list[str], tree: _Node) -> dict[str, Any] | None:
    renamed = (tree.renamed(selector) for selector in entry["selectors"] if selector not in removed)
    selectors = [selector for selector in renamed if selector is not None]
    return {**entry, "selectors": selectors} if selectors else None


def _plain(step: str) -> str:
    """``[007]`` is item 7 as well."""
    index = _INDEX.fullmatch(step)
    return step if index is None else f"[{int(index[1])}]"


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
