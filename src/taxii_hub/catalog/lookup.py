"""Finding things in a catalogue by the names that URLs and commands use."""

from __future__ import annotations

from dataclasses import replace

from taxii_hub.model import Agency, Agreement, ApiRoot, Catalog, Collection
from taxii_hub.stix import timestamps


def find_api_root(catalog: Catalog, path: str) -> ApiRoot | None:
    return next((root for root in catalog.api_roots if root.path == path), None)


def find_collection(api_root: ApiRoot, id_or_alias: str) -> Collection | None:
    """By id first: an alias never has the form of an id. Ids are compared without regard to case."""
    wanted = id_or_alias.lower()
    for collection in api_root.collections:
        if collection.id == wanted or collection.alias == id_or_alias:
            return collection
    return None


def find_agency(catalog: Catalog, name: str) -> Agency | None:
    return next((agency for agency in catalog.agencies if agency.name == name), None)


def agencies_by_identity(catalog: Catalog) -> dict[str, str]:
    """STIX identity → name, of the agencies that have one."""
    return {agency.identity: agency.name for agency in catalog.agencies if agency.identity}


def in_force_on(catalog: Catalog, now: int) -> Catalog:
    """The catalogue without the memberships whose agreement, or whose framework's agreement, has not
    begun or has ended at ``now`` (microseconds; the last day counts until its end, UTC)."""
    day = timestamps.format(now)[:10]
    return replace(catalog, api_roots=tuple(_standing(root, day) for root in catalog.api_roots))


def _standing(root: ApiRoot, day: str) -> ApiRoot:
    if not _stands(root.agreement, day):
        return replace(root, members=frozenset(), memberships=())
    ended = {each.agency for each in root.memberships if not _stands(each.agreement, day)}
    return replace(root, members=root.members - ended) if ended else root


def _stands(agreement: Agreement | None, day: str) -> bool:
    if agreement is None:
        return True
    begun = agreement.since is None or agreement.since <= day
    return begun and (agreement.until is None or day <= agreement.until)
