"""What a mapping says of paths, for all the records of one conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from taxii_hub.mapping.record import Leaf

if TYPE_CHECKING:
    from taxii_hub.mapping.cleaners import Cleaned
    from taxii_hub.mapping.spec import Spec

_SHORT: Final = 40
_REMEMBERED: Final = 1000
"""So many texts of a path, of so many letters, are remembered as they were read."""


class Paths:
    """Everything here is found out once, and not for every record."""

    __slots__ = ("_elements", "_inside", "_names", "_texts", "spec", "special")

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.special = {path for path, listed in spec.fields.items() if listed.nothing}
        self._inside: dict[str, dict[str, bool]] = {}
        self._names: dict[str, dict[str, str]] = {}
        self._elements: dict[str, Callable[[str], str]] = {}
        self._texts: dict[str, dict[str, Cleaned]] = {path: {} for path in spec.fields}

    def inside(self, pattern: str, others: Iterable[str]) -> list[str]:
        """Those of the other patterns that are that one, or inside it."""
        known = self._inside.setdefault(pattern, {})
        found = []
        for other in others:
            held = known.get(other)
            if held is None:
                held = known[other] = other == pattern or other.startswith(f"{pattern}/")
            if held:
                found.append(other)
        return found

    def elements(self, pattern: str) -> Callable[[str], str]:
        """The function that gives, of a path inside an element of that pattern, the element's own."""
        if pattern not in self._elements:
            self._elements[pattern] = lru_cache(maxsize=_REMEMBERED)(
                partial(_beginning, pattern.count("/") + 1)
            )
        return self._elements[pattern]

    def names(self, pattern: str) -> dict[str, str]:
        """Of the paths that are read in groups of that pattern, as far as they are known, the whole ones."""
        return self._names.setdefault(pattern, {})

    def clean(self, leaf: Leaf) -> Cleaned:
        """Raises BadValueError. Lists say the same short things again and again."""
        known = self._texts[leaf.pattern]
        found = known.get(leaf.value)
        if found is None:
            found = self.spec.fields[leaf.pattern].clean(leaf.value)
            if len(leaf.value) <= _SHORT and len(known) < _REMEMBERED:
                known[leaf.value] = found
        return found


def _beginning(steps: int, path: str) -> str:
    parts = path.split("/", steps)
    return "/".join(parts[:steps]) if len(parts) > steps else path
