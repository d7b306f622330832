"""What a page asks of MongoDB: pure compilation of a query and a Visibility into finds.

Every find is hinted, and never has more than :data:`MAX_SCANS` index branches (classes, or classes
times types): above 200 MongoDB drops the merge of sorted branches and sorts the whole rest of the
feed. What needs more is split into several finds of one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel

from taxii_hub.model import ObjectQuery, VersionFilter, Visibility
from taxii_hub.store.base import Projection

MAX_SCANS = 200

INDEXES: dict[str, list[IndexModel]] = {
    "entries": [
        IndexModel(
            [("c", ASCENDING), ("p", ASCENDING), ("s", ASCENDING)],
            name="last",
            partialFilterExpression={"l": 1},
        ),
        IndexModel([("c", ASCENDING), ("p", ASCENDING), ("s", ASCENDING)], name="all"),
        IndexModel(
            [("c", ASCENDING), ("t", ASCENDING), ("p", ASCENDING), ("s", ASCENDING)],
            name="type",
            partialFilterExpression={"l": 1},
        ),
        IndexModel(
            [("c", ASCENDING), ("i", ASCENDING), ("p", ASCENDING), ("v", ASCENDING)],
            name="object",
            unique=True,
        ),
        IndexModel(
            [("c", ASCENDING), ("e", ASCENDING)],
            name="expiry",
            partialFilterExpression={"e": {"$exists": True}},
        ),
    ],
    "statuses": [
        IndexModel([("at", ASCENDING)], name="kept", expireAfterSeconds=7 * 24 * 3600),
        IndexModel([("told", ASCENDING)], name="told", sparse=True),
    ],
    "policies": [IndexModel([("c", ASCENDING), ("key", ASCENDING)], name="key", unique=True)],
    "clocks": [],
    "counters": [],
    "leases": [],
    "audit_queue": [],
    "withdrawals": [
        IndexModel([("c", ASCENDING), ("p", ASCENDING), ("at", ASCENDING)], name="listed"),
        IndexModel([("c", ASCENDING), ("agency", ASCENDING), ("at", ASCENDING)], name="origin"),
    ],
    "held": [
        IndexModel(
            [(name, ASCENDING) for name in ("collection", "agency", "kind", "object_id", "version")],
            name="version",
            unique=True,
        ),
        IndexModel([("agency", ASCENDING), ("due", ASCENDING)], name="agency"),
        IndexModel([("due", ASCENDING)], name="due"),
    ],
    "settled": [
        IndexModel([("agency", ASCENDING), ("ended_at", DESCENDING)], name="agency"),
        IndexModel([("until", ASCENDING)], name="kept", expireAfterSeconds=0),
    ],
    "release_requests": [
        IndexModel([("account", ASCENDING), ("at", ASCENDING)], name="account"),
        IndexModel([("agency", ASCENDING), ("at", DESCENDING)], name="agency"),
        IndexModel([("api_root", ASCENDING), ("at", ASCENDING)], name="asked"),
        IndexModel([("until", ASCENDING)], name="kept", expireAfterSeconds=0),
    ],
    "stamp_history": [
        IndexModel([("c", ASCENDING), ("p", ASCENDING), ("s", ASCENDING)], name="stamp"),
        IndexModel([("c", ASCENDING), ("i", ASCENDING)], name="object"),
    ],
}

FIELDS: dict[Projection, dict[str, int]] = {
    "objects": {"_id": 0, "s": 1, "i": 1, "v": 1, "w": 1, "a": 1, "b": 1},
    "content": {"_id": 0, "s": 1, "b": 1},
    "manifest": {"_id": 0, "s": 1, "i": 1, "v": 1, "w": 1, "a": 1},
}

LAST = VersionFilter()


@dataclass(frozen=True, slots=True)
class Find:
    """One find: ``order`` its sort, ``hint`` the index it must use."""

    filter: dict[str, Any]
    order: tuple[tuple[str, int], ...]
    hint: str


BY_STAMP = (("s", ASCENDING),)
BY_VERSION = (("v", ASCENDING),)


def page_finds(visibility: Visibility, query: ObjectQuery, scans: int = MAX_SCANS) -> list[Find]:
    """The finds that together give a page in stamp order (to be merged where they are several).

    None has more than ``scans`` branches, and they have their classes by turns: whoever shared them out in
    the order in which they came to be would ask one find for what is old and another for what is new.
    """
    if not visibility.classes:
        return []
    if query.ids:
        return _by_id(visibility, query)
    if query.types and query.versions == LAST:
        return _by_type(visibility, query, scans)
    hint = "last" if query.versions == LAST else "all"
    rest = _residual(visibility, query)
    if query.types:
        rest["t"] = {"$in": list(query.types)}
    return [
        Find({"c": visibility.collection, "p": {"$in": classes}, **_after(query), **rest}, BY_STAMP, hint)
        for classes in _parts(visibility.classes, scans)
    ]


def _by_type(visibility: Visibility, query: ObjectQuery, scans: int) -> list[Find]:
    rest = _residual(visibility, query)
    per_find = max(1, scans // len(query.types))
    return [
        Find(
            {"c": visibility.collection, "t": {"$in": types}, "p": {"$in": classes}, **_after(query), **rest},
            BY_STAMP,
            "type",
        )
        for types in chunks(query.types, scans)
        for classes in _parts(visibility.classes, per_find)
    ]


def _by_id(visibility: Visibility, query: ObjectQuery) -> list[Find]:
    """Sorted by version MongoDB takes a scan for each id and class, which ends before the next class: so
    entries that the reader may not see cost no key (with a sort by stamp they do, and tell of themselves)."""
    rest = _residual(visibility, query)
    if query.types:
        rest["t"] = {"$in": list(query.types)}
    return [
        Find(
            {"c": visibility.collection, "i": {"$in": ids}, "p": {"$in": classes}, **_after(query), **rest},
            BY_VERSION,
            "object",
        )
        for classes in chunks(visibility.classes, MAX_SCANS)
        for ids in chunks(query.ids, max(1, MAX_SCANS // len(classes)))
    ]


def class_finds(visibility: Visibility, ids: Sequence[str], among: Sequence[int]) -> list[Find]:
    """The last visible versions of these objects, as far as they are in the classes ``among``."""
    rest = _residual(visibility, ObjectQuery())
    return [
        Find(
            {"c": visibility.collection, "i": {"$in": part}, "p": {"$in": classes}, **rest},
            BY_VERSION,
            "object",
        )
        for classes in chunks(among, MAX_SCANS)
        for part in chunks(ids, max(1, MAX_SCANS // len(classes)))
    ]


def class_scans(visibility: Visibility, among: Sequence[int]) -> list[Find]:
    """Everything that the reader sees last and that is in the classes ``among``."""
    rest = _residual(visibility, ObjectQuery())
    return [
        Find({"c": visibility.collection, "p": {"$in": classes}, **rest}, BY_STAMP, "last")
        for classes in _parts(among, MAX_SCANS)
    ]


def version_finds(visibility: Visibility, object_id: str, *, expired: bool) -> list[Find]:
    """The visible versions of one object, the newest first, with or without what has expired.

    Sorting by version reads one key of each class to find the first, however many versions there are.
    """
    alive = {} if expired else _alive(visibility)
    order = (("v", DESCENDING),)
    return [
        Find(
            {
                "c": visibility.collection,
                "i": object_id,
                "p": {"$in": classes},
                "d": {"$nin": list(visibility.classes)},
                **alive,
            },
            order,
            "object",
        )
        for classes in chunks(visibility.classes, MAX_SCANS)
    ]


def newest_finds(visibility: Visibility) -> list[Find]:
    """The newest visible stamp of the collection: the greatest ``s`` over all finds."""
    return [
        Find(
            {"c": visibility.collection, "p": {"$in": classes}, **_alive(visibility)},
            (("s", DESCENDING),),
            "all",
        )
        for classes in chunks(visibility.classes, MAX_SCANS)
    ]


def _after(query: ObjectQuery) -> dict[str, Any]:
    bound = start_of(query)
    return {} if bound is None else {"s": {"$gt": bound}}


def start_of(query: ObjectQuery) -> int | None:
    """Where the answer starts (exclusively): the walk's position, else ``added_after``."""
    given = [value for value in (query.added_after, query.position) if value is not None]
    return max(given, default=None)


def _residual(visibility: Visibility, query: ObjectQuery) -> dict[str, Any]:
    """The version filter, relative to the reader (see ``plan.py`` for the fields), and expiry."""
    readable = list(visibility.classes)
    versions = query.versions
    last: dict[str, Any] = {"l": 1, "u": {"$nin": readable}}
    if versions == LAST:
        return {**last, **_alive(visibility)}
    if "all" in versions.keywords:
        return {"d": {"$nin": readable}, **_alive(visibility)}
    choices: list[dict[str, Any]] = []
    if "last" in versions.keywords:
        choices.append(last)
    if "first" in versions.keywords:
        choices.append({"f": 1, "g": {"$nin": readable}})
    if versions.exact:
        exact = list(versions.exact)
        choices += [{"v": {"$in": exact}}, {"v": 0, "a": {"$in": exact}}]
    return {"d": {"$nin": readable}, "$or": choices, **_alive(visibility)}


def _alive(visibility: Visibility) -> dict[str, Any]:
    """What has no ``e`` never expires; expiry ends an object for everybody and revives nothing."""
    return {"e": {"$not": {"$lte": visibility.at}}}


def _parts(classes: Sequence[int], most: int) -> Iterator[list[int]]:
    """As few parts as need be, of like sizes: each find then gives about the same share of a page."""
    count = -(-len(classes) // most)
    return (list(classes[first::count]) for first in range(count))


T = TypeVar("T")


def chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    """``values`` in lists of at most ``size``."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])
