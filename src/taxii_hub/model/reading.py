"""Who may read what, and what is asked and answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

VersionKeyword = Literal["first", "last", "all"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may read one object version. Distinct values are interned to *policy classes*.

    ``level`` is a rank on the ladder of classifications; ``audience`` the agencies beside the origin
    (None: everybody who reads the collection); ``needs`` the compartments that must all be held;
    ``purposes`` those for which it may be read (None: any).
    """

    origin: str
    level: int = 0
    audience: frozenset[str] | None = None
    needs: frozenset[str] = frozenset()
    purposes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks, as the one reading rule sees him: an agency in a framework, for one purpose."""

    agency: str
    level: int = 0
    clearances: frozenset[str] = frozenset()
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one reader may see of one collection: the only key with which the store can be read.

    ``classes`` are the readable policy classes, ascending; ``epoch`` the catalogue version that
    they were computed under; ``at`` the moment: what has expired by then is gone for everybody.
    """

    collection: int
    agency: str
    classes: tuple[int, ...]
    epoch: int
    at: int


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """``match[version]``: keywords, and exact versions in microseconds. Default: the last one."""

    keywords: frozenset[VersionKeyword] = frozenset({"last"})
    exact: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectQuery:
    """The filters of one request, as understood.

    ``added_after``: only what was added strictly after it. ``position``: where a walk by ``next``
    goes on (strictly after it); it never widens ``added_after``. ``limit`` is None where the
    request names none. ``spec_versions`` empty: the newest one of each object.
    """

    added_after: int | None = None
    position: int | None = None
    limit: int | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: VersionFilter = field(default_factory=VersionFilter)
    spec_versions: tuple[str, ...] = ()


class Entry(NamedTuple):
    """One feed entry as read; what the projection leaves out is empty. ``data`` holds the object's own
    bytes, ``version`` the STIX timestamp text that names the version, ``stamp`` the
    ``date_added``."""

    id: str
    version: str
    stamp: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. ``more``: entries after the last one of this page match too. ``mark`` is set on
    an empty page only: what both date headers say (None: leave them out). ``exists`` is False
    where a single object was asked for and the reader may see no version of it.

    The entries stand in columns, each as long as ``stamps`` or empty where the projection leaves it out:
    thousands of tuples cost more than all the rest of a page."""

    stamps: Sequence[int]
    data: Sequence[bytes] = ()
    ids: Sequence[str] = ()
    versions: Sequence[str] = ()
    more: bool = False
    mark: int | None = None
    exists: bool = True

    @staticmethod
    def of(entries: Sequence[Entry], *, more: bool = False, exists: bool = True) -> Page:
        """The page that has these."""
        ids, versions, stamps, data = zip(*entries, strict=True) if entries else ((), (), (), ())
        return Page(stamps, data, ids, versions, more=more, exists=exists)

    @property
    def entries(self) -> list[Entry]:
        """One by one."""
        count = len(self.stamps)
        texts, data = [""] * count, [b""] * count
        columns = (self.ids or texts, self.versions or texts, self.stamps, self.data or data)
        return [Entry(*row) for row in zip(*columns, strict=True)]
