"""The markings of an object → the policy under which it is shared, clause by clause.

- Every marking is one or more terms of a vocabulary (``vocabulary.py``); each term is a clause, and
  the policy is the meet of all clauses: adding a marking to a marked object never adds a reader.
- A marking that the hub does not understand, or whose definition it has not from the same origin,
  means the origin only.
- What no marking of who may read covers counts as the collection's default marking: an object without
  one, and the unmarked rest of an object with granular ones.
- A granular marking counts for the whole object, because bytes are shared whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

from taxii_hub.model import Policy
from taxii_hub.policy.reading import meet, origin_only
from taxii_hub.policy.tables import SILENT
from taxii_hub.policy.terms import Community, Term, meaning
from taxii_hub.policy.vocabulary import terms_of, tlp_term

DEFAULT: Final = "default"
"""Stands for the collection's default marking where a clause names its marking."""


@dataclass(frozen=True, slots=True)
class Setting:
    """In what circumstances an object was published.

    ``definitions`` holds marking definitions by id. It must hold only what ``origin`` or the hub itself
    published, else any writer could defuse the markings of others. ``identities``: agencies by the STIX
    identity under which they publish.
    """

    origin: str
    default_marking: str
    community: Community
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    identities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clause:
    """One term of one marking: ``marking`` is the definition's id or :data:`DEFAULT`, ``term`` its
    wording, ``row`` the row of the table that translates it, ``note`` why it was not understood."""

    marking: str
    term: str
    row: str
    policy: Policy
    duties: frozenset[str] = frozenset()
    expires: int | None = None
    hold: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """The meet of all clauses: earliest expiry, every duty, held if any clause holds."""

    policy: Policy
    clauses: tuple[Clause, ...]

    @property
    def expires(self) -> int | None:
        """The first moment (microseconds) at which nobody may read it any more."""
        return min((c.expires for c in self.clauses if c.expires is not None), default=None)

    @property
    def duties(self) -> frozenset[str]:
        return frozenset().union(*(clause.duties for clause in self.clauses))

    @property
    def unmarked(self) -> bool:
        """Whether the collection's default stands in for a marking of the whole object."""
        return any(clause.marking == DEFAULT for clause in self.clauses)

    @property
    def hold(self) -> bool:
        return any(clause.hold for clause in self.clauses)


Named = tuple[tuple[str | None, ...], tuple[str | None, ...], bool]
"""All that counts of an object: markings of the whole, of parts, and whether it was relayed."""


def marked(value: Mapping[str, Any], setting: Setting) -> Marked:
    """The policy of an object as parsed.

    Never raises: what has not the form the standard gives it counts as not understood. A
    marking-definition object is treated like any other object.
    """
    return _marked(_named(value, setting), setting)


def all_marked(values: Iterable[Mapping[str, Any]], setting: Setting) -> list[Marked]:
    """The policies of the objects of one request, in order; those that are marked alike share one."""
    known: dict[Named, Marked] = {}
    found = []
    for value in values:
        named = _named(value, setting)
        if named not in known:
            known[named] = _marked(named, setting)
        found.append(known[named])
    return found


def _named(value: Mapping[str, Any], setting: Setting) -> Named:
    of_object = _ids(_object_markings(value)) if "object_marking_refs" in value else ()
    of_parts = _ids(_granular_markings(value)) if "granular_markings" in value else ()
    return of_object, of_parts, _relayed(value, setting)


def _ids(markings: Iterable[Any]) -> tuple[str | None, ...]:
    """None stands for whatever is no id."""
    return tuple(marking if isinstance(marking, str) else None for marking in markings)


def _marked(named: Named, setting: Setting) -> Marked:
    of_object, of_parts, relayed = named
    whole = [clause for ref in of_object for clause in _clauses(ref, setting, relayed)]
    parts = [clause for ref in of_parts for clause in _clauses(ref, setting, relayed)]
    clauses = whole + parts
    if not any(_tells_readers(clause) for clause in whole):
        clauses.append(_clause(DEFAULT, tlp_term(setting.default_marking), setting, relayed))
    ordered = tuple(sorted(set(clauses), key=lambda c: (c.marking, c.row, c.term)))
    return Marked(reduce(meet, [clause.policy for clause in ordered]), ordered)


def markings_of(value: Mapping[str, Any]) -> frozenset[str]:
    """The ids of all markings that an object names, whole or granular."""
    named = (*_object_markings(value), *_granular_markings(value))
    return frozenset(marking for marking in named if isinstance(marking, str))


def _tells_readers(clause: Clause) -> bool:
    """A copyright line says nothing about readers, so the default still counts."""
    return not clause.row.startswith(SILENT)


def _relayed(value: Mapping[str, Any], setting: Setting) -> bool:
    """Whether somebody else than its publisher made it: an originator's control is that one's."""
    creator = value.get("created_by_ref")
    return isinstance(creator, str) and setting.identities.get(creator) != setting.origin


def _clauses(ref: str | None, setting: Setting, relayed: bool) -> list[Clause]:
    if ref is None:
        return [_not_understood("?", setting, "a marking is no id")]
    terms = terms_of(ref, setting.definitions.get(ref))
    if terms is None:
        return [_not_understood(ref, setting, "its definition is not known from the same origin")]
    return [_clause(ref, term, setting, relayed) for term in terms]


def _clause(marking: str, term: Term, setting: Setting, relayed: bool) -> Clause:
    found = meaning(term, setting.origin, setting.community)
    note = f"nobody knows {', '.join(found.unknown)}" if found.unknown else None
    hold = term.hold or (term.hold_relayed and relayed)
    return Clause(marking, term.name, term.row, found.policy, term.duties, term.expires, hold, note)


def _not_understood(marking: str, setting: Setting, why: str) -> Clause:
    return Clause(marking, "a marking unknown to this hub", "unknown", origin_only(setting.origin), note=why)


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
