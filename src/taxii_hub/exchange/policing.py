"""Which policy each object of a request gets: its markings, then what it connects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from taxii_hub.exchange.access import Place, visibility_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Catalog, ObjectQuery, Policy, Visibility
from taxii_hub.policy.marking import Clause, Marked, Setting, marked, markings_of
from taxii_hub.policy.reading import connected
from taxii_hub.policy.terms import Community
from taxii_hub.taxii.envelope import parse_envelope

_ENDS: Final = {
    "relationship": ("source_ref", "target_ref"),
    "sighting": ("sighting_of_ref", "observed_data_refs", "where_sighted_refs"),
}
CONNECTED: Final = "connected"
"""Names the row of a clause that comes from the other end of a relationship."""

Value = Mapping[str, Any]


async def policed(hub: Hub, place: Place, values: Sequence[Value]) -> list[Marked]:
    """The policy of each object, in order, with the clauses that make it up."""
    setting = await setting_of(hub, place, values)
    found = [marked(value, setting) for value in values]
    here = {value["id"]: each.policy for value, each in zip(values, found, strict=True)}
    ends = {ref for value in values for ref in ends_of(value)} - here.keys()
    known = {**await _stored_policies(hub, place, ends), **here}
    return [
        _narrowed(each, [(ref, known[ref]) for ref in ends_of(value) if ref in known])
        for value, each in zip(values, found, strict=True)
    ]


async def setting_of(hub: Hub, place: Place, values: Sequence[Value]) -> Setting:
    """What the markings of these objects mean when this account publishes them here now."""
    here = {value["id"]: value for value in values if value.get("type") == "marking-definition"}
    asked = {ref for value in values for ref in markings_of(value)} - here.keys()
    stored = await _own_definitions(hub, place, asked)
    return Setting(
        origin=place.account.agency,
        default_marking=place.collection.default_marking,
        community=community_of(hub.catalog, hub.now()),
        definitions={**here, **stored},
        identities={agency.identity: agency.name for agency in hub.catalog.agencies if agency.identity},
    )


def community_of(catalog: Catalog, now: int) -> Community:
    """Who the names in markings stand for on the day of ``now`` (microseconds)."""
    return Community(
        countries={agency.name: agency.country for agency in catalog.agencies},
        groups={group.name: group for group in catalog.groups},
        day=datetime.fromtimestamp(now / 1_000_000, UTC).date().isoformat(),
    )


def ends_of(value: Value) -> tuple[str, ...]:
    """What a relationship or sighting connects; nothing for other objects."""
    found: list[str] = []
    for name in _ENDS.get(value.get("type", ""), ()):
        given = value.get(name, [])
        found += [ref for ref in (given if isinstance(given, list) else [given]) if isinstance(ref, str)]
    return tuple(found)


def _narrowed(each: Marked, ends: Iterable[tuple[str, Policy]]) -> Marked:
    for ref, end in ends:
        policy = connected(each.policy, end)
        if policy != each.policy:
            each = Marked(policy, (*each.clauses, Clause(ref, f"it connects {ref}", CONNECTED, policy)))
    return each


async def _stored_policies(hub: Hub, place: Place, ids: set[str]) -> dict[str, Policy]:
    """Of what the publisher may see; a copy that is hidden from him must not change what he gets."""
    if not ids:
        return {}
    classes = await hub.feed.classes(place.collection.feed)
    visibility = await visibility_of(hub, place.account, place.collection)
    narrow = tuple(n for n in visibility.classes if _narrows(classes[n]))
    if not narrow:
        return {}
    found = await hub.feed.classes_of(visibility, sorted(ids), narrow)
    return {object_id: classes[number] for object_id, number in found.items()}


def _narrows(policy: Policy) -> bool:
    return policy != Policy(policy.origin)


async def _own_definitions(hub: Hub, place: Place, ids: set[str]) -> dict[str, Value]:
    """Only the publisher's own count: else any writer could defuse the markings of others."""
    unknown = sorted(i for i in ids if i.startswith("marking-definition--"))[:1000]
    if not unknown:
        return {}
    agency = place.account.agency
    classes = await hub.feed.classes(place.collection.feed)
    own = tuple(sorted(number for number, policy in classes.items() if policy.origin == agency))
    visibility = Visibility(place.collection.feed, agency, own, hub.catalog.version, hub.now())
    page = await hub.feed.page(visibility, ObjectQuery(ids=tuple(unknown)), "objects", len(unknown))
    stored = parse_envelope(b'{"objects":[' + b",".join(entry.data for entry in page.entries) + b"]}")
    return {m.value["id"]: m.value for m in stored if m.value is not None}
