"""Who may have a package."""

from __future__ import annotations

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.view import View

_WORDS = {
    "white": "clear",
    "clear": "clear",
    "green": "green",
    "amber": "amber",
    "amber+strict": "amber+strict",
    "red": "red",
}


def caveat(view: View) -> Tree:
    """The strictest TLP colour of the package (reader.py finds it), in any spelling. An unknown one refuses
    the package: it could mean anything."""
    value = view.get("caveat")
    if value is None:
        return None
    word = _WORDS.get(str(value.data).casefold())
    if word is None:
        view.refuse(value, "is no TLP colour; nobody knows who may read the package", "correct the colour")
    return value.derive(word)
