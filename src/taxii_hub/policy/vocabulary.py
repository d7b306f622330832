"""Marking definitions → terms of the vocabularies that the hub knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from taxii_hub.policy.terms import Term
from taxii_hub.stix.markings import TLP_WORDS

STATEMENT: Final = "statement"


def terms_of(marking: str, definition: Mapping[str, Any] | None) -> tuple[Term, ...] | None:
    """The terms of a marking; None where it is not understood. TLP is known by its ids alone."""
    if marking in TLP_WORDS:
        return (tlp_term(TLP_WORDS[marking]),)
    if definition is None:
        return None
    if definition.get("definition_type") == STATEMENT:
        return (Term("a statement", STATEMENT),)
    return None


def tlp_term(word: str) -> Term:
    """A word of the Traffic Light Protocol; RED is for named persons, which a feed cannot reach."""
    red = word not in {"clear", "green", "amber", "amber+strict"}
    return Term(f"TLP:{word.upper()}", f"tlp: {word}", audience=frozenset() if red else None)
