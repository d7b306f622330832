"""Finding things in a catalogue by the names that URLs and commands use."""

from __future__ import annotations

from taxii_hub.model import Agency, ApiRoot, Catalog, Collection


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
