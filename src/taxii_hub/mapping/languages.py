"""Texts that the source gives in several languages: groups with ``@lang`` and a text. Shared by the hooks of mappings."""

from __future__ import annotations

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View


def is_in(group: View, language: str) -> bool:
    """Whether the group is in that language (as the source spells it)."""
    said = group.get("@lang")
    return said is not None and said.data == language


def text_in(view: View, path: str, language: str) -> Value | None:
    """The text at the path in that language."""
    return next((group.get(".") for group in view.groups(path) if is_in(group, language)), None)


def label(group: View, word: str, *more: Value | None) -> Tree:
    """``word (language)``; ``more`` are values that the label stands for, too."""
    said = group.get("@lang")
    if said is None:
        return word
    leaves = frozenset().union(*(value.leaves for value in (said, *more) if value is not None))
    return Value(f"{word} ({said.data})", leaves, derived=True)
