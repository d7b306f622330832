"""``minimise:`` of a mapping.yaml → its profiles."""

from __future__ import annotations

from collections.abc import Mapping

from taxii_hub.mapping.containers import one_of
from taxii_hub.mapping.located_yaml import Located
from taxii_hub.mapping.minimise import COARSER, NORMALISED, Profile, Rule
from taxii_hub.mapping.readers.options import LibraryReader, Reader
from taxii_hub.mapping.spec import Field


def load_profiles(
    at: Located, fields: Mapping[str, Field], keys: frozenset[str], reader: Reader
) -> dict[str, Profile]:
    """``minimise:`` of a mapping; ``keys`` are the paths of which ids are made. Raises MappingError."""
    profiles = {}
    for name, profile in at.items().items():
        rules = {}
        for path, entry in profile.items().items():
            if path not in fields:
                entry.fail("is not listed in fields; correct the path")
            rule = _rule(entry, reader.kinds)
            if path in keys and rule.action != "keep":
                entry.fail("is part of the key, of which ids are made; it cannot be minimised")
            if isinstance(reader, LibraryReader) and (
                rule.action in {"coarsen", "pseudonymise"} or rule.kinds
            ):
                entry.fail("reader.py makes the objects, which can leave out a path only; write a reason")
            rules[path] = rule
        profiles[name] = Profile(name, rules)
    return profiles


def _rule(at: Located, kinds: frozenset[str]) -> Rule:
    if isinstance(at.data, str):
        return Rule("drop", at.text())
    entries = at.items({"keep", "drop", "coarsen", "pseudonymise", "why", "split", "kinds"})
    actions = sorted(entries.keys() & {"keep", "drop", "coarsen", "pseudonymise"})
    if len(actions) != 1:
        at.fail("exactly one of coarsen, drop, keep, pseudonymise is wanted")
    here = entries[actions[0]]
    of = (
        frozenset(one_of(each, kinds) for each in entries["kinds"].elements())
        if "kinds" in entries
        else kinds
    )
    only = of if of != kinds else frozenset()
    split = entries["split"].text() if "split" in entries else None
    match actions[0]:
        case "keep" | "drop" as action:
            if "why" in entries or split:
                at.fail(f"{action} takes its reason itself, and nothing but kinds beside it")
            return Rule(action, here.text(), kinds=only)
        case _:
            if "why" not in entries:
                at.fail("why is missing; say the reason")
            reason = entries["why"].text()
            if actions[0] == "coarsen":
                return Rule("coarsen", reason, one_of(here, frozenset(COARSER)), split, only)
            return Rule("pseudonymise", reason, one_of(here, frozenset(NORMALISED)), split, only)
