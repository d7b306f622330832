"""The vocabularies as data: ``policy/vocabularies/*.yaml``, one row for each term.

A policy officer reads and reviews the files; docs/policy.md shows them. They are part of the program: a
wrong file is a defect, found by the tests that check every row and every example.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from taxii_hub.policy.terms import ORIGIN_COUNTRY, Term

FOLDER: Final = Path(__file__).parent / "vocabularies"
COMMUNITY: Final = "community"
"""The file of invented agencies that the examples speak of; no vocabulary."""
LEVELS: Final = ("unclassified", "restricted", "confidential", "secret", "top-secret")
SILENT: Final = "statement"
"""Starts the row of a term that says nothing about readers."""


@dataclass(frozen=True, slots=True)
class Row:
    """``term`` and ``also`` are spellings, ``{names}`` and ``{text}`` in them stand for what a marking
    fills in. ``field`` is where the value stands, in vocabularies that have fields. ``says`` is the
    meaning in words, ``template`` in the terms of the reading rule; ``filled`` names what ``{names}``
    fills: ``audience``, ``excluded`` or ``needs``."""

    term: str
    says: str
    source: str
    template: Term
    field: str | None = None
    also: tuple[str, ...] = ()
    filled: str | None = None
    examples: tuple[Mapping[str, Any], ...] = ()

    def filled_with(self, names: frozenset[str] = frozenset(), text: str = "") -> Term:
        """The term as a marking uses it."""
        shown = re.sub(r"\{\w+\}", lambda _: text or ", ".join(sorted(names)), self.term)
        term = replace(self.template, name=shown)
        match self.filled:
            case "audience":
                return replace(term, audience=names)
            case "excluded":
                return replace(term, excluded=names)
            case "needs":
                return replace(term, needs=names)
            case _:
                return replace(term, duties=term.duties | {text}) if text else term


@dataclass(frozen=True, slots=True)
class Table:
    """One vocabulary. ``base`` is the smallest valid marking, for examples that only say what differs."""

    name: str
    title: str
    about: str
    form: str
    rows: tuple[Row, ...]
    base: Mapping[str, Any]

    def row(self, term: str, field: str | None = None) -> Row | None:
        """The row of an exact spelling, without regard to case where it has no field."""
        for row in self.rows:
            if row.field == field and term in (row.term, *row.also):
                return row
        return None


def names() -> tuple[str, ...]:
    """The names of all vocabularies."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != COMMUNITY))


@cache
def table(name: str) -> Table:
    """One vocabulary, read once."""
    data = read(name)
    return Table(
        name=name,
        title=data["title"],
        about=data["about"],
        form=data["form"],
        rows=tuple(_row(name, each) for each in data["rows"]),
        base=data.get("base", {}),
    )


def read(name: str) -> dict[str, Any]:
    """The plain content of a file."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    safe = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    loaded: dict[str, Any] = yaml.load(text, Loader=safe)  # noqa: S506 (both are safe; one is written in C)
    return loaded


def folded(text: str) -> str:
    """Capitals without accents, blanks as one: how spellings are compared."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.upper().split())


def _row(name: str, data: Mapping[str, Any]) -> Row:
    values: Mapping[str, Any] = data.get("means", {})
    filled = [key for key in ("audience", "excluded", "needs") if values.get(key) == "{names}"]
    where = f"{name}: {data['term']}"
    purposes = values.get("purposes")
    return Row(
        term=data["term"],
        says=data["says"],
        source=data["source"],
        field=data.get("field"),
        also=tuple(data.get("also", ())),
        filled=filled[0] if filled else None,
        examples=tuple(data.get("examples", ())),
        template=Term(
            name=data["term"],
            row=where if data.get("tells_readers", True) else f"{SILENT}: {where}",
            level=LEVELS.index(values.get("level", LEVELS[0])),
            audience=_names(values.get("audience")),
            excluded=_names(values.get("excluded")) or frozenset(),
            needs=_names(values.get("needs")) or frozenset(),
            purposes=None if purposes is None else frozenset(purposes),
            duties=frozenset(values.get("duties", ())),
            hold=values.get("hold") == "always",
            hold_relayed=values.get("hold") == "relayed",
        ),
    )


def _names(values: Any) -> frozenset[str] | None:
    if values is None or values == "{names}":
        return None
    return frozenset(ORIGIN_COUNTRY if each == "origin country" else each for each in values)
