"""Writing a new collection into its file, leaving every other line as it is."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

import yaml

from taxii_hub.catalog.located import Problems, parse, sentence
from taxii_hub.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Stanza:
    """A collection to be written; ``None`` and empty values are left to their defaults."""

    alias: str
    title: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    description: str | None = None
    default_marking: str | None = None
    validation: str | None = None
    accepts: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The YAML of a list item, with a fresh id of version 4."""
        pairs = [("id", str(uuid.uuid4())), ("alias", self.alias), ("title", _quoted(self.title))]
        if self.description:
            pairs.append(("description", _quoted(self.description)))
        pairs += [("read", _names(self.read)), ("write", _names(self.write))]
        if self.validation:
            pairs.append(("validation", _quoted(self.validation)))
        if self.default_marking:
            pairs.append(("default_marking", self.default_marking))
        if self.accepts:
            pairs.append(("accepts", f"[{', '.join(self.accepts)}]"))
        return [f"{'- ' if at == 0 else '  '}{key}: {value}" for at, (key, value) in enumerate(pairs)]


def insert(file: str, data: bytes, stanza: Stanza) -> tuple[bytes, str]:
    """The file with the stanza as the last collection, and the stanza's text alone.

    Raises CatalogError where the file cannot be read or its collections are no block list.
    """
    problems = Problems()
    root = parse(file, data, problems)
    if root is None:
        raise CatalogError("\n".join(sentence(problem) for problem in problems.found))
    node = next((value for key, value in root.value if key.value == "collections"), None)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style:
        raise CatalogError(
            f"{file}: has no list of collections; write a line `collections:` and a first `- id:`"
        )
    lines = data.decode("utf-8").splitlines()
    # A block list ends where the next key begins: step back over what belongs to that key.
    end = node.end_mark.line if node.end_mark.column == 0 else node.end_mark.line + 1
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    new = [" " * node.start_mark.column + line for line in stanza.lines()]
    return "\n".join([*lines[:end], "", *new, *lines[end:]]).encode() + b"\n", "\n".join(new)


def _quoted(text: str) -> str:
    # A JSON string is a YAML string, whatever it holds.
    return json.dumps(text, ensure_ascii=False)


def _names(names: tuple[str, ...]) -> str:
    return names[0] if names == ("members",) else f"[{', '.join(names)}]"
