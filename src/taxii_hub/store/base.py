"""What the journeys need of a store. ``bootstrap`` alone knows which class answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from taxii_hub.model import ObjectQuery, Outcome, Page, Policy, Status, VersionFilter, Visibility, Withdrawal

Projection = Literal["objects", "manifest"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One object that passed every check and is to be stored.

    ``version`` is ``modified`` (else ``created``) in microseconds, None where it has neither;
    ``version_text`` that timestamp as the object spells it; ``digest`` 16 bytes that are equal for
    equal parsed values; ``data`` the exact slice of the request. ``position`` is its place in the
    request, so that outcomes keep the request's order. ``policy`` is its policy class.
    ``creator`` is the member agency whose identity the object names in ``created_by_ref``, if it
    is one. ``note`` goes into the outcome's message when it succeeds. ``expires``: the first moment
    (microseconds) at which nobody may read it any more.
    """

    position: int
    id: str
    type: str
    version: int | None
    version_text: str | None
    digest: bytes
    data: bytes
    policy: int
    creator: str | None = None
    note: str | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """One request to publish: what is to be stored, and the outcomes already settled.

    ``id`` is the status id and makes the request idempotent. ``readable`` are the policy classes
    that the publisher may read, for telling conflicts only to those who may know.
    """

    id: str
    collection: int
    collection_id: str
    api_root: str
    agency: str
    account: str
    epoch: int
    requested_at: int
    readable: tuple[int, ...]
    offers: tuple[Offer, ...]
    settled: tuple[tuple[int, Outcome], ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One stored entry as it stands, whoever may see it. Times in microseconds."""

    version: int
    version_text: str
    policy: int
    stamp: int
    expires: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A withdrawal, the class that it took the version from and the one it went to, and when (microseconds)
    each agency said that it carried it out."""

    withdrawal: Withdrawal
    taken_from: int
    moved_to: int | None
    by: Mapping[str, int]


ChangeKind = Literal["delete", "withdraw", "erase", "release", "regrade"]
ChangeResult = Literal["done", "unchanged", "not-found", "not-own", "classes"]


@dataclass(frozen=True, slots=True)
class Change:
    """One act of an origin on versions of one of its objects: they move to the policy class ``to``, or
    end (None).

    ``own`` are the classes whose origin is ``agency``: where the versions asked for include others,
    nothing happens. ``at``: the moment; what has expired by then cannot be named. ``pairs`` are
    (class, class, class of who reads both), the last one None where everybody who reads the first
    reads the second too: for every two classes of the object that :meth:`Feed.classes_on` names.
    ``copies``: those of these classes that hold copies only.
    ``reason`` is for people, and told to those who lose the object.
    """

    id: str
    collection: int
    agency: str
    account: str
    epoch: int
    readable: tuple[int, ...]
    own: tuple[int, ...]
    object_id: str
    versions: VersionFilter
    at: int
    kind: ChangeKind = "delete"
    to: int | None = None
    reason: str = ""
    pairs: tuple[tuple[int, int, int | None], ...] = ()
    copies: tuple[int, ...] = ()


class Feed(Protocol):
    """Reading and writing the entries of collections."""

    @property
    def slack(self) -> float:
        """Seconds that may pass between looking up the classes and having read the page."""

    async def classes(self, collection: int) -> Mapping[int, Policy]:
        """Every policy class that entries of the collection may carry at this moment."""

    async def intern(self, collection: int, policies: frozenset[Policy]) -> Mapping[Policy, int]:
        """Class numbers of the policies; a new class is usable when every process knows of it."""

    async def page(
        self, visibility: Visibility, query: ObjectQuery, projection: Projection, limit: int
    ) -> Page:
        """Entries in ``date_added`` order, in one snapshot; ``limit`` is at least 1."""

    async def object_page(
        self, visibility: Visibility, object_id: str, query: ObjectQuery, projection: Projection, limit: int
    ) -> Page:
        """Versions of one object, in ``date_added`` order; ``exists`` tells 404 from ``{}``."""

    async def classes_of(
        self, visibility: Visibility, ids: Sequence[str], among: Sequence[int]
    ) -> Mapping[str, int]:
        """Of each object the class of the last version that the reader may see, if it is one of
        ``among``."""

    async def commit(self, publication: Publication) -> Status:
        """Store; durable when it returns. Raises UnavailableError when it cannot be known."""

    async def classes_on(self, collection: int, object_id: str) -> frozenset[int]:
        """The classes of all entries of an object, for planning a change of it; for nobody's eyes."""

    async def standing(self, collection: int, object_id: str) -> tuple[Standing, ...]:
        """Every stored version in every class, for explaining; content is for its markings only."""

    async def change(self, change: Change) -> ChangeResult:
        """End or move versions, feeding again what becomes the last version for somebody.

        ``classes``: the object has got a class that ``change.pairs`` does not know; ask again.
        """

    async def withdrawn(self, visibility: Visibility, after: int, limit: int) -> tuple[Withdrawal, ...]:
        """What the reader could see and can see no more, since ``after`` (a stamp, exclusively), the
        oldest first; more than ``limit`` only where one act took more."""

    async def acknowledge(self, visibility: Visibility, ids: Sequence[str]) -> frozenset[str]:
        """Note that the reader's agency carried these withdrawals out; those that are none of his are
        left out of the answer."""

    async def acknowledged(self, collection: int, agency: str, limit: int) -> tuple[Acknowledged, ...]:
        """What ``agency`` withdrew in the collection, the newest first, and who has carried it out."""

    async def status(self, status_id: str) -> Status | None:
        """A status kept for at least 24 hours, or None."""

    async def newest(self, visibility: Visibility) -> int | None:
        """The newest stamp that the reader may see."""

    async def count_by_class(self, collection: int) -> Mapping[int, int]:
        """How many entries each policy class of the collection has."""


# --- editions of lists ---------------------------------------------------------------------------

Members = Mapping[str, Sequence[str]]
"""Of each record, by its key, the ids of the objects that an edition holds of it."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """One list as one agency publishes it into one collection: its editions follow one another.
    ``family``: of the mapping, since several formats may carry the same list."""

    collection: int
    agency: str
    family: str
    source_list: str = ""


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """One edition that was ingested, or is being ingested (``finished_at`` None: in work, or interrupted).

    ``report`` is the id of its report object and tells it from all others; ``edition`` its moment,
    ``begun_at`` and ``finished_at`` when it was ingested; ``counts`` what became of its objects.
    """

    lineage: Lineage
    report: str
    edition: int
    sha256: str
    converter: str
    format_version: str
    begun_at: int
    finished_at: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


class EditionLog(Protocol):
    """Which editions of a list were ingested, and which objects the newest of them hold."""

    async def editions(self, lineage: Lineage, report: str | None = None) -> tuple[EditionRecord, ...]:
        """All of them, the newest first: by edition, then by when it was begun. With ``report`` only the
        one that has it."""

    async def members(self, record: EditionRecord) -> dict[str, tuple[str, ...]]:
        """What the edition holds; empty where that was forgotten."""

    async def begin(self, record: EditionRecord, members: Members) -> None:
        """Remember an edition before anything of it is published; repeating it changes nothing."""

    async def finish(self, record: EditionRecord) -> None:
        """All of it is published."""

    async def forget(self, records: Sequence[EditionRecord]) -> None:
        """Forget what these editions hold; that they were ingested stays known."""

    async def records(
        self, lineage: Lineage, keys: Iterable[str], edition: int
    ) -> dict[str, tuple[str, ...]]:
        """What is remembered of these records, except where a later file said it."""

    async def remember(self, lineage: Lineage, members: Members, edition: int) -> None:
        """Remember what these records hold, where files add up and no edition holds them all."""

    async def claim(self, lineage: Lineage, holder: str, seconds: float) -> str | None:
        """Become (or stay) the only one who ingests this list; else who it is."""

    async def release(self, lineage: Lineage, holder: str) -> None:
        """Let others ingest this list."""


__all__: Sequence[str] = (
    "Acknowledged",
    "Change",
    "ChangeKind",
    "ChangeResult",
    "EditionLog",
    "EditionRecord",
    "Feed",
    "Lineage",
    "Members",
    "Offer",
    "Projection",
    "Publication",
    "Standing",
)
