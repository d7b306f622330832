"""YAML with places: text in, nodes that know their line out, every problem collected.

Only the plain core of YAML is read: no anchors, aliases (the way to a bomb), tags or second
documents, and no key twice. PyYAML's own loaders would accept all of these silently.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from taxii_hub.model import Problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: file name, 1-based line (None for the whole file), key path."""

    file: str
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Problems:
    """Collects what is wrong, so that one run tells everything."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, place: Place, message: str, remedy: str) -> None:
        self.found.append(
            Problem("catalog", message, source=place.file, line=place.line, path=place.key, remedy=remedy)
        )


def sentence(problem: Problem) -> str:
    """One line: file:line: key: what is wrong; what to do."""
    place = problem.source if problem.line is None else f"{problem.source}:{problem.line}"
    key = f"{problem.path}: " if problem.path else ""
    return f"{place}: {key}{problem.message}; {problem.remedy}"


def parse(file: str, data: bytes, problems: Problems) -> yaml.MappingNode | None:
    """The root mapping of one file; None (and a problem) where it cannot be read at all."""
    if len(data) > MAX_BYTES:
        problems.add(Place(file), f"larger than {MAX_BYTES:,} bytes", "split or shorten it")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(Place(file, line), "not UTF-8", "save the file as UTF-8")
        return None
    try:
        return _compose(file, text, problems)
    except yaml.YAMLError as error:
        _report_syntax(file, error, problems)
        return None


def _compose(file: str, text: str, problems: Problems) -> yaml.MappingNode | None:
    if not _is_plain(file, text, problems):
        return None
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        problems.add(Place(file, 1), "holds no keys", "write `key: value` lines; see docs/catalogue.md")
        return None
    return node


def _is_plain(file: str, text: str, problems: Problems) -> bool:
    """Events come without recursion or expansion, so this look is safe before anything is built."""
    depth, plain = 0, True
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = Place(file, event.start_mark.line + 1 if event.start_mark else None)
        if getattr(event, "anchor", None) is not None:
            problems.add(place, "an anchor or alias (`&`, `*`) is used", "write the value out")
            plain = False
        if getattr(event, "tag", None) is not None:
            problems.add(place, "a tag (`!`) is used", "write the plain value")
            plain = False
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            problems.add(place, "nested too deeply", "see docs/catalogue.md for the form of the file")
            return False
    return plain


def _report_syntax(file: str, error: yaml.YAMLError, problems: Problems) -> None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark is not None else None
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    problems.add(Place(file, line), f"no valid YAML ({what})", "mend the syntax at or above this line")
