"""Who is asking: from a request's headers to an :class:`Account`, without asking the database.

Each process holds every account and key (there are some hundreds at most) and reads one small number
a second to learn of changes; then it reads them anew, as a whole and in one snapshot, so that a
restored database is taken over as surely as a revocation.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from taxii_hub.errors import UnauthorizedError, UnavailableError
from taxii_hub.exchange.account_admin import AccountAdmin, account_of
from taxii_hub.exchange.credentials import PEPPER, Claim, Peppers, mac_of, read_claim
from taxii_hub.exchange.limiter import FailureLimiter
from taxii_hub.keyring import KeyEntry
from taxii_hub.model import Account
from taxii_hub.store.account_records import (
    AccountDirectory,
    AccountRecord,
    Directory,
    KeyRecord,
    KeyRefusal,
    KeyUse,
)

STALE_AFTER = 5.0
USE_EVERY = 10.0
CACHED = 10_000
API_KEY_HEADER = "X-API-Key"

NO_CREDENTIALS = (
    "this needs credentials: send an account key as the password of HTTP Basic (any user name), as Bearer "
    f"or Token, or in {API_KEY_HEADER}"
)
WRONG_CREDENTIALS = (
    "these credentials are not valid (now): check that the whole key was copied; keys expire and are revoked, "
    "the hub's admin sees which with `taxii-hub accounts show`"
)


@dataclass(slots=True)
class _Credential:
    """One key, ready to be compared. ``dead`` says why it is refused though its secret is right."""

    key_id: str
    account: Account
    pepper: bytes
    mac: bytes
    expires_at: float
    dead: str | None
    certificates: frozenset[str] | None = None

    def refusal(self, now: float, certificate: str | None) -> str | None:
        if self.dead is not None:
            return self.dead
        if now >= self.expires_at:
            return "the key has expired"
        if self.certificates is not None and certificate not in self.certificates:
            return "it came without the client certificate that its account is bound to"
        return None


class Accounts:
    """The accounts of the hub, as one process knows them.

    ``authenticate`` is synchronous and touches memory only. It trusts that memory for 5 s after the
    last successful :meth:`refresh`; after that it refuses with UnavailableError, because a key may
    have been revoked meanwhile. ``admin`` changes accounts; every process knows within 5 s.
    """

    def __init__(
        self, directory: AccountDirectory, keyring: Peppers, clock: Callable[[], float] = time.time
    ) -> None:
        self.admin = AccountAdmin(directory, keyring, clock)
        self._directory = directory
        self._keyring = keyring
        self._clock = clock
        self._revision: int | None = None
        self._peppers: frozenset[int] = frozenset()
        self._refreshed_at = -math.inf
        self._credentials: dict[str, _Credential] = {}
        nobody = Account("", "", frozenset())
        mac = secrets.token_bytes(32)
        self._nobody = _Credential("", nobody, b"", mac, math.inf, "there is no such key")
        self._verified: dict[bytes, _Credential] = {}
        self._cache_key = secrets.token_bytes(32)
        self._failures = FailureLimiter()
        self._used: dict[str, float] = {}
        self._refused: dict[str, KeyRefusal] = {}
        self._use_told_at = -math.inf

    async def load(self) -> None:
        """Read all accounts; to be awaited once before the first request."""
        await self.refresh()

    async def refresh(self) -> None:
        """Learn of changes; the heartbeat calls it once a second.

        Raises UnavailableError when the database is away; what is known stays trusted for 5 s.
        """
        # The moment before the read: what was revoked later may not be in the answer.
        started = self._clock()
        peppers = frozenset(self._keyring.all(PEPPER))
        if await self._directory.revision() != self._revision or peppers != self._peppers:
            self._take_over(await self._directory.read())
        self._refreshed_at = started
        if not 0 <= started - self._use_told_at < USE_EVERY:
            self._use_told_at = started
            await self.flush()

    async def flush(self) -> None:
        """Tell the database which keys were used and refused since the last time."""
        used, self._used = self._used, {}
        refused, self._refused = self._refused, {}
        uses = [
            KeyUse(key, int(used[key] * 1_000_000) if key in used else None, refused.get(key))
            for key in sorted(used.keys() | refused.keys())
            if key in self._credentials
        ]
        if uses:
            await self._directory.note_use(uses)

    def authenticate(
        self,
        authorization: str | None,
        api_key: str | None,
        source: str,
        now: float,
        certificate: str | None = None,
    ) -> Account:
        """The account whose key the headers hold; ``source`` is the client's address, ``now`` Unix seconds,
        ``certificate`` the SHA-256 of what a trusted proxy saw of him.

        Raises UnauthorizedError (no, malformed or wrong credentials, all alike), TooManyFailuresError
        (this account from this source), UnavailableError (revocations are unknown for more than 5 s).
        """
        # Either way: a clock that jumped back must not lengthen the trust.
        if abs(now - self._refreshed_at) > STALE_AFTER:
            raise UnavailableError("accounts cannot be checked right now: the database is away; try again")
        presented = "A" + authorization if authorization else "K" + (api_key or "")
        if len(presented) == 1:
            raise UnauthorizedError(NO_CREDENTIALS)
        print_ = hashlib.blake2b(
            presented.encode("utf-8", "surrogatepass"), key=self._cache_key, digest_size=16
        )
        fingerprint = print_.digest()
        credential = self._verified.get(fingerprint)
        if credential is None:
            credential = self._verify(read_claim(authorization, api_key), source, now, certificate)
            self._remember(fingerprint, credential)
        else:
            self._failures.check(credential.key_id, source, now)
            if reason := credential.refusal(now, certificate):
                self._refuse(credential, credential.key_id, source, now, reason)
        self._used[credential.key_id] = now
        return credential.account

    def _verify(self, claim: Claim, source: str, now: float, certificate: str | None) -> _Credential:
        name = claim.key_id or f"user {claim.user}"
        self._failures.check(name, source, now)
        # An unknown key costs the same HMAC and comparison as a known one.
        credential = self._credentials.get(claim.key_id, self._nobody)
        same = hmac.compare_digest(mac_of(credential.pepper, claim.secret), credential.mac)
        reason = credential.refusal(now, certificate)
        if reason or not same:
            self._refuse(credential, name, source, now, reason or "the secret is wrong")
        return credential

    def _refuse(self, credential: _Credential, name: str, source: str, now: float, reason: str) -> NoReturn:
        self._failures.failed(name, source, now)
        # Nobody's refusal is kept as well (and never told): it must not take less time.
        self._refused[credential.key_id] = KeyRefusal(int(now * 1_000_000), reason, source)
        raise UnauthorizedError(WRONG_CREDENTIALS)

    def _remember(self, fingerprint: bytes, credential: _Credential) -> None:
        if len(self._verified) >= CACHED:
            del self._verified[next(iter(self._verified))]
        self._verified[fingerprint] = credential

    def _take_over(self, directory: Directory) -> None:
        peppers = self._keyring.all(PEPPER)
        accounts = {account.id: account for account in directory.accounts}
        self._credentials = {
            key.id: _credential(key, accounts[key.account], peppers)
            for key in directory.keys
            if key.account in accounts
        }
        _, self._nobody.pepper = self._keyring.newest(PEPPER)
        self._verified.clear()
        self._peppers = frozenset(peppers)
        self._revision = directory.revision


def _credential(key: KeyRecord, account: AccountRecord, peppers: Mapping[int, KeyEntry]) -> _Credential:
    dead = None
    pepper = peppers.get(key.pepper)
    if pepper is None:
        dead = f"the key was made under pepper {key.pepper}, which is not among this hub's secrets"
    elif account.revoked_at is not None:
        dead = "the account is revoked"
    elif key.revoked_at is not None:
        dead = "the key is revoked"
    expires = math.inf if key.expires_at is None else key.expires_at / 1_000_000
    return _Credential(
        key_id=key.id,
        account=account_of(account),
        pepper=b"" if pepper is None else pepper.secret,
        mac=key.mac,
        expires_at=expires,
        dead=dead,
        certificates=account.narrowing.certificates,
    )
