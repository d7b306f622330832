"""Who may have an event: distribution and TLP tags, wherever in the event they stand."""

from __future__ import annotations

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_DISTRIBUTIONS = (
    "distribution",
    "Attribute/distribution",
    "Object/distribution",
    "Object/Attribute/distribution",
)
_TAGS = ("Tag/name", "Attribute/Tag/name", "Object/Attribute/Tag/name")
_LADDER = ("clear", "green", "amber", "amber+strict", "red")


def caveat(view: View) -> Tree:
    """The strictest word: what is said of one attribute stands in the event's own object too."""
    said = [_word(view, "distributions", value) for path in _DISTRIBUTIONS for value in view.all(path)]
    said += [_word(view, "tlp", value) for path in _TAGS for value in view.all(path) if _is_tlp(value)]
    words = [word for word in said if word is not None]
    if not words:
        return None
    strictest = max(words, key=lambda word: _LADDER.index(word.data))
    return Value(strictest.data, frozenset().union(*(word.leaves for word in words)), derived=True)


def _is_tlp(value: Value) -> bool:
    return str(value.data).casefold().startswith("tlp:")


def _word(view: View, table: str, value: Value) -> Value | None:
    text = str(value.data).casefold().removeprefix("tlp:")
    known = view.reading.spec.lookups[table]
    if text not in known:
        view.warn(value, "is no sharing level that the hub knows; it counts as TLP:RED", "correct it in MISP")
        return value.derive("red")
    word = known[text]
    return None if word is None else value.derive(word)
