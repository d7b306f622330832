"""Names that are made of parts, each with further spellings in languages and scripts. Shared by the hooks of mappings.

A part is a group with ``@order``, ``value`` and groups ``spelling-variant`` (``@lang``, ``@script``, its text);
``@name-part-type`` says what the part is.
"""

from __future__ import annotations

from itertools import zip_longest

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.names import script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View


def parts(named: View) -> list[View]:
    """The parts in their order."""
    return sorted(named.groups("name-part"), key=_order)


def _order(part: View) -> int:
    said = part.get("@order")
    return int(said.data) if said is not None and str(said.data).isdigit() else 0


def full(named: View) -> Value | None:
    """The values of the parts, in their order."""
    return Value.joined([value for part in parts(named) if (value := part.get("value"))], " ")


def leaves(*values: Value | None) -> frozenset[int]:
    """Where all of them come from."""
    return frozenset().union(*(value.leaves for value in values if value is not None))


def whole(named: View, *more: Value | None) -> dict[str, Tree]:
    """The name as it is written first; ``more`` are values that the order of names depends on."""
    found, made = parts(named), full(named)
    order = Value.joined([said for part in found if (said := part.get("@order")) is not None], " ")
    return {
        "full": Value(made.data, leaves(made, *more)) if made is not None else None,
        "source": {"information": [{"key": "order", "value": order}]} if order is not None else None,
        "script": script(made) if made is not None else None,
        "language": named.get("@lang"),
        "parts": [
            {"type": part.get("@name-part-type") or "other", "value": part.get("value")}
            for part in found
            if part.get("value") is not None
        ],
    }


def spellings(named: View) -> list[dict[str, Tree]]:
    """One name for each language and script, and the n-th for the n-th spelling of its parts: every
    spelling stands in one name."""
    found_parts = parts(named)
    cultures: dict[tuple[str, str], None] = {}
    spelt: list[dict[tuple[str, str], list[View]]] = []
    for part in found_parts:
        found: dict[tuple[str, str], list[View]] = {}
        for variant in part.groups("spelling-variant"):
            found.setdefault(_culture(variant), []).append(variant)
        cultures.update(dict.fromkeys(found))
        spelt.append(found)
    return [
        _spelt(found_parts, row)
        for culture in cultures
        for row in zip_longest(*(found.get(culture, []) for found in spelt))
    ]


def _culture(variant: View) -> tuple[str, str]:
    language, writing = variant.get("@lang"), variant.get("@script")
    return (str(language.data) if language else "", str(writing.data) if writing else "")


def _spelt(named_parts: list[View], row: tuple[View | None, ...]) -> dict[str, Tree]:
    texts = [
        value
        for part, variant in zip(named_parts, row, strict=True)
        if (value := variant.get(".") if variant is not None else part.get("value")) is not None
    ]
    spelt = Value.joined(texts, " ")
    said = [variant for variant in row if variant is not None]
    language, writing = _joint(said, "@lang"), _joint(said, "@script")
    code = writing.derive(str(writing.data).title()) if writing and len(str(writing.data)) == 4 else None
    code = code or (script(spelt) if spelt is not None else None)
    return {
        "full": spelt,
        **(
            {"kind": "original-script"} if code is not None and code.data != "Latn" else {"kind": "variation"}
        ),
        "script": code,
        "script_text": writing if code is None or (writing and not writing.leaves <= code.leaves) else None,
        "language": language,
    }


def _joint(variants: list[View], path: str) -> Value | None:
    """What all of them say (they are grouped by it)."""
    found = [value for variant in variants if (value := variant.get(path)) is not None]
    return Value(found[0].data, leaves(*found)) if found else None
