"""Statement markings whose text is a banner line (``SECRET//REL TO USA, GBR``, ``TLP:RED``, ``H2``).

A line is understood wholly or not at all. A statement that is no caveat, a copyright line for instance,
says nothing about readers; one that looks like a caveat and is in no table is not understood.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, lru_cache
from typing import Final

from taxii_hub.policy.tables import SILENT, Row, folded, names, table
from taxii_hub.policy.terms import Term

LONGEST: Final = 1000
LONGEST_STATEMENT: Final = 20_000
_SHORT: Final = 80
_TEXT: Final = 200
_NAME: Final = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+)*")
_WORDS: Final = re.compile(
    r"\b(?:TLP|SECRET|CONFIDENTIAL|RESTRICTED|CLASSIFIED|UNCLASSIFIED|FOUO|CUI|RESTREINT|GEHEIM"
    r"|VERTRAULICH|DIENSTGEBRAUCH|CONFIDENTIEL|SENSITIVE|PROTECTED|HANDLING|CAVEAT|DISSEM(?:INATION)?|REL)\b"
    r"|NOFORN|ORCON|RELIDO"
)
_URL: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://\S*")
_PROSE: Final = re.compile(
    r"\b(?:NO|NOT|WITHOUT|NEVER|LIMITED)\b.{0,60}?\b(?:DISSEMINAT|DISTRIBUT|RELEAS|SHAR|FORWARD|DISCLOS|FOREIGN|PASS)"
    r"|\b(?:EYES|USE|OFFICIAL|INTERNAL|RECIPIENTS?) ONLY\b|\bNEED.TO.KNOW\b|\bRELEASABLE\b|\bTHIRD.PARTY RULE\b"
    r"|\bHANDLING CODE\b|\bTLP\b|\bORIGINATOR\b|\bNUR FUR\b|\bH[0-3]\b"
)


def terms_of_statement(text: str) -> tuple[Term, ...] | None:
    """The terms of a statement; None for a caveat that is not understood, and for a text so long that one
    might hide in it."""
    if len(text) > LONGEST_STATEMENT:
        return None
    return _remembered(text) if len(text) <= LONGEST else _terms(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> tuple[Term, ...] | None:
    return _terms(text)


def _terms(text: str) -> tuple[Term, ...] | None:
    line = re.sub(r"\bTLP ?[: -] ?(?=[A-Z])", "TLP:", folded(text))
    if len(line) <= LONGEST and (found := _line(line)):
        return found
    if _like_a_caveat(text, line):
        return None
    return (Term("a statement", SILENT),)


def _line(line: str) -> tuple[Term, ...] | None:
    if (term := _entry(line)) is not None:
        return (term,)
    found: list[Term] = []
    for segment in line.split("//"):
        terms = _segment(segment.strip())
        if terms is None:
            return None
        found += terms
    return tuple(found)


def _segment(segment: str) -> list[Term] | None:
    """One entry, or several between single slashes, else between commas."""
    for separator in (None, "/", ","):
        parts = [segment] if separator is None else segment.split(separator)
        terms = [_entry(part.strip()) for part in parts]
        if all(term is not None for term in terms):
            return [term for term in terms if term is not None]
    return None


def _entry(entry: str) -> Term | None:
    exact, patterns = _spellings()
    if entry in exact:
        return replace(exact[entry].template, name=entry)
    for before, kind, after, row in patterns:
        inner = entry[len(before) : len(entry) - len(after)].strip()
        if not inner or not entry.startswith(before) or not entry.endswith(after):
            continue
        if kind == "text" and len(inner) <= _TEXT and "//" not in inner:
            return row.filled_with(text=inner)
        given = [part.strip() for part in re.split(r"[,/]", inner)]
        if kind == "names" and all(_NAME.fullmatch(name) for name in given):
            return row.filled_with(names=frozenset(given))
    return None


@cache
def _spellings() -> tuple[dict[str, Row], tuple[tuple[str, str, str, Row], ...]]:
    """What is compared letter by letter, and what has a part to be filled in."""
    exact: dict[str, Row] = {}
    patterns: list[tuple[str, str, str, Row]] = []
    for each in (table(name) for name in names()):
        if each.form != "statement":
            continue
        for row in each.rows:
            for spelling in (row.term, *row.also):
                before, brace, rest = spelling.partition("{")
                if not brace:
                    exact[folded(spelling)] = row
                    continue
                kind, _, after = rest.partition("}")
                patterns.append((_edge(before), kind, _edge(after), row))
    # The longer beginning first: NOT FOR is no country.
    return exact, tuple(sorted(patterns, key=lambda each: (-len(each[0]), -len(each[2]))))


def _edge(text: str) -> str:
    """Folded, with the blank that parts it from what is filled in."""
    inner = folded(text)
    return (" " if text.startswith(" ") else "") + inner + (" " if text.endswith(" ") else "")


def _like_a_caveat(text: str, line: str) -> bool:
    line, text = _URL.sub(" ", line), _URL.sub(" ", text)
    if "//" in line or _PROSE.search(line):
        return True
    # In a long sentence such a word counts where it is written in capitals.
    return bool(_WORDS.search(line if len(line) <= _SHORT else text))
