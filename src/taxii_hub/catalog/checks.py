"""What can only be seen across entries and files: uniqueness, and names that must exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from taxii_hub.catalog.forms import NOT_OF_A_VIEW
from taxii_hub.catalog.located import Place, Problems
from taxii_hub.catalog.section import Word
from taxii_hub.model import Agency, ApiRoot, Collection


@dataclass(frozen=True, slots=True)
class CollectionDraft:
    """A collection as read, with the places that its checks talk about."""

    collection: Collection
    place: Place
    places: Mapping[str, Place]
    granted: tuple[Word, ...]
    accepts: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class RootDraft:
    """An API root as read, with the places that its checks talk about."""

    api_root: ApiRoot
    place: Place
    places: Mapping[str, Place]
    members: tuple[Word, ...]
    purposes: tuple[Word, ...]
    collections: tuple[CollectionDraft, ...]


def check(
    drafts: Sequence[RootDraft],
    agencies: Mapping[str, Agency],
    known_mappings: frozenset[str] | None,
    problems: Problems,
) -> None:
    """Note everything that is wrong between the parts of a catalogue."""
    _unique("title", ((draft.api_root.title, draft.places["title"]) for draft in drafts), problems)
    collections = [each for draft in drafts for each in draft.collections]
    _unique("id", ((each.collection.id, each.places["id"]) for each in collections), problems)
    paths = {draft.api_root.path for draft in drafts}
    for draft in drafts:
        for key in ("alias", "title"):
            values = ((str(getattr(each.collection, key)), each.places[key]) for each in draft.collections)
            _unique(key, values, problems)
        _check_members(draft, agencies, problems)
        _check_was(draft, paths, problems)
        _check_purposes(draft, problems)
        for each in draft.collections:
            _check_collection(each, draft.api_root.members, agencies, problems)
            _check_accepts(each, known_mappings, problems)
            _check_minimise(each, problems)
            _check_hold(each, problems)
            _check_view(each, draft.collections, problems)
    _unique("was", ((draft.api_root.was or "", draft.places["was"]) for draft in drafts), problems)


def _unique(key: str, values: Iterable[tuple[str, Place]], problems: Problems) -> None:
    seen: dict[str, Place] = {}
    for value, place in values:
        first = seen.setdefault(value.casefold(), place)
        if value and first is not place:
            remedy = "a collection's id is never copied: `taxii-hub collections new` makes one"
            problems.add(
                place,
                f"{value!r} stands in {first} already",
                remedy if key == "id" else f"give each its own {key}",
            )


def _check_members(draft: RootDraft, agencies: Mapping[str, Agency], problems: Problems) -> None:
    for word in draft.members:
        if word.text not in agencies:
            problems.add(
                word.place, f"there is no agency {word.text!r}", "correct it, or add it to agencies.yaml"
            )


def _check_was(draft: RootDraft, paths: set[str], problems: Problems) -> None:
    was = draft.api_root.was
    if was is not None and was in paths:
        what = f"/{was}/ is there still"
        problems.add(draft.places["was"], what, f"remove {was}.yaml, or this line if nothing was renamed")


def _check_collection(
    draft: CollectionDraft, members: frozenset[str], agencies: Mapping[str, Agency], problems: Problems
) -> None:
    for word in draft.granted:
        if word.text in members:
            continue
        if word.text in agencies:
            problems.add(
                word.place, f"{word.text!r} is no member of this API root", "add it to `members:` as well"
            )
        else:
            problems.add(
                word.place,
                f"there is no agency {word.text!r}",
                "correct it, or write `members` for all members",
            )
    if members and not draft.granted and not draft.collection.retired:
        problems.add(
            draft.place, "nobody may read or write", "fill `read:` or `write:`, or say `retired: true`"
        )


def _check_accepts(draft: CollectionDraft, known: frozenset[str] | None, problems: Problems) -> None:
    for word in draft.accepts:
        if known is not None and word.text not in known:
            remedy = "see `taxii-hub mappings list`, or leave it out until the mapping exists"
            problems.add(word.place, f"there is no mapping {word.text!r}", remedy)


def _check_minimise(draft: CollectionDraft, problems: Problems) -> None:
    if draft.collection.minimise and not draft.accepts and "minimise" in draft.places:
        remedy = "add `accepts:`, or remove it: what clients publish is never changed"
        problems.add(draft.places["minimise"], "is for reports, and it accepts none", remedy)


def _check_purposes(draft: RootDraft, problems: Problems) -> None:
    """Purposes are words of the framework's own agreement: nobody makes up others."""
    agreement = draft.api_root.agreement
    named = frozenset() if agreement is None else agreement.purposes
    for word in draft.purposes:
        if word.text not in named:
            what = f"the agreement of {draft.api_root.path} names no purpose {word.text!r}"
            problems.add(
                word.place, what, f"add it to `agreement.purposes` of {draft.place.file}, or remove it"
            )


def _check_hold(draft: CollectionDraft, problems: Problems) -> None:
    if draft.collection.hold != "never" and draft.collection.signatures == 0:
        remedy = "say how many liaison officers release what is on hold: 1 or 2"
        problems.add(draft.places["signatures"], "is 0 beside `hold:`", remedy)


def _check_view(draft: CollectionDraft, neighbours: Sequence[CollectionDraft], problems: Problems) -> None:
    """A view shows no more, to nobody else, than the collection that it is of."""
    view = draft.collection
    if view.view_of is None:
        if view.types:
            problems.add(draft.places["types"], "belongs to a view", "add `view_of:`, or remove it")
        return
    for key in NOT_OF_A_VIEW:
        if key in draft.places:
            problems.add(draft.places[key], "a view has none: it is read-only", "remove the line")
    if not view.types:
        problems.add(draft.place, "a view needs `types:`", "list the STIX types that it shows")
    source = next((n.collection for n in neighbours if n.collection.alias == view.view_of), None)
    if source is None or source.view_of is not None:
        what = f"{view.view_of!r} is no collection of this API root" if source is None else "is a view itself"
        problems.add(draft.places["view_of"], what, "name the alias of a collection that holds objects")
    elif extra := sorted(view.read - source.read):
        what = f"{', '.join(extra)} may not read {source.alias}"
        problems.add(draft.places["read"], what, "a view has no readers that its source has not")
