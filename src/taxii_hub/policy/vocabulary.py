"""Marking definitions → terms of the vocabularies that the hub knows (``policy/vocabularies/*.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from taxii_hub.model import Reader
from taxii_hub.policy.banner import terms_of_statement
from taxii_hub.policy.extensions import (
    ACS,
    RELEASABILITY,
    extension_of,
    terms_of_acs,
    terms_of_iep,
    terms_of_releasability,
)
from taxii_hub.policy.reading import decide
from taxii_hub.policy.tables import SILENT, names, table
from taxii_hub.policy.terms import Community, Term, meaning
from taxii_hub.stix.markings import TLP_WORDS


def terms_of(marking: str, definition: Mapping[str, Any] | None) -> tuple[Term, ...] | None:
    """The terms of a marking; None where it is not understood. TLP is known by its ids alone."""
    if marking in TLP_WORDS:
        return (tlp_term(TLP_WORDS[marking]),)
    if definition is None:
        return None
    kind, given = definition.get("definition_type"), definition.get("definition")
    if "extensions" in definition:
        return None if kind is not None else _of_extension(definition)
    match kind:
        case "statement":
            text = given.get("statement") if isinstance(given, dict) else None
            return terms_of_statement(text) if isinstance(text, str) else None
        case "iep":
            return terms_of_iep(given)
        case _:
            return None


@cache
def tlp_term(word: str) -> Term:
    """A word of the Traffic Light Protocol; one that is none counts as RED."""
    known = table("tlp2").row(f"TLP:{word.upper()}") or table("tlp2").row("TLP:RED")
    return known.template if known is not None else Term(word, "tlp2", audience=frozenset())


def terms_read_by(reader: Reader, community: Community) -> dict[str, list[str]]:
    """Of each vocabulary, the terms with which a stranger's object would be read by ``reader``.

    Terms that are filled in, and those with fields, depend on the object; they are left out.
    """
    found: dict[str, list[str]] = {}
    for each in (table(name) for name in names()):
        if each.form != "statement":
            continue
        plain = (row.template for row in each.rows if "{" not in row.term)
        found[each.name] = [
            term.name
            for term in plain
            if not term.row.startswith(SILENT) and decide(meaning(term, "", community).policy, reader)
        ]
    return found


def _of_extension(definition: Mapping[str, Any]) -> tuple[Term, ...] | None:
    """Beside another extension even one that is known may mean something else."""
    match extension_of(definition):
        case (name, given) if name == RELEASABILITY:
            return terms_of_releasability(given)
        case (name, given) if name == ACS:
            return terms_of_acs(given)
        case _:
            return None
