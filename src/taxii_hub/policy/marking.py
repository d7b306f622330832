"""The markings of an object → the policy under which it is shared.

- TLP CLEAR/WHITE, GREEN, AMBER and AMBER+STRICT: everybody who reads the collection.
- TLP RED, and any marking of which the hub does not know what it asks for: the origin only.
- A statement marking (a copyright line) whose definition came from the same origin restricts nobody.
- What no TLP marking covers counts as the collection's default marking: an object without one, and
  the unmarked rest of an object with granular ones.
- Several markings combine by meet; so adding one to a marked object never adds a reader. A granular
  marking counts for the whole object, because bytes are shared whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any, Final

from taxii_hub.model import Policy
from taxii_hub.policy.reading import meet, of_level
from taxii_hub.stix.markings import TLP_WORDS

_UNKNOWN: Final = "unknown"


def no_statements(marking_id: str) -> bool:
    """The answer of a hub that has read no marking definition."""
    return False


def policy_of(
    value: Mapping[str, Any],
    origin: str,
    default_marking: str,
    known_statements: Callable[[str], bool] = no_statements,
) -> Policy:
    """The policy of an object as parsed; ``default_marking`` is the collection's TLP word.

    ``known_statements`` tells of a marking id whether its definition is known here to be a
    statement. It must count only definitions that ``origin`` or the hub itself published, else any
    writer could defuse the markings of others. Never raises: what has not the form the standard
    gives it counts as unknown. A marking-definition object is treated like any other object.
    """
    whole = _levels(_object_markings(value), known_statements)
    parts = _levels(_granular_markings(value), known_statements)
    levels = {*whole, *parts} if whole else {default_marking, *parts}
    return reduce(meet, [of_level(origin, level) for level in sorted(levels)])


def markings_of(value: Mapping[str, Any]) -> frozenset[str]:
    """The ids of all markings that an object names, whole or granular."""
    named = (*_object_markings(value), *_granular_markings(value))
    return frozenset(marking for marking in named if isinstance(marking, str))


def _levels(markings: Iterator[Any], known_statements: Callable[[str], bool]) -> set[str]:
    levels = set()
    for marking in markings:
        if not isinstance(marking, str):
            levels.add(_UNKNOWN)
        elif marking in TLP_WORDS:
            levels.add(TLP_WORDS[marking])
        elif not known_statements(marking):
            levels.add(_UNKNOWN)
    return levels


def _object_markings(value: Mapping[str, Any]) -> Iterator[Any]:
    markings = value.get("object_marking_refs", [])
    yield from markings if isinstance(markings, list) else [None]


def _granular_markings(value: Mapping[str, Any]) -> Iterator[Any]:
    """An entry that names a language only marks nothing (STIX 2.1 section 7.2.3)."""
    granular = value.get("granular_markings", [])
    for entry in granular if isinstance(granular, list) else [None]:
        if not isinstance(entry, dict):
            yield None
        elif "marking_ref" in entry:
            yield entry["marking_ref"]
        elif not isinstance(entry.get("lang"), str):
            yield None
