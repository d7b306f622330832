"""What hooks of several mappings need for names and for lists with repetitions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.record import Value
from taxii_hub.stix import canonical_json

_SCRIPTS: Final = {
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BENGALI": "Beng",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor",
    "GREEK": "Grek",
    "HANGUL": "Hang",
    "HEBREW": "Hebr",
    "HIRAGANA": "Hira",
    "KATAKANA": "Kana",
    "LATIN": "Latn",
    "MYANMAR": "Mymr",
    "THAI": "Thai",
}


def script(name: Value) -> Value | None:
    """ISO 15924 code of the script of the name's first letter that is in the table."""
    for letter in str(name.data):
        word = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
        if letter.isalpha() and word in _SCRIPTS:
            return name.derive(_SCRIPTS[word])
    return None


def distinct(trees: Iterable[Tree]) -> list[tuple[Tree, int]]:
    """Equal trees are one, which then comes from the leaves of all; with how many there were.

    Lists that were joined before they were exported repeat what they say (formats.md section 2.3).
    """
    return _counted([(plain(tree), tree) for tree in trees])


def once(trees: Iterable[Tree]) -> list[Tree]:
    """The distinct ones of those that say something."""
    telling = [(said, tree) for tree in trees if (said := plain(tree))]
    return [tree for tree, _ in _counted(telling)]


def _counted(given: Sequence[tuple[Any, Tree]]) -> list[tuple[Tree, int]]:
    """``given``: what each says, and the tree."""
    if len(given) < 2:
        return [(tree, 1) for _, tree in given]
    found: dict[str | bytes, tuple[Tree, int]] = {}
    for said, tree in given:
        key = said if isinstance(said, str) else _key(said)
        known = found.get(key)
        found[key] = (tree, 1) if known is None else (_united(known[0], tree), known[1] + 1)
    return list(found.values())


def _key(said: Any) -> bytes:
    """The same for equal values."""
    try:
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, which orjson refuses
        return canonical_json.dumps({"": said}).encode("utf-8", "surrogatepass")


def flags(found: Iterable[tuple[str, Value]]) -> list[Value]:
    """The words whose values are true; ``none`` where all are false. What is false is told by the
    first word's origin: it has no word of its own."""
    said = list(found)
    raised = [value.derive(word) for word, value in said if value.data]
    lowered = frozenset().union(*(value.leaves for _, value in said if not value.data))
    if lowered:
        first = raised[0] if raised else Value("none", frozenset())
        raised[:1] = [Value(first.data, first.leaves | lowered, derived=True)]
    return raised


def _united(first: Tree, second: Tree) -> Tree:
    if isinstance(first, Value) and isinstance(second, Value):
        return Value(first.data, first.leaves | second.leaves, first.derived)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {key: _united(inner, second.get(key)) for key, inner in first.items()}
    if isinstance(first, list) and isinstance(second, list):
        return [_united(one, other) for one, other in zip(first, second, strict=True)]
    return first
