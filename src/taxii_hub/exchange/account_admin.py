"""Adding, rotating and revoking accounts: what an admin does, from the command line or over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from taxii_hub.errors import BadRequestError, NotFoundError
from taxii_hub.exchange.credentials import PEPPER, MintedKey, Peppers, mac_of, mint_key
from taxii_hub.ledger.leaves import HUB, Actor, leaf_of
from taxii_hub.model import Account, Catalog, ClientProfile, Role
from taxii_hub.policy.reading import LADDER
from taxii_hub.stix import timestamps
from taxii_hub.store.account_records import AccountDirectory, AccountRecord, KeyRecord, Narrowing

ROLES: Final[tuple[Role, ...]] = get_args(Role)
PROFILES: Final[tuple[ClientProfile, ...]] = get_args(ClientProfile)
HOUR: Final = 3600 * 1_000_000
DAY: Final = 24 * HOUR
LONGEST_LIFE: Final = 3650 * DAY
LONGEST_OVERLAP: Final = 90 * DAY
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an admin wants. ``lifetime`` of the first key in microseconds, None: for ever."""

    name: str
    agency: str
    roles: frozenset[str]
    client_profile: ClientProfile = "standard"
    title: str | None = None
    lifetime: int | None = None
    narrowing: Narrowing = Narrowing()


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, to be shown once (``key.text``), and the older keys that end beside it."""

    account: str
    key: MintedKey
    expires_at: int | None
    ending: tuple[KeyRecord, ...] = ()


class AccountAdmin:
    """Changes of accounts. A dry run raises what the change would raise and changes nothing.

    ``by`` is who does it, for the audit log: its leaf is written together with the change.
    """

    def __init__(
        self, directory: AccountDirectory, peppers: Peppers, clock: Callable[[], float] = time.time
    ) -> None:
        self._directory = directory
        self._peppers = peppers
        self._clock = clock

    async def list(self) -> tuple[tuple[AccountRecord, tuple[KeyRecord, ...]], ...]:
        """Every account by name, revoked ones too, with its keys, oldest first."""
        directory = await self._directory.read()
        return tuple(
            (account, tuple(key for key in directory.keys if key.account == account.id))
            for account in directory.accounts
        )

    async def get(self, name: str) -> tuple[AccountRecord, tuple[KeyRecord, ...]]:
        """One account with its keys. Raises NotFoundError."""
        for account, keys in await self.list():
            if account.id == name:
                return account, keys
        raise NotFoundError(f"there is no account {name}; `taxii-hub accounts list` shows them all")

    async def add(
        self, wanted: NewAccount, agencies: Collection[str], dry_run: bool = False, by: Actor = HUB
    ) -> IssuedKey:
        """A new account with one key; ``agencies`` are those of the catalogue in force.

        Raises BadRequestError: a name that cannot be one or is taken, an unknown agency, role or
        profile, a lifetime out of range.
        """
        _check(wanted, agencies)
        issued, record = self._issue(wanted.name, wanted.lifetime)
        account = AccountRecord(
            id=wanted.name,
            agency=wanted.agency,
            roles=wanted.roles,
            client_profile=wanted.client_profile,
            title=wanted.title,
            created_at=record.created_at,
            narrowing=wanted.narrowing,
        )
        said = {"of": wanted.agency, "roles": sorted(wanted.roles), "profile": wanted.client_profile}
        said |= _said_of_narrowing(wanted.narrowing)
        leaf = self._leaf("account-add", by, wanted.name, {**said, **_said_of(record)})
        await self._directory.add(account, record, dry_run, leaf)
        return issued

    async def rotate(
        self, name: str, overlap: int, lifetime: int | None = None, dry_run: bool = False, by: Actor = HUB
    ) -> IssuedKey:
        """A new key; the live one ends after ``overlap`` microseconds. At most two live at once.

        Without ``lifetime`` the new key is to live as long as the one before it was meant to.
        Raises NotFoundError, BadRequestError.
        """
        if not 0 <= overlap <= LONGEST_OVERLAP:
            raise BadRequestError("the overlap must be from 0 to 90 days")
        if lifetime is None:
            _, keys = await self.get(name)
            lifetime = keys[-1].lifetime if keys else None
        _check_lifetime(lifetime)
        issued, record = self._issue(name, lifetime)
        until = record.created_at + overlap
        said = {**_said_of(record), "overlap_until": timestamps.format(until)}
        leaf = self._leaf("account-rotate", by, name, said)
        ending = await self._directory.rotate(record, until, dry_run, leaf)
        return IssuedKey(name, issued.key, issued.expires_at, ending)

    async def revoke(
        self, name: str, key: str | None = None, dry_run: bool = False, by: Actor = HUB
    ) -> tuple[str, ...]:
        """End one key, or the account for good; answers the keys that ended now. Raises NotFoundError."""
        leaf = self._leaf("account-revoke", by, name, {"key": key})
        return await self._directory.revoke(name, key, self._now(), dry_run, leaf)

    async def set_profile(
        self, name: str, client_profile: ClientProfile, dry_run: bool = False, by: Actor = HUB
    ) -> None:
        """Change how answers are shaped for this account's client. Raises NotFoundError, BadRequestError."""
        _check_profile(client_profile)
        leaf = self._leaf("account-set", by, name, {"profile": client_profile})
        await self._directory.set_profile(name, client_profile, dry_run, leaf)

    async def set_narrowing(
        self, name: str, narrowing: Narrowing, dry_run: bool = False, by: Actor = HUB
    ) -> None:
        """Change what the account takes of what its agency may read; an account never widens that.

        Raises NotFoundError, BadRequestError.
        """
        _check_narrowing(narrowing)
        leaf = self._leaf("account-set", by, name, _said_of_narrowing(narrowing))
        await self._directory.set_narrowing(name, narrowing, dry_run, leaf)

    def _issue(self, account: str, lifetime: int | None) -> tuple[IssuedKey, KeyRecord]:
        kid, pepper = self._peppers.newest(PEPPER)
        key, now = mint_key(), self._now()
        expires_at = None if lifetime is None else now + lifetime
        record = KeyRecord(
            id=key.id,
            account=account,
            pepper=kid,
            mac=mac_of(pepper, key.secret.encode()),
            created_at=now,
            expires_at=expires_at,
            lifetime=lifetime,
        )
        return IssuedKey(account, key, expires_at), record

    def _leaf(self, kind: str, by: Actor, name: str, details: Mapping[str, Any]) -> bytes:
        """For the audit log: who did what to which account; of a key its id only."""
        return leaf_of(kind, self._now(), by, {"name": name, **details})

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _said_of(key: KeyRecord) -> dict[str, Any]:
    expires = None if key.expires_at is None else timestamps.format(key.expires_at)
    return {"key": key.id, "expires": expires}


def _said_of_narrowing(narrowing: Narrowing) -> dict[str, Any]:
    sets = {
        "clearances": narrowing.clearances,
        "purposes": narrowing.purposes,
        "certificates": narrowing.certificates,
    }
    said: dict[str, Any] = {"level": narrowing.level, "purpose": narrowing.purpose}
    said |= {name: None if value is None else sorted(value) for name, value in sets.items()}
    return {name: value for name, value in said.items() if value is not None}


def account_of(record: AccountRecord) -> Account:
    """The account as the journeys know it."""
    narrowing = record.narrowing
    return Account(
        id=record.id,
        agency=record.agency,
        roles=record.roles,
        client_profile=record.client_profile,
        title=record.title,
        level=narrowing.level,
        clearances=narrowing.clearances,
        purposes=narrowing.purposes,
        purpose=narrowing.purpose,
    )


def not_held(narrowing: Narrowing, agency: str, catalog: Catalog) -> list[str]:
    """The clearances and purposes that no membership of the agency gives: mistyped, or no use."""
    mine = [each for root in catalog.api_roots for each in root.memberships if each.agency == agency]
    held = frozenset().union(*(each.clearances | each.purposes for each in mine))
    named = (narrowing.clearances or frozenset()) | (narrowing.purposes or frozenset())
    named |= frozenset() if narrowing.purpose is None else {narrowing.purpose}
    return sorted(named - held)


def _check(wanted: NewAccount, agencies: Collection[str]) -> None:
    if not _NAME.fullmatch(wanted.name):
        raise BadRequestError(
            f"{wanted.name!r} cannot be an account's name: up to 63 of a-z, 0-9, '.', '_' and '-', "
            "the first a letter or digit, such as gb-siem"
        )
    if wanted.agency not in agencies:
        known = ", ".join(sorted(agencies)) or "none; apply a catalogue first (`taxii-hub collections apply`)"
        raise BadRequestError(f"{wanted.agency!r} is no agency of the catalogue in force; there are: {known}")
    if not wanted.roles or not wanted.roles <= set(ROLES):
        raise BadRequestError(f"an account needs one or more of the roles {', '.join(ROLES)}")
    if wanted.title is not None and not (len(wanted.title) <= 200 and wanted.title.isprintable()):
        raise BadRequestError("a title is at most 200 printable characters")
    _check_profile(wanted.client_profile)
    _check_narrowing(wanted.narrowing)
    _check_lifetime(wanted.lifetime)


def _check_narrowing(narrowing: Narrowing) -> None:
    """The purpose that is meant must be one of those that the account takes, if it says which."""
    if narrowing.level is not None and not 0 <= narrowing.level < len(LADDER):
        raise BadRequestError(f"a level is a rank from 0 to {len(LADDER) - 1}")
    words = [*(narrowing.clearances or ()), *(narrowing.purposes or ()), narrowing.purpose or "x"]
    if any(not 0 < len(word) <= 64 or not word.isprintable() for word in words):
        raise BadRequestError("clearances and purposes are words of at most 64 printable characters")
    if any(not _FINGERPRINT.fullmatch(each) for each in narrowing.certificates or ()):
        raise BadRequestError("a certificate is named by its SHA-256, 64 hexadecimal digits in lower case")
    if narrowing.purpose not in {None, *(narrowing.purposes or {narrowing.purpose})}:
        raise BadRequestError(f"the default purpose {narrowing.purpose} is not among the account's purposes")


def _check_profile(client_profile: str) -> None:
    if client_profile not in PROFILES:
        raise BadRequestError(f"{client_profile!r} is no client profile; there are: {', '.join(PROFILES)}")


def _check_lifetime(lifetime: int | None) -> None:
    if lifetime is not None and not 0 < lifetime <= LONGEST_LIFE:
        raise BadRequestError("a key's lifetime must be from 1 to 3650 days")
