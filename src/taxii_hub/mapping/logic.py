"""Conditions that a source joins by AND and OR, as STIX patterns."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from taxii_hub.mapping.observables import Observable, comparison

_MANY: Final = frozenset({"mutex"})
"""A process has many of them: two conditions are about two objects."""


class Term(NamedTuple):
    """One comparison: the STIX object's type, ``text`` for inside of ``[ ]``, where it comes from, and, where it
    compares otherwise than with ``=``, the pattern of the one value that it names (None: it names none)."""

    type: str
    text: str
    source: Any
    exact: str | None = None


class Group(NamedTuple):
    """Conditions under one operator, AND or OR."""

    operator: str
    parts: tuple[Term | Group, ...]


Logic = Term | Group


def term(observable: Observable, source: Any) -> Term:
    """The comparison of a value."""
    text = comparison(observable)[1:-1]
    return Term(text.partition(":")[0], text, source)


def joined(operator: str, parts: list[Logic]) -> Logic | None:
    """The conditions as one; None where there is none."""
    return Group(operator, tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def terms(logic: Logic) -> list[Term]:
    """Every comparison."""
    return [logic] if isinstance(logic, Term) else [found for part in logic.parts for found in terms(part)]


def observed(logic: Logic, above: str = "") -> str:
    """The pattern. Conditions on one object stand in one ``[ ]``: they are about the same file, key or connection."""
    if _one_object(logic):
        return f"[{_inside(logic)}]"
    parts = _together(logic) if isinstance(logic, Group) else [logic]
    operator = logic.operator if isinstance(logic, Group) else ""
    text = f" {operator} ".join(observed(part, operator) for part in parts)
    return f"({text})" if above and above != operator else text


def alternatives(logic: Logic) -> dict[str, Logic]:
    """The patterns of what each alone means what it meant, as stix/splitter.py takes the whole apart."""
    if isinstance(logic, Group) and logic.operator == "OR":
        return {text: part for inner in logic.parts for text, part in alternatives(inner).items()}
    return {observed(logic): logic}


def _types(logic: Logic) -> set[str]:
    return {found.type for found in terms(logic)}


def _one_object(logic: Logic) -> bool:
    if isinstance(logic, Term):
        return True
    if len(_types(logic)) > 1 or _types(logic) & _MANY:
        return False
    equal = [
        part.text.partition(" = ")[0] for part in logic.parts if isinstance(part, Term) and " = " in part.text
    ]
    contradicts = logic.operator == "AND" and len(set(equal)) < len(equal)
    return not contradicts and all(map(_one_object, logic.parts))


def _together(logic: Group) -> list[Logic]:
    """The parts, of an AND those about one object as one."""
    if logic.operator == "OR":
        return list(logic.parts)
    same: dict[str, list[Logic]] = {}
    for part in logic.parts:
        same.setdefault(" ".join(sorted(_types(part))), []).append(part)
    made: list[Logic] = []
    for parts in same.values():
        whole = Group("AND", tuple(parts))
        made += [whole] if len(parts) > 1 and len(parts) < len(logic.parts) and _one_object(whole) else parts
    return made


def _inside(logic: Logic, above: str = "") -> str:
    """For inside of ``[ ]``."""
    if isinstance(logic, Term):
        return f"({logic.text})" if " AND " in logic.text and above == "OR" else logic.text
    text = f" {logic.operator} ".join(_inside(part, logic.operator) for part in logic.parts)
    return f"({text})" if above and above != logic.operator else text
