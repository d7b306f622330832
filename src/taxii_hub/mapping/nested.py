"""A record as the tree that it is, for hooks of formats that nest without end (``PATH/**`` in ``fields``).

XML and JSON look alike here: an attribute, and a key with one plain value, are both what an element *says*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from taxii_hub.mapping.record import Value, pattern_of
from taxii_hub.mapping.view import View


@dataclass(slots=True)
class Element:
    """``text``: what stands in it, without blanks around it and otherwise as the source spells it."""

    name: str
    text: Value | None = None
    attributes: dict[str, Value] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)

    def all(self, *names: str) -> list[Element]:
        """The children of these names, in the order of the file."""
        return [child for child in self.children if child.name in names]

    def at(self, path: str) -> list[Element]:
        """The elements at a path of names."""
        found = [self]
        for name in path.split("/"):
            found = [child for element in found for child in element.all(name)]
        return found

    def said(self, *names: str) -> Value | None:
        """The first attribute, or child with a text, of one of these names."""
        for name in names:
            if name in self.attributes:
                return self.attributes[name]
            for child in self.all(name):
                if child.text is not None:
                    return child.text
        return None

    def walk(self) -> Iterator[Element]:
        """The element and everything inside, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()

    def positions(self) -> frozenset[int]:
        """The leaves of the record that are in it."""
        found: set[int] = set()
        for element in self.walk():
            for value in (element.text, *element.attributes.values()):
                found |= value.leaves if value is not None else frozenset()
        return frozenset(found)


def tree(view: View) -> Element:
    """The record; what a profile takes out, or says nothing, is not there."""
    reading = view.reading
    root = Element(view.kind)
    known: dict[str, Element] = {"": root}
    seen = {leaf.pattern: reading.positions(leaf.pattern) for leaf in reading.record.leaves}
    for position in sorted(position for positions in seen.values() for position in positions):
        leaf = reading.record.leaves[position]
        value = Value(leaf.value.strip(), frozenset({position}))
        above, _, last = leaf.path.rpartition("/")
        if last.startswith("@"):
            _element(known, above).attributes[last[1:]] = value
        elif last in {"text()", "."}:
            _element(known, above).text = value
        else:
            _element(known, leaf.path).text = value
    return root


def _element(known: dict[str, Element], path: str) -> Element:
    if path not in known:
        above, _, last = path.rpartition("/")
        known[path] = Element(pattern_of(last))
        _element(known, above).children.append(known[path])
    return known[path]
