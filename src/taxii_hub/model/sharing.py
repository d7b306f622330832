"""Who shares what with whom: the catalogue, and the accounts of its agencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Access = Literal["none", "read", "write", "read-write"]
AuditMode = Literal["queued", "before-answer"]
ValidationMode = Literal["strict", "report", "off"]
ClientProfile = Literal["standard", "elastic", "absolute-urls"]
Role = Literal["reader", "writer", "liaison", "admin", "auditor"]
Joining = Literal["from-now", "history"]
Unmarked = Literal["accept", "refuse"]
Granular = Literal["withhold", "tear-line"]


@dataclass(frozen=True, slots=True)
class Agency:
    """A member organisation. ``identity`` is the STIX id under which it publishes, if it has one."""

    name: str
    title: str
    country: str
    contact: str | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a framework or a member has signed. ``since`` and ``until`` are ISO dates, both days
    included; after ``until`` there is no access. ``purposes`` empty: none are named; ``review`` is
    the day by which somebody has to look at it again."""

    title: str
    reference: str
    since: str | None = None
    until: str | None = None
    purposes: frozenset[str] = frozenset()
    review: str | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """How an agency stands in one framework.

    ``level`` is a rank on the ladder of classifications (0: unclassified) and ``clearances`` the
    compartments it holds; ``purposes`` what it may ask for. ``joining`` says what a new member gets of
    what is there already: ``history`` feeds it again, ``from-now`` leaves it for a walk from the start.
    """

    agency: str
    level: int = 0
    clearances: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    agreement: Agreement | None = None
    joining: Joining = "from-now"


@dataclass(frozen=True, slots=True)
class Group:
    """A name that releasability markings use for several countries or agencies (FVEY).

    ``members`` are (ISO 3166 country or agency name, since, until), ISO dates or None, both included.
    """

    name: str
    title: str
    members: tuple[tuple[str, str | None, str | None], ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """One TAXII collection. ``number`` is the small integer that stands for it in the database
    (0 until the catalogue was applied).

    A view (``view_of``: the alias of its source in the same API root) shows the ``types`` of another
    collection and holds nothing itself. ``feed`` is the number under which the entries are stored:
    the source's for a view, else the collection's own. ``minimise``: the profile with which reports are
    ingested into it. ``audit``: whether a page's leaf is durable before the answer, or soon after. ``hold``
    says what waits for a liaison officer: ``never``, ``always`` or ``above-<level>``; ``signatures`` how
    many of them release it.
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
    minimise: str | None = None
    audit: AuditMode = "queued"
    unmarked: Unmarked = "accept"
    hold: str = "never"
    signatures: int = 1
    release_within_hours: int = 72
    granular: Granular = "withhold"
    tlp1_twin: bool = False
    retention_days: int | None = None
    review_days: int | None = None
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
    agreement: Agreement | None = None
    memberships: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """Who shares what with whom. ``version`` is its number in force (the policy epoch); 0 for a
    catalogue that was only read from files."""

    api_roots: tuple[ApiRoot, ...]
    agencies: tuple[Agency, ...]
    version: int = 0
    digest: str = ""
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A credential holder of an agency.

    ``level``, ``clearances`` and ``purposes`` narrow what the agency's membership gives (None: all of
    it); ``purpose`` is meant where a request names none.
    """

    id: str
    agency: str
    roles: frozenset[str]
    client_profile: ClientProfile = "standard"
    title: str | None = None
    level: int | None = None
    clearances: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    purpose: str | None = None
