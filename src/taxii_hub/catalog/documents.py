"""A catalogue as a plain document, for storing, and back; equal catalogues have equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from taxii_hub.errors import CatalogError
from taxii_hub.model import Agency, Agreement, ApiRoot, Catalog, Collection, Group, Membership

FORMAT = 1
_LATER = (
    "minimise",
    "audit",
    "unmarked",
    "hold",
    "signatures",
    "release_within_hours",
    "granular",
    "tlp1_twin",
    "retention_days",
    "review_days",
)
"""Keys of a collection that are absent where they say nothing, so that the digests of catalogues that were
applied before there were such keys stay what they are. The same holds for agreements, memberships, groups."""
_DEFAULTS = {each.name: each.default for each in fields(Collection) if each.name in _LATER}


def to_document(catalog: Catalog) -> dict[str, Any]:
    """What the catalogue says, without its version and numbers; sets become sorted lists."""
    groups = {"groups": [_group_document(group) for group in catalog.groups]} if catalog.groups else {}
    return {
        "format": FORMAT,
        "agencies": [_agency_document(agency) for agency in catalog.agencies],
        "api_roots": [_api_root_document(root) for root in catalog.api_roots],
        **groups,
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
            groups=tuple(_group(each) for each in document.get("groups", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
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


def _group_document(group: Group) -> dict[str, Any]:
    return {"name": group.name, "title": group.title, "members": [list(each) for each in group.members]}


def _group(document: Mapping[str, Any]) -> Group:
    members = tuple((name, since, until) for name, since, until in document["members"])
    return Group(document["name"], document["title"], members)


def _agreement_document(agreement: Agreement) -> dict[str, Any]:
    return asdict(agreement) | {"purposes": sorted(agreement.purposes)}


def _agreement(document: Mapping[str, Any] | None) -> Agreement | None:
    if document is None:
        return None
    return Agreement(**{**document, "purposes": frozenset(document["purposes"])})


def _membership_document(membership: Membership) -> dict[str, Any]:
    return asdict(membership) | {
        "clearances": sorted(membership.clearances),
        "purposes": sorted(membership.purposes),
        "agreement": _agreement_document(membership.agreement) if membership.agreement else None,
    }


def _membership(document: Mapping[str, Any]) -> Membership:
    sets = {name: frozenset(document[name]) for name in ("clearances", "purposes")}
    return Membership(**{**document, **sets, "agreement": _agreement(document["agreement"])})


def _api_root_document(root: ApiRoot) -> dict[str, Any]:
    agreed: dict[str, Any] = {}
    if root.agreement is not None:
        agreed["agreement"] = _agreement_document(root.agreement)
    if root.memberships:
        agreed["memberships"] = [_membership_document(each) for each in root.memberships]
    return {
        "path": root.path,
        "title": root.title,
        "description": root.description,
        "contact": root.contact,
        "members": sorted(root.members),
        "max_content_length": root.max_content_length,
        "was": root.was,
        **agreed,
        "collections": [_collection_document(each) for each in root.collections],
    }


def _collection_document(collection: Collection) -> dict[str, Any]:
    view = {"view_of": collection.view_of, "types": list(collection.types)} if collection.view_of else {}
    later = {name: getattr(collection, name) for name in _LATER}
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
        **{name: value for name, value in later.items() if value != _DEFAULTS[name]},
    }


def _api_root(document: Mapping[str, Any]) -> ApiRoot:
    values = dict(document)
    values["members"] = frozenset(values["members"])
    values["collections"] = tuple(_collection(each) for each in values["collections"])
    values["agreement"] = _agreement(values.get("agreement"))
    values["memberships"] = tuple(_membership(each) for each in values.get("memberships", ()))
    return ApiRoot(**values)


def _collection(document: Mapping[str, Any]) -> Collection:
    values = dict(document)
    for name in ("read", "write"):
        values[name] = frozenset(values[name])
    for name in ("media_types", "accepts", "types"):
        values[name] = tuple(values.get(name, ()))
    return Collection(**values)
