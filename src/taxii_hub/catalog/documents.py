"""A catalogue as a plain document, for storing, and back; equal catalogues have equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taxii_hub.errors import CatalogError
from taxii_hub.model import Agency, ApiRoot, Catalog, Collection

FORMAT = 1


def to_document(catalog: Catalog) -> dict[str, Any]:
    """What the catalogue says, without its version and numbers; sets become sorted lists."""
    return {
        "format": FORMAT,
        "agencies": [_agency_document(agency) for agency in catalog.agencies],
        "api_roots": [_api_root_document(root) for root in catalog.api_roots],
    }


def from_document(document: Mapping[str, Any]) -> Catalog:
    """The catalogue of a stored document, digest filled.

    Raises CatalogError for a document that this hub's version did not write.
    """
    if document.get("format") != FORMAT:
        raise CatalogError(
            f"the stored catalogue has format {document.get('format')!r}, this hub reads {FORMAT}; "
            "run the newer hub, or apply the catalogue again with this one"
        )
    try:
        catalog = Catalog(
            api_roots=tuple(_api_root(each) for each in document["api_roots"]),
            agencies=tuple(Agency(**each) for each in document["agencies"]),
        )
    except (KeyError, TypeError) as error:
        raise CatalogError(f"the stored catalogue cannot be read ({error}); apply it again") from error
    return with_digest(catalog)


def with_digest(catalog: Catalog) -> Catalog:
    return replace(catalog, digest=digest(to_document(catalog)))


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a document, in hexadecimal."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _agency_document(agency: Agency) -> dict[str, Any]:
    return {
        "name": agency.name,
        "title": agency.title,
        "country": agency.country,
        "contact": agency.contact,
        "identity": agency.identity,
    }


def _api_root_document(root: ApiRoot) -> dict[str, Any]:
    return {
        "path": root.path,
        "title": root.title,
        "description": root.description,
        "contact": root.contact,
        "members": sorted(root.members),
        "max_content_length": root.max_content_length,
        "was": root.was,
        "collections": [_collection_document(each) for each in root.collections],
    }


def _collection_document(collection: Collection) -> dict[str, Any]:
    view = {"view_of": collection.view_of, "types": list(collection.types)} if collection.view_of else {}
    # Absent where it says nothing: the digests of catalogues that were applied before stay what they are.
    minimise = {"minimise": collection.minimise} if collection.minimise else {}
    return {
        "id": collection.id,
        "alias": collection.alias,
        "title": collection.title,
        "api_root": collection.api_root,
        "description": collection.description,
        "read": sorted(collection.read),
        "write": sorted(collection.write),
        "media_types": list(collection.media_types),
        "validation": collection.validation,
        "default_marking": collection.default_marking,
        "accepts": list(collection.accepts),
        "retired": collection.retired,
        **view,
        **minimise,
    }


def _api_root(document: Mapping[str, Any]) -> ApiRoot:
    values = dict(document)
    values["members"] = frozenset(values["members"])
    values["collections"] = tuple(_collection(each) for each in values["collections"])
    return ApiRoot(**values)


def _collection(document: Mapping[str, Any]) -> Collection:
    values = dict(document)
    for name in ("read", "write"):
        values[name] = frozenset(values[name])
    for name in ("media_types", "accepts", "types"):
        values[name] = tuple(values.get(name, ()))
    return Collection(**values)
