"""One mapping of a catalogue file, read key by key; each reader notes what is wrong and goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import yaml

from taxii_hub.catalog.located import Place, Problems

_TAG = "tag:yaml.org,2002:"
_QUOTE = "put it in quotes"


@dataclass(frozen=True, slots=True)
class Form:
    """What a text must look like. ``hint`` completes "must be …" and is the advice as well."""

    hint: str
    pattern: str = r"[^\x00-\x1f\x7f]+"
    longest: int = 200

    def fits(self, value: str) -> bool:
        return len(value) <= self.longest and re.fullmatch(self.pattern, value) is not None


@dataclass(frozen=True, slots=True)
class Word:
    """A text with its place."""

    text: str
    place: Place


LINE = Form("one line of text of at most 200 characters")
PARAGRAPH = Form("text of at most 4,000 characters", r"[^\x00-\x08\x0b-\x1f\x7f]+", 4000)


class Section:
    """The keys of one mapping.

    A key outside ``known`` and a key given twice are problems at once; a wrong value is a problem
    when it is read, and a harmless stand-in is returned so that the rest can be read too.
    """

    def __init__(self, node: yaml.MappingNode, at: Place, known: Sequence[str], problems: Problems) -> None:
        self.place = Place(at.file, node.start_mark.line + 1, at.key)
        self._problems = problems
        self._nodes: dict[str, tuple[Place, yaml.Node]] = {}
        for name, place, value in entries(node, at, problems):
            if known and name not in known:
                problems.add(place, "there is no such key", f"use one of {', '.join(known)}")
            else:
                self._nodes[name] = (place, value)

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def at(self, key: str) -> Place:
        """Where the key stands; the section's line where it is absent."""
        if key in self._nodes:
            return self._nodes[key][0]
        return Place(self.place.file, self.place.line, _join(self.place.key, key))

    def node(self, key: str, remedy: str) -> yaml.Node | None:
        """The raw value of a key that has to be there."""
        if key in self._nodes:
            return self._nodes[key][1]
        self._problems.add(self.at(key), "is missing", remedy)
        return None

    def text(self, key: str, form: Form = LINE) -> str:
        node = self.node(key, f"add it: {form.hint}")
        return self._text(self.at(key), node, form) if node is not None else ""

    def optional_text(self, key: str, form: Form = LINE) -> str | None:
        return self.text(key, form) if key in self else None

    def choice(self, key: str, words: Sequence[str], default: str) -> str:
        if key not in self:
            return default
        value = _plain(self._nodes[key][1])
        if value is None or value not in words:
            self._problems.add(
                self.at(key), f"{_shown(value)} is not possible", f"use one of {', '.join(words)}"
            )
            return default
        return value

    def number(self, key: str, default: int, bounds: tuple[int, int]) -> int:
        if key not in self:
            return default
        low, high = bounds
        value = _plain(self._nodes[key][1], "int")
        if value is None or not re.fullmatch(r"[0-9]{1,12}", value) or not low <= int(value) <= high:
            remedy = f"write a whole number from {low} to {high} without separators"
            self._problems.add(self.at(key), "is no number in range", remedy)
            return default
        return int(value)

    def optional_number(self, key: str, bounds: tuple[int, int]) -> int | None:
        return self.number(key, bounds[0], bounds) if key in self else None

    def flag(self, key: str) -> bool:
        if key not in self:
            return False
        value = _plain(self._nodes[key][1], "bool")
        if value not in {"true", "false"}:
            self._problems.add(self.at(key), "is neither true nor false", "write true or false")
        return value == "true"

    def words(self, key: str, form: Form) -> tuple[Word, ...]:
        """A list of texts; a single text counts as a list of one. Twice the same is a problem."""
        found: list[Word] = []
        for place, item in self.items(key):
            text = self.item(place, item, form)
            if text and text in [word.text for word in found]:
                self._problems.add(place, f"{text!r} stands there twice", "remove one")
            elif text:
                found.append(Word(text, place))
        return tuple(found)

    def items(self, key: str) -> tuple[tuple[Place, yaml.Node], ...]:
        """The items of a list, each with its place; a single value counts as a list of one."""
        if key not in self:
            return ()
        place, node = self._nodes[key]
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return tuple((Place(place.file, item.start_mark.line + 1, place.key), item) for item in items)

    def item(self, place: Place, node: yaml.Node, form: Form) -> str:
        """The text of one item; empty, and a problem, where it is none."""
        return self._text(place, node, form)

    def below(self, key: str, known: Sequence[str]) -> Section | None:
        """The keys of a mapping under ``key``; None where it is absent or (a problem) no mapping."""
        if key not in self:
            return None
        place, node = self._nodes[key]
        if isinstance(node, yaml.MappingNode):
            return Section(node, place, known, self._problems)
        self._problems.add(place, "is no mapping", f"write {', '.join(known)} under it")
        return None

    def day(self, key: str) -> str | None:
        """A date as ISO text; YAML's own dates count too."""
        if key not in self:
            return None
        node = self._nodes[key][1]
        value = _plain(node) or _plain(node, "timestamp") or ""
        try:
            return date.fromisoformat(value if len(value) == 10 else "").isoformat()
        except ValueError:
            self._problems.add(self.at(key), "is no day", "write a date such as 2027-12-31")
            return None

    def _text(self, place: Place, node: yaml.Node, form: Form) -> str:
        value = _plain(node)
        if value is None:
            self._not_text(place, node, form)
            return ""
        value = value.strip()
        if not form.fits(value):
            self._problems.add(place, f"{_shown(value)} does not fit", f"must be {form.hint}")
            return ""
        return value

    def _not_text(self, place: Place, node: yaml.Node, form: Form) -> None:
        if not isinstance(node, yaml.ScalarNode):
            self._problems.add(place, "is not text", f"must be {form.hint}")
        elif node.tag == _TAG + "null":
            self._problems.add(place, "is empty", "write a value or remove the key")
        else:
            self._problems.add(place, f"{_shown(str(node.value))} is not text to YAML", _QUOTE)


def entries(node: yaml.MappingNode, at: Place, problems: Problems) -> Iterator[tuple[str, Place, yaml.Node]]:
    """The pairs of a mapping with the place of each key; a key given twice is a problem."""
    seen: dict[str, int] = {}
    for key_node, value in node.value:
        line = key_node.start_mark.line + 1
        name = _plain(key_node)
        if name is None:
            problems.add(Place(at.file, line, at.key), "a key is not text", _QUOTE)
            continue
        place = Place(at.file, line, _join(at.key, name))
        if name in seen:
            problems.add(place, f"stands there twice (also in line {seen[name]})", "remove one")
            continue
        seen[name] = line
        yield name, place, value


def _plain(node: yaml.Node, kind: str = "str") -> str | None:
    """The spelling of a scalar of this kind; ``no`` is a bool to YAML and no country."""
    if isinstance(node, yaml.ScalarNode) and node.tag == _TAG + kind:
        return str(node.value)
    return None


def _shown(value: str | None) -> str:
    if value is None:
        return "this value"
    return repr(value if len(value) <= 60 else value[:57] + "...")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
