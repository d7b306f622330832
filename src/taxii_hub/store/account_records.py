"""Accounts, keys and consumers as the database holds them, and what the exchange asks of it.

Free of MongoDB, so that ``exchange/`` can name the shapes without knowing who stores them. Times are
integer microseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from taxii_hub.model import ClientProfile


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What an account takes of what its agency's memberships give (None: all of it), and the purpose that
    is meant where a request names none. ``level`` is a rank on the ladder of classifications;
    ``certificates``: its keys count only over one of these client certificates (SHA-256, hexadecimal)."""

    level: int | None = None
    clearances: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    purpose: str | None = None
    certificates: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A credential holder of an agency. ``id`` is its name; names are never used a second time."""

    id: str
    agency: str
    roles: frozenset[str]
    client_profile: ClientProfile
    title: str | None
    created_at: int
    revoked_at: int | None = None
    narrowing: Narrowing = Narrowing()


@dataclass(frozen=True, slots=True)
class KeyRefusal:
    """The last time a known key was refused: when, why, and from where."""

    at: int
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key of an account: never the secret, only ``mac`` = HMAC-SHA256(pepper, secret).

    ``lifetime`` is how long the key was meant to live when it was made (None: for ever); a rotation
    shortens ``expires_at`` and hands ``lifetime`` on to the next key.
    """

    id: str
    account: str
    pepper: int
    mac: bytes
    created_at: int
    expires_at: int | None = None
    lifetime: int | None = None
    revoked_at: int | None = None
    last_used: int | None = None
    refused: KeyRefusal | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Every account and key, as of one moment; ``revision`` grows with each change of them."""

    revision: int
    accounts: tuple[AccountRecord, ...]
    keys: tuple[KeyRecord, ...]


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a process saw of one key since it last told the database."""

    key: str
    last_used: int | None
    refused: KeyRefusal | None


class AccountDirectory(Protocol):
    """Where accounts are kept. Every method raises UnavailableError when the database is away.

    A dry run raises and answers what the change would, and changes nothing. ``leaf`` goes into the audit
    log together with the change.
    """

    async def revision(self) -> int:
        """The number of the last change; one small read."""

    async def read(self) -> Directory:
        """Everything, in one snapshot."""

    async def add(
        self, account: AccountRecord, key: KeyRecord, dry_run: bool = False, leaf: bytes | None = None
    ) -> None:
        """Raises BadRequestError where the name is taken."""

    async def rotate(
        self, key: KeyRecord, overlap_until: int, dry_run: bool = False, leaf: bytes | None = None
    ) -> tuple[KeyRecord, ...]:
        """Add a key beside the live one, which ends at ``overlap_until``; answers the keys that end.

        Raises BadRequestError where two live keys exist, NotFoundError without such an account.
        """

    async def revoke(
        self, account: str, key: str | None, at: int, dry_run: bool = False, leaf: bytes | None = None
    ) -> tuple[str, ...]:
        """End one key, or the account with all its keys; answers the ids of the keys that ended now."""

    async def set_profile(
        self, account: str, client_profile: ClientProfile, dry_run: bool = False, leaf: bytes | None = None
    ) -> None:
        """Raises NotFoundError without such an account."""

    async def set_narrowing(
        self, account: str, narrowing: Narrowing, dry_run: bool = False, leaf: bytes | None = None
    ) -> None:
        """Raises NotFoundError without such an account."""

    async def note_use(self, uses: Iterable[KeyUse]) -> None:
        """Keep the latest of each; the revision stays as it is."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is kept of one request; never what was in it or in its answer.

    ``at`` microseconds; ``kind`` the path's kind (``objects``, ``manifest``, ``discovery`` …);
    ``collection`` the id of a collection that the account may know of, else None. ``sent``: the
    position asked from (``next`` or ``added_after``) as a stamp; ``newest``: the last stamp given.
    ``filtered``: the request had ``match[…]`` filters.
    """

    at: int
    method: str
    kind: str
    status: int
    collection: str | None = None
    accept: str | None = None
    user_agent: str | None = None
    sent: int | None = None
    newest: int | None = None
    objects: int = 0
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class ConsumerNews:
    """What one process saw of an account in a collection (None: outside of any) since it last told.

    ``cursor`` is how far the account has walked, known at ``cursor_at``; both None where no request
    told.
    """

    account: str
    collection: str | None
    last: RequestFacts
    refused: RequestFacts | None = None
    cursor: int | None = None
    cursor_at: int | None = None
    requests: int = 1
    objects: int = 0


@dataclass(frozen=True, slots=True)
class ConsumerRecord:
    """What is known of an account in a collection: the sum of all processes' news.

    ``refused`` is the last request that was answered with 400 or above.
    """

    account: str
    collection: str | None
    last: RequestFacts
    refused: RequestFacts | None
    cursor: int | None
    cursor_at: int | None
    requests: int
    objects: int


class ConsumerLog(Protocol):
    """Where the consumers' doings are kept. Raises UnavailableError when the database is away."""

    async def tell(self, news: Iterable[ConsumerNews]) -> None:
        """Add to what is known; the later of two facts wins, whoever told it first."""

    async def read(self, account: str | None = None) -> tuple[ConsumerRecord, ...]:
        """Of one account, or of all; by account and collection."""
