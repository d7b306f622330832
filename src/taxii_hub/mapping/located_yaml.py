"""YAML whose every key knows its line, so that a wrong mapping is refused with file, line and key."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from taxii_hub.errors import MappingError

DEEPEST: Final = 100
"""Levels that a mapping may have inside one another; those that there are have nine."""


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML value with its place: ``key`` is the way to it (``objects.person.type``)."""

    data: Any
    file: str
    line: int
    key: str

    def fail(self, message: str) -> NoReturn:
        """Raise MappingError: file, line, key, and the message, which says what to do."""
        raise MappingError(f"{self.file}:{self.line}: {self.key or 'the file'}: {message}")

    def items(self, known: Collection[str] | None = None) -> dict[str, Located]:
        """The entries of a mapping; unknown keys are refused when ``known`` is given."""
        if not isinstance(self.data, dict):
            self.fail("a mapping (key: value) is wanted")
        for key, value in self.data.items():
            if known is not None and key not in known:
                value.fail(f"there is no such key; known are {', '.join(sorted(known))}")
        return dict(self.data)

    def elements(self) -> list[Located]:
        """The elements of a list; a single value counts as a list of one."""
        return list(self.data) if isinstance(self.data, list) else [self]

    def text(self) -> str:
        """A non-empty text."""
        if not isinstance(self.data, str) or not self.data.strip():
            self.fail("a text is wanted; put it in quotes if it looks like something else")
        return self.data.strip()

    def texts(self) -> tuple[str, ...]:
        """One text or a list of them."""
        return tuple(element.text() for element in self.elements())

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.data, dict):
            return {key: value.plain() for key, value in self.data.items()}
        if isinstance(self.data, list):
            return [value.plain() for value in self.data]
        return self.data


def load(path: Path) -> Located:
    """The document in ``path``. Raises MappingError for what is no YAML, repeats a key or uses tags."""
    name = f"{path.parent.name}/{path.name}"
    try:
        node = _composed(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        raise MappingError(
            f"{place}: not YAML ({getattr(error, 'problem', None) or error}); mend it"
        ) from None
    if node is None:
        raise MappingError(f"{name}: is empty; docs/mappings.md shows what belongs into it")
    return _Builder(name).build(node, "")


def _composed(text: str) -> yaml.Node | None:
    """The document's nodes, by the parser written in C where PyYAML has it: a tenth of the time for all mappings.
    That one follows any depth until the process dies of it, so the depth is looked at first."""
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise yaml.YAMLError(f"more than {DEEPEST} levels inside one another")
    node: yaml.Node | None = yaml.compose(text, Loader=loader)
    return node


class _Builder:
    def __init__(self, file: str) -> None:
        self._file = file
        self._scalars = yaml.SafeLoader("")
        self._open: set[int] = set()

    def build(self, node: yaml.Node, key: str) -> Located:
        line = node.start_mark.line + 1
        if id(node) in self._open:
            Located(None, self._file, line, key).fail("refers to itself; write it out")
        self._open.add(id(node))
        data = self._data(node, key)
        self._open.discard(id(node))
        return Located(data, self._file, line, key)

    def _data(self, node: yaml.Node, key: str) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._entries(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, f"{key}[{i}]") for i, child in enumerate(node.value)]
        try:
            value: Hashable = self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError):
            Located(None, self._file, node.start_mark.line + 1, key).fail("cannot be read; put it in quotes")
        return value

    def _entries(self, node: yaml.MappingNode, key: str) -> dict[str, Located]:
        entries: dict[str, Located] = {}
        for name_node, value_node in node.value:
            name = name_node.value if isinstance(name_node, yaml.ScalarNode) else ""
            value = self.build(value_node, f"{key}.{name}".lstrip("."))
            value = Located(value.data, self._file, name_node.start_mark.line + 1, value.key)
            if not name or name in entries:
                value.fail("stands here a second time; keep one" if name else "a key must be a text")
            entries[name] = value
        return entries
