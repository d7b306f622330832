"""What a new catalogue would change, in words: above all who gains and who loses what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import Any

from taxii_hub.catalog.change import Change, ChangeKind
from taxii_hub.catalog.standing import group_changes, standing_changes
from taxii_hub.model import Agency, ApiRoot, Catalog, Collection

_Noun = Agency | ApiRoot | Collection
_EMPTY = Catalog((), ())
_TOLD_APART = frozenset(
    {
        "read",
        "write",
        "members",
        "memberships",
        "agreement",
        "collections",
        "retired",
        "number",
        "feed",
        "id",
        "api_root",
    }
)


def diff(old: Catalog | None, new: Catalog) -> list[Change]:
    """Every difference from the catalogue in force (None: there is none yet), rights first."""
    before = old or _EMPTY
    changes = [*_rights(before, new), *_api_roots(before, new), *_collections(before, new)]
    return [*changes, *_agencies(before, new), *group_changes(before, new)]


def refusals(old: Catalog | None, new: Catalog) -> list[str]:
    """Why ``new`` may not follow ``old``: collections that changed their API root without ``was:``."""
    was = {each.id: each for root in (old or _EMPTY).api_roots for each in root.collections}
    found = []
    for root in new.api_roots:
        for collection in root.collections:
            before = was.get(collection.id)
            if before is not None and before.api_root not in {root.path, root.was}:
                found.append(
                    f"{root.path}.yaml: collection {collection.alias} ({collection.id}) is in "
                    f"/{before.api_root}/ now; say `was: {before.api_root}` in {root.path}.yaml if the file was "
                    "renamed, else make a new collection (`taxii-hub collections new`)"
                )
    return found


# --- rights ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Right:
    """``collection`` is an id: a right follows the collection through a change of name."""

    agency: str
    verb: str
    collection: str


def _rights(old: Catalog, new: Catalog) -> Iterator[Change]:
    names = _names(old) | _names(new)
    before, after = _granted(old), _granted(new)
    sides: tuple[tuple[ChangeKind, set[_Right]], ...] = (("gains", after - before), ("loses", before - after))
    for kind, rights in sides:
        ordered = sorted(rights, key=lambda right: (right.agency, names[right.collection], right.verb))
        for (agency, collection), group in groupby(
            ordered, key=lambda right: (right.agency, right.collection)
        ):
            verbs = " and ".join(right.verb for right in group)
            name = names[collection]
            yield Change(kind, name, f"{agency} {kind} {verbs} on {name}", agency)


def _granted(catalog: Catalog) -> set[_Right]:
    """What the catalogue really allows: grants within the members, and no writing when retired."""
    rights = set()
    for root in catalog.api_roots:
        for collection in root.collections:
            rights |= {_Right(agency, "read", collection.id) for agency in collection.read & root.members}
            if not collection.retired:
                rights |= {
                    _Right(agency, "write", collection.id) for agency in collection.write & root.members
                }
    return rights


def _names(catalog: Catalog) -> dict[str, str]:
    return {each.id: _name(each) for root in catalog.api_roots for each in root.collections}


def _name(collection: Collection) -> str:
    return f"{collection.api_root}/{collection.alias}"


# --- things ------------------------------------------------------------------------------------


def _api_roots(old: Catalog, new: Catalog) -> Iterator[Change]:
    before = {root.path: root for root in old.api_roots}
    renamed = {root.was for root in new.api_roots if root.path not in before}
    for root in new.api_roots:
        former = before.get(root.path)
        if former is None and root.was in before:
            former = before[root.was]
            yield Change("renamed", root.path, f"API root {former.path} becomes {root.path}; its URLs change")
        if former is None:
            yield Change("new", root.path, f"API root {root.path} is new ({root.title})")
            yield from standing_changes(_without_members(root), root)
            continue
        yield from _members(former, root)
        yield from standing_changes(former, root)
        yield from _fields(f"API root {root.path}", former, root, skip={"path", "was"})
    for path in sorted(before.keys() - {root.path for root in new.api_roots} - renamed):
        yield Change("removed", path, f"API root {path} is removed")


def _without_members(root: ApiRoot) -> ApiRoot:
    return replace(root, members=frozenset(), memberships=(), agreement=None)


def _members(former: ApiRoot, root: ApiRoot) -> Iterator[Change]:
    for agency in sorted(root.members - former.members):
        yield Change("gains", root.path, f"{agency} becomes a member of {root.path}", agency)
    for agency in sorted(former.members - root.members):
        yield Change("loses", root.path, f"{agency} is no member of {root.path} any more", agency)


def _collections(old: Catalog, new: Catalog) -> Iterator[Change]:
    before = {each.id: each for root in old.api_roots for each in root.collections}
    after = {each.id: each for root in new.api_roots for each in root.collections}
    for key, collection in after.items():
        name = _name(collection)
        former = before.get(key)
        if former is None:
            yield Change("new", name, f"collection {name} is new ({collection.title})")
            continue
        if _name(former) != name:
            yield Change("renamed", name, f"collection {_name(former)} becomes {name}")
        if collection.retired and not former.retired:
            yield Change("retired", name, f"collection {name} is retired: readable, closed to writers")
        if former.retired and not collection.retired:
            yield Change("reopened", name, f"collection {name} is open again")
        yield from _fields(f"collection {name}", former, collection, skip={"alias"})
    for name in sorted(_name(before[key]) for key in before.keys() - after.keys()):
        yield Change("removed", name, f"collection {name} is removed")


def _agencies(old: Catalog, new: Catalog) -> Iterator[Change]:
    before = {agency.name: agency for agency in old.agencies}
    after = {agency.name: agency for agency in new.agencies}
    for name, agency in after.items():
        if name not in before:
            yield Change("new", name, f"agency {name} is new ({agency.title})")
        else:
            yield from _fields(f"agency {name}", before[name], agency, skip=set())
    for name in sorted(before.keys() - after.keys()):
        yield Change("removed", name, f"agency {name} is removed; its accounts see nothing any more")


def _fields(subject: str, former: _Noun, noun: _Noun, skip: set[str]) -> Iterator[Change]:
    for each in fields(noun):
        was, now = getattr(former, each.name), getattr(noun, each.name)
        if was != now and each.name not in _TOLD_APART | skip:
            words = f"{subject}: {each.name} {_shown(was)} becomes {_shown(now)}"
            yield Change("changed", subject.rpartition(" ")[2], words)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "nothing"
    return "nothing" if value is None else str(value)
