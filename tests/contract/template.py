"""``{{name.path[*]|filter}}`` in the cases, and the paths that select from JSON documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_TOKEN = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\*|-?[0-9]+)\]")


class Absent:
    """What a path selects where there is nothing."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


def select(document: Any, path: str) -> Any:
    """The value at ``path`` (``$`` is the document); ``[*]`` makes it a list of what is there."""
    if path == "$":
        return document
    values, many = [document], False
    place = 0
    while place < len(path):
        token = _TOKEN.match(path, place)
        if token is None:
            raise ValueError(f"{path!r} cannot be read at {path[place:]!r}")
        place = token.end()
        many = many or token[2] == "*"
        values = [found for value in values for found in _step(value, token)]
    return values if many else values[0] if values else ABSENT


def _step(value: Any, token: re.Match[str]) -> list[Any]:
    key, index = token.groups()
    if key is not None:
        return [value[key]] if isinstance(value, dict) and key in value else []
    if not isinstance(value, list):
        return []
    return value if index == "*" else value[int(index) : (int(index) + 1) or None]


def render(value: Any, variables: Mapping[str, Any]) -> Any:
    """``value`` with every placeholder replaced; a string that is one placeholder keeps its type."""
    if isinstance(value, dict):
        return {render(key, variables): render(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [render(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:
        return _evaluate(whole[1], variables)
    return _PLACEHOLDER.sub(lambda found: str(_evaluate(found[1], variables)), value)


def _evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    path, *filters = (part.strip() for part in expression.split("|"))
    value = select(dict(variables), path)
    if value is ABSENT:
        raise KeyError(f"{{{{{expression}}}}}: nothing of that name was made or captured")
    for name_and_argument in filters:
        name, _, argument = name_and_argument.partition(" ")
        value = FILTERS[name](value, argument)
    return value


def _shift(text: str, microseconds: str) -> str:
    time = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    return f"{time + timedelta(microseconds=int(microseconds)):%Y-%m-%dT%H:%M:%S.%fZ}"


FILTERS: dict[str, Callable[[Any, str], Any]] = {
    "join": lambda value, _: ",".join(value),
    "quote": lambda value, _: quote(str(value), safe=""),
    "json": lambda value, _: json.dumps(value),
    "shift": _shift,
    "slice": lambda value, bounds: value[slice(*(int(n) if n else None for n in bounds.split(":")))],
    "reversed": lambda value, _: value[::-1],
    "plus": lambda value, number: value + int(number),
    "path": lambda value, _: urlsplit(value).path,
}
