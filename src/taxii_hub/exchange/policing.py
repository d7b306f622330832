"""Which policy each object of a request gets: its markings, then what it connects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from taxii_hub.catalog.lookup import agencies_by_identity
from taxii_hub.exchange.access import Place, own_visibility, visibility_of
from taxii_hub.model import Catalog, ObjectQuery, Policy
from taxii_hub.policy.marking import Clause, Marked, Setting, all_marked, markings_of
from taxii_hub.policy.reading import connected
from taxii_hub.policy.terms import Community
from taxii_hub.stix import timestamps
from taxii_hub.stix.markings import TLP_WORDS
from taxii_hub.taxii.envelope import parse_envelope

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

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
    found = all_marked(values, setting)
    here = {value["id"]: (each.policy, each.hold) for value, each in zip(values, found, strict=True)}
    linked = [ends_of(value) for value in values]
    ends = set(chain.from_iterable(linked)) - here.keys()
    connecting = frozenset(each.policy for refs, each in zip(linked, found, strict=True) if refs)
    known_ends = await stored_policies(hub, place, ends, connecting)
    stored = {ref: (policy, False) for ref, policy in known_ends.items()}
    known = [each for each in (stored, await _held_policies(hub, place, ends), here) if each]
    return [
        _narrowed(each, [(ref, *each[ref]) for ref in refs for each in known if ref in each])
        if refs
        else each
        for refs, each in zip(linked, found, strict=True)
    ]


async def setting_of(hub: Hub, place: Place, values: Sequence[Value]) -> Setting:
    """What the markings of these objects mean when this account publishes them here now."""
    here = {value["id"]: value for value in values if value["type"] == "marking-definition"}
    asked: set[str] = set()
    for value in values:
        if "object_marking_refs" in value or "granular_markings" in value:
            asked |= markings_of(value)
    asked -= here.keys()
    stored = await _own_definitions(hub, place, asked)
    return Setting(
        origin=place.account.agency,
        default_marking=place.collection.default_marking,
        community=community_of(hub.catalog, hub.now()),
        definitions={**here, **stored},
        identities=agencies_by_identity(hub.catalog),
    )


def community_of(catalog: Catalog, now: int) -> Community:
    """Who the names in markings stand for on the day of ``now`` (microseconds)."""
    return Community(
        countries={agency.name: agency.country for agency in catalog.agencies},
        groups={group.name: group for group in catalog.groups},
        day=timestamps.format(now)[:10],
    )


def ends_of(value: Value) -> tuple[str, ...]:
    """What a relationship or sighting connects; nothing for other objects."""
    names = _ENDS.get(value.get("type", ""))
    if names is None:
        return ()
    found: list[str] = []
    for name in names:
        given = value.get(name, [])
        found += [ref for ref in (given if isinstance(given, list) else [given]) if isinstance(ref, str)]
    return tuple(found)


def _narrowed(each: Marked, ends: Iterable[tuple[str, Policy, bool]]) -> Marked:
    """What connects something that waits for release waits too."""
    for ref, end, hold in ends:
        policy = connected(each.policy, end)
        if policy != each.policy or (hold and not each.hold):
            clause = Clause(ref, f"it connects {ref}", CONNECTED, policy, hold=hold)
            each = Marked(policy, (*each.clauses, clause))
    return each


async def _held_policies(hub: Hub, place: Place, ids: set[str]) -> dict[str, tuple[Policy, bool]]:
    """Of what the publisher's own agency has on hold."""
    if not ids:
        return {}
    feed = place.collection.feed
    held = await hub.queue.of_objects(place.account.agency, feed, sorted(ids))
    classes = await hub.feed.classes(feed) if held else {}
    return {each.object_id: (classes[each.policy], True) for each in held}


async def stored_policies(
    hub: Hub, place: Place, ids: set[str], narrowed: Iterable[Policy] | None = None
) -> dict[str, Policy]:
    """Of what the publisher may see; a copy that is hidden from him must not change what he gets.

    ``narrowed``: only policies that would narrow one of these are of interest.
    """
    if not ids:
        return {}
    classes = await hub.feed.classes(place.collection.feed)
    visibility = await visibility_of(hub, place.account, place.collection)
    narrow = tuple(n for n in visibility.classes if _narrows(classes[n], narrowed))
    if not narrow:
        return {}
    found = await hub.feed.classes_of(visibility, sorted(ids), narrow)
    return {object_id: classes[number] for object_id, number in found.items()}


def _narrows(policy: Policy, others: Iterable[Policy] | None) -> bool:
    if policy == Policy(policy.origin):
        return False
    # What narrows none of these narrows nothing that is narrower than they.
    return others is None or any(_narrower(other, policy) for other in others)


@lru_cache(maxsize=10_000)
def _narrower(policy: Policy, end: Policy) -> bool:
    return connected(policy, end) != policy


async def _own_definitions(hub: Hub, place: Place, ids: set[str]) -> dict[str, Value]:
    """Only the publisher's own count: else any writer could defuse the markings of others."""
    # TLP is known by its ids alone.
    unknown = sorted(i for i in ids if i.startswith("marking-definition--") and i not in TLP_WORDS)[:1000]
    if not unknown:
        return {}
    agency = place.account.agency
    own = await own_visibility(hub, agency, place.collection)
    page = await hub.feed.page(own, ObjectQuery(ids=tuple(unknown)), "objects", len(unknown))
    # A definition says what its agency means by a marking, on hold or not.
    held = await hub.queue.of_objects(agency, place.collection.feed, unknown)
    texts = [*(each.offer.data for each in held if each.offer), *page.data]
    stored = parse_envelope(b'{"objects":[' + b",".join(texts) + b"]}")
    return {m.value["id"]: m.value for m in stored if m.value is not None}
