"""What one term of a vocabulary asks for, and the policy that it means in a community.

Vocabularies speak of countries and groups; a policy names agencies. Names are expanded on the day of
publication: who joins a group later gets nothing older through it, and who leaves keeps what it had.
A name that nobody knows releases to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from taxii_hub.model import Group, Policy
from taxii_hub.policy.countries import ALPHA_2

_COUNTRIES = frozenset(ALPHA_2.values())

ORIGIN_COUNTRY = "@origin-country"
"""Stands for the agencies of the origin's own country (NOFORN)."""


@dataclass(frozen=True, slots=True)
class Term:
    """One row of a vocabulary's table, with the values that a marking fills in.

    ``audience`` None: every reader; else names of countries (ISO 3166, two or three letters), groups
    and agencies. ``excluded``: names taken out of the audience. ``expires`` is the first moment
    (microseconds) at which nobody may read it any more. ``duties`` are carried and shown; the hub
    cannot enforce them. ``hold`` makes the object wait for a liaison officer, ``hold_relayed`` only that
    of another producer than its publisher. ``row`` names the table and the row for people.
    """

    name: str
    row: str
    level: int = 0
    audience: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    purposes: frozenset[str] | None = None
    duties: frozenset[str] = frozenset()
    expires: int | None = None
    hold: bool = False
    hold_relayed: bool = False


@dataclass(frozen=True, slots=True)
class Community:
    """Which agencies there are, of which countries, and what the groups mean on ``day`` (ISO date)."""

    countries: Mapping[str, str]
    groups: Mapping[str, Group] = field(default_factory=dict)
    day: str = "0000-00-00"

    def agencies_of(self, name: str, origin: str) -> frozenset[str] | None:
        """The agencies that a name stands for; None for a name that nobody knows."""
        if name in self.countries:
            return frozenset({name})
        if name == ORIGIN_COUNTRY:
            return self._of_country(self.countries.get(origin, ""))
        if name in self.groups:
            return self._of_group(self.groups[name], origin)
        country = ALPHA_2.get(name, name)
        known = country in _COUNTRIES or country in self.countries.values()
        return self._of_country(country) if known else None

    def _of_country(self, country: str) -> frozenset[str]:
        return frozenset(agency for agency, of in self.countries.items() if of == country)

    def _of_group(self, group: Group, origin: str) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for name, since, until in group.members:
            if (since or "") <= self.day and (until is None or self.day <= until):
                found |= self.agencies_of(name, origin) or frozenset()
        return found


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a term means here: the policy, and the names in it that nobody knows."""

    policy: Policy
    unknown: tuple[str, ...] = ()


def meaning(term: Term, origin: str, community: Community) -> Meaning:
    """The policy of a term that ``origin`` used; a name that is not known lets nobody in."""
    unknown: list[str] = []
    audience = term.audience
    if audience is not None:
        audience = _expanded(audience, origin, community, unknown)
    if term.excluded:
        out = _expanded(term.excluded, origin, community, unknown)
        audience = (frozenset(community.countries) if audience is None else audience) - out
        if unknown:
            audience = frozenset()
    return Meaning(Policy(origin, term.level, audience, term.needs, term.purposes), tuple(unknown))


def _expanded(names: Iterable[str], origin: str, community: Community, unknown: list[str]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for name in sorted(names):
        agencies = community.agencies_of(name, origin)
        if agencies is None:
            unknown.append(name)
        else:
            found |= agencies
    return found
