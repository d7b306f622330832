"""What the journeys need of a store. ``bootstrap`` alone knows which class answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from taxii_hub.model import (
    ObjectQuery,
    Outcome,
    Page,
    Policy,
    Signature,
    Status,
    VersionFilter,
    Visibility,
    Withdrawal,
)
from taxii_hub.store.follow_ups_base import Connection, FollowUp
from taxii_hub.store.gaining_base import AgainResult, FeedAgain, Gain, GainedClass

Projection = Literal["objects", "content", "manifest"]
"""What a page's entries hold: everything, the objects' bytes and stamps only, or all but the bytes."""


@dataclass(slots=True)
class Offer:
    """One object that passed every check and is to be stored. Nobody changes it; it is not frozen, as there is
    a thousand of them in a request, and to make a frozen one takes four times as long.

    ``version`` is ``modified`` (else ``created``) in microseconds, None where it has neither;
    ``version_text`` that timestamp as the object spells it; ``digest`` 16 bytes that are equal for
    equal parsed values; ``data`` the exact slice of the request. ``position`` is its place in the
    request, so that outcomes keep the request's order. ``policy`` is its policy class.
    ``creator`` is the member agency whose identity the object names in ``created_by_ref``, if it
    is one. ``note`` goes into the outcome's message when it succeeds. ``expires``: the first moment
    (microseconds) at which nobody may read it any more.

    ``signatures`` of liaison officers are needed before it is fed to anybody (0: it is fed at once); until
    then it waits as ``proposal``, not beyond ``due`` (microseconds).

    ``beside``: the position of the offer before it that it accompanies. It is stored only where that one is
    fed, and has no outcome of its own; ``note`` is then said of that one.
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
    signatures: int = 0
    proposal: str | None = None
    due: int | None = None
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """One request to publish: what is to be stored, and the outcomes already settled.

    ``id`` is the status id and makes the request idempotent. ``readable`` are the policy classes
    that the publisher may read, for telling conflicts only to those who may know. ``keep``: the status is
    wanted beyond this moment (microseconds), because something of it waits until then.
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
    keep: int | None = None


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


ChangeKind = Literal["delete", "withdraw", "erase", "expire", "release", "regrade"]
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
    An ``erase`` ends every version of the agency's own, also what has expired; an ``expire`` is the hub's
    own, and erases what is over by ``at`` of these ``objects``.
    ``also``: acts on other objects in the same commit, as far as there is anything to do.
    ``follow``: what connects these versions has to follow the move.
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
    objects: tuple[str, ...] = ()
    also: tuple[Change, ...] = ()
    follow: bool = False


ProposalKind = Literal["publish", "release", "regrade"]
Word = Literal["sign", "refuse", "expire"]
SettleResult = Literal[
    "signed",
    "released",
    "refused",
    "expired",
    "failed",
    "gone",
    "not-due",
    "submitter",
    "again",
    "late",
    "classes",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What waits: a new version that nobody is fed yet (``publish``, with its ``offer``), or one that is
    there already and would get other readers (``release``, ``regrade``).

    ``agency`` is the origin, ``account`` who submitted it; he does not sign. ``signatures`` are needed
    before ``due`` (microseconds). ``policy`` is the class in which it is to be fed and ``taken_from`` the
    one in which it stands. ``version`` is in microseconds, 0 where it has none.
    """

    id: str
    kind: ProposalKind
    collection: int
    collection_id: str
    api_root: str
    agency: str
    account: str
    at: int
    due: int
    signatures: int
    object_id: str
    version: int
    version_text: str
    policy: int
    taken_from: int | None = None
    reason: str = ""
    signed: tuple[Signature, ...] = ()
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """An officer's word on a proposal (``sign``, ``refuse``), or that nobody's came in time (``expire``).

    ``id`` makes it idempotent. ``signatures``: how many the collection asks for now. ``policy``,
    ``expires`` and ``readable`` are those of a publication now; ``change`` is what a last signature under
    a release or regrading does.
    """

    id: str
    collection: int
    proposal: str
    agency: str
    account: str
    epoch: int
    at: int
    word: Word
    reason: str = ""
    signatures: int = 1
    readable: tuple[int, ...] = ()
    policy: int | None = None
    expires: int | None = None
    change: Change | None = None


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

    async def settle(self, said: Settlement) -> SettleResult:
        """An officer's word on what waits for release; durable. ``classes``: as with :meth:`change`."""

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


__all__: Sequence[str] = (
    "Acknowledged",
    "AgainResult",
    "Change",
    "ChangeKind",
    "ChangeResult",
    "Connection",
    "EditionRecord",
    "Feed",
    "FeedAgain",
    "FollowUp",
    "Gain",
    "GainedClass",
    "Lineage",
    "Members",
    "Offer",
    "Projection",
    "Proposal",
    "ProposalKind",
    "Publication",
    "SettleResult",
    "Settlement",
    "Standing",
)
