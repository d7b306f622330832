"""The hub's nouns: frozen dataclasses without behaviour.

Times are integer microseconds since the Unix epoch, UTC, unless a name says otherwise: BSON dates
hold milliseconds only, and a TAXII ``date_added`` has six digits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Access = Literal["none", "read", "write", "read-write"]
ValidationMode = Literal["strict", "report", "off"]
ClientProfile = Literal["standard", "elastic", "absolute-urls"]
Role = Literal["reader", "writer", "liaison", "admin", "auditor"]
VersionKeyword = Literal["first", "last", "all"]


# --- the catalogue -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agency:
    """A member organisation. ``identity`` is the STIX id under which it publishes, if it has one."""

    name: str
    title: str
    country: str
    contact: str | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """One TAXII collection. ``number`` is the small integer that stands for it in the database
    (0 until the catalogue was applied).

    A view (``view_of``: the alias of its source in the same API root) shows the ``types`` of another
    collection and holds nothing itself. ``feed`` is the number under which the entries are stored:
    the source's for a view, else the collection's own.
    """

    id: str
    alias: str
    title: str
    api_root: str
    description: str | None
    read: frozenset[str]
    write: frozenset[str]
    media_types: tuple[str, ...]
    validation: ValidationMode
    default_marking: str
    accepts: tuple[str, ...]
    retired: bool = False
    view_of: str | None = None
    types: tuple[str, ...] = ()
    number: int = 0
    feed: int = 0


@dataclass(frozen=True, slots=True)
class ApiRoot:
    """One sharing framework. ``path`` is the URL's first segment and the stem of its YAML file."""

    path: str
    title: str
    description: str | None
    contact: str | None
    members: frozenset[str]
    max_content_length: int
    collections: tuple[Collection, ...]
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """Who shares what with whom. ``version`` is its number in force (the policy epoch); 0 for a
    catalogue that was only read from files."""

    api_roots: tuple[ApiRoot, ...]
    agencies: tuple[Agency, ...]
    version: int = 0
    digest: str = ""


# --- accounts ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A credential holder of an agency."""

    id: str
    agency: str
    roles: frozenset[str]
    client_profile: ClientProfile = "standard"
    title: str | None = None


# --- policy ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may read one object version. Distinct values are interned to *policy classes*.

    ``audience`` is ``None`` for everybody who may read the collection, else the set of agencies
    beside the origin. ``level`` is the TLP word the object carries (``clear`` … ``red``, or
    ``unknown``), kept so that a policy can be explained. ``reason`` says which marking decided.
    """

    origin: str
    level: str
    audience: frozenset[str] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one reader may see of one collection: the only key with which the store can be read.

    ``classes`` are the readable policy classes, ascending; ``epoch`` the catalogue version that
    they were computed under.
    """

    collection: int
    agency: str
    classes: tuple[int, ...]
    epoch: int


# --- asking and answering ----------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class Entry:
    """One feed entry as read: ``data`` holds the object's own bytes (empty where the projection
    leaves them out), ``version`` the STIX timestamp text that names the version, ``stamp`` the
    ``date_added``."""

    id: str
    version: str
    stamp: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. ``more``: entries after the last one of this page match too. ``mark`` is set on
    an empty page only: what both date headers say (None: leave them out). ``exists`` is False
    where a single object was asked for and the reader may see no version of it."""

    entries: tuple[Entry, ...]
    more: bool = False
    mark: int | None = None
    exists: bool = True


# --- publishing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one offered object. ``version`` is the STIX timestamp text of its version
    (None where it has none that can be read)."""

    id: str
    version: str | None
    ok: bool
    message: str | None = None
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """A TAXII status resource, complete when it is made. ``stored`` counts what is new (not told
    in TAXII: a success may also be an object that was there already)."""

    id: str
    agency: str
    api_root: str
    collection: str
    requested_at: int
    outcomes: tuple[Outcome, ...]
    stored: int = 0


# --- converting --------------------------------------------------------------------------------


Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should look at, with its place.

    ``source`` is the file's name, ``line`` 1-based where the container has lines, ``record`` the
    record's own reference, ``path`` the source field, ``value`` the offending text (shortened),
    ``remedy`` what to do.
    """

    code: str
    message: str
    severity: Severity = "error"
    source: str = ""
    line: int | None = None
    record: str | None = None
    path: str | None = None
    value: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What an edition does to one record. ``fields``: what differs, where that was asked for."""

    record: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EditionChanges:
    """An edition against those before it; ``edition`` and ``previous`` are STIX timestamps.

    Records by their keys: ``returned`` were missing or revoked before, ``missing`` are left out but
    within the grace, ``vanished`` are revoked now, ``held`` were not judged because a record could not
    be read. The numbers count objects; ``skipped`` are those that a backfilled edition cannot change.
    Of ``standing`` records the edition revokes ``lost``; where that is a ``mass_revocation``, it is taken
    only if the person who ingests says that it is meant.
    """

    edition: str
    previous: str | None = None
    source_list: str = ""
    added: tuple[str, ...] = ()
    changed: tuple[RecordChange, ...] = ()
    returned: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    new: int = 0
    versions: int = 0
    revoked: int = 0
    unchanged: int = 0
    skipped: int = 0
    standing: int = 0
    lost: int = 0
    mass_revocation: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one report: what was read, what was made of it, what became of it."""

    source: str
    mapping: str
    records: int
    failed_records: int
    objects: int
    leaves: int
    buckets: tuple[tuple[str, int], ...]
    problems: tuple[Problem, ...]
    status: Status | None = None
    dry_run: bool = False
    changes: EditionChanges | None = None
