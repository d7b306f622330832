"""From headers to an account, without a database."""

from __future__ import annotations

import asyncio
import base64
import hmac
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.errors import TooManyFailuresError, UnauthorizedError, UnavailableError
from taxii_hub.exchange.accounts import NO_CREDENTIALS, WRONG_CREDENTIALS, Accounts
from taxii_hub.exchange.credentials import MintedKey, mint_key
from taxii_hub.keyring import KeyEntry
from taxii_hub.model import Account
from taxii_hub.store.account_records import AccountRecord, Directory, KeyRecord, KeyRefusal, Narrowing

NOW = 1_700_000_000.0
MICRO = 1_000_000


class Peppers:
    def __init__(self, secrets: dict[int, bytes]) -> None:
        self.secrets = secrets

    def newest(self, kind):
        return max(self.secrets.items())

    def all(self, kind):
        assert kind == "pepper"
        return {kid: KeyEntry(secret, 0) for kid, secret in self.secrets.items()}


@dataclass
class Shelf:
    """The directory in memory; ``away`` makes it fail like a database that is away."""

    directory: Directory
    away: bool = False
    reads: int = 0
    uses: list = field(default_factory=list)

    async def revision(self):
        if self.away:
            raise UnavailableError("away")
        return self.directory.revision

    async def read(self):
        self.reads += 1
        return self.directory

    async def note_use(self, uses):
        self.uses.append(list(uses))

    def change(self, *, accounts=None, keys=None):
        d = self.directory
        self.directory = Directory(d.revision + 1, accounts or d.accounts, keys or d.keys)


class World:
    """Two agencies with one account and one key each; the clock stands until it is moved."""

    def __init__(self) -> None:
        self.peppers = Peppers({1: b"old" * 11, 2: b"new" * 11})
        self.now = NOW
        self.gb, self.fr = mint_key(), mint_key()
        accounts = (
            AccountRecord("gb-siem", "gb", frozenset({"reader"}), "elastic", "SIEM of GB", 0),
            AccountRecord("fr-tip", "fr", frozenset({"reader", "writer"}), "standard", None, 0),
        )
        keys = (self.record(self.gb, "gb-siem", 1), self.record(self.fr, "fr-tip", 2))
        self.shelf = Shelf(Directory(1, accounts, keys))
        self.accounts = Accounts(self.shelf, self.peppers, clock=lambda: self.now)
        asyncio.run(self.accounts.load())

    def record(self, key: MintedKey, account: str, pepper: int, **more) -> KeyRecord:
        mac = hmac.digest(self.peppers.secrets[pepper], key.secret.encode(), "sha256")
        return KeyRecord(key.id, account, pepper, mac, 0, **more)

    def refresh(self) -> None:
        asyncio.run(self.accounts.refresh())

    def ask(self, authorization=None, api_key=None, source="198.51.100.1") -> Account:
        return self.accounts.authenticate(authorization, api_key, source, self.now)

    def refused(self, authorization=None, api_key=None, source="198.51.100.1") -> str:
        with pytest.raises(UnauthorizedError) as caught:
            self.ask(authorization, api_key, source)
        return str(caught.value)


@pytest.fixture
def world() -> World:
    return World()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def wrong(key: MintedKey) -> str:
    """A well-formed key with the same id and another secret."""
    from taxii_hub.exchange.credentials import checksum

    body = f"thub_{key.id}_{mint_key().secret}"
    return f"{body}_{checksum(body)}"


GB = Account("gb-siem", "gb", frozenset({"reader"}), "elastic", "SIEM of GB")


def test_every_way_to_send_a_key(world):
    """T-8.2.2-05 and clients.md consequence 7."""
    key = world.gb.text
    for _ in range(2):  # the second time from the cache
        assert world.ask(basic("gb-siem", key)) == GB
        assert world.ask(basic("", key)) == GB
        assert world.ask(basic(key, "")) == GB
        assert world.ask(f"Bearer {key}") == GB
        assert world.ask(f"Token {key}") == GB
        assert world.ask(api_key=key) == GB
    assert world.ask(api_key=world.fr.text).id == "fr-tip"


def test_no_credentials(world):
    """T-5-AUTH-01: asking without credentials says how to send them, and is no failure."""
    for _ in range(50):
        assert world.refused() == NO_CREDENTIALS
        assert world.refused("", "") == NO_CREDENTIALS


def test_wrong_credentials_are_all_alike(world):
    """T-5-AUTH-02: unknown key, known id with another secret, and rubbish get the same words."""
    for text in (mint_key().text, wrong(world.gb), "rubbish"):
        assert world.refused(f"Bearer {text}") == WRONG_CREDENTIALS


@settings(max_examples=200)
@given(st.text(min_size=1), st.one_of(st.none(), st.text()), st.text())
def test_no_header_raises_anything_else(authorization, api_key, source):
    """T-1.6.9-02."""
    with pytest.raises((UnauthorizedError, TooManyFailuresError)):
        WORLD.ask(authorization, api_key, source)


@settings(max_examples=200)
@given(st.sampled_from(["Basic ", "Bearer ", "Token ", ""]), st.binary(min_size=1, max_size=300))
def test_no_bytes_raise_anything_else(scheme, body):
    for text in (body.decode("latin-1"), base64.b64encode(body).decode()):
        with pytest.raises((UnauthorizedError, TooManyFailuresError)):
            WORLD.ask(scheme + text)


WORLD = None


@pytest.fixture(autouse=True, scope="module")
def _shared_world():
    global WORLD  # noqa: PLW0603 - hypothesis refuses fixtures of single tests
    WORLD = World()


def test_a_key_ends_at_its_time_also_when_it_is_cached(world):
    d = world.shelf.directory
    ending = replace(d.keys[0], expires_at=int((NOW + 2) * MICRO))
    world.shelf.change(keys=(ending, d.keys[1]))
    world.refresh()
    assert world.ask(api_key=world.gb.text) == GB
    world.now = NOW + 1.999
    assert world.ask(api_key=world.gb.text) == GB
    world.now = NOW + 2
    assert world.refused(api_key=world.gb.text) == WRONG_CREDENTIALS
    world.refresh()
    assert world.refused(f"Bearer {world.gb.text}") == WRONG_CREDENTIALS  # not cached


@pytest.mark.parametrize("what", ["key", "account"])
def test_a_revoked_key_and_account_are_refused_after_the_refresh(world, what):
    assert world.ask(api_key=world.gb.text) == GB
    d = world.shelf.directory
    if what == "key":
        world.shelf.change(keys=(replace(d.keys[0], revoked_at=1), d.keys[1]))
    else:
        world.shelf.change(accounts=(replace(d.accounts[0], revoked_at=1), d.accounts[1]))
    world.refresh()
    assert world.refused(api_key=world.gb.text) == WRONG_CREDENTIALS
    assert world.refused(f"Bearer {world.gb.text}") == WRONG_CREDENTIALS
    assert world.ask(api_key=world.fr.text).id == "fr-tip"


def test_a_changed_account_is_seen_after_the_refresh(world):
    assert world.ask(api_key=world.gb.text).client_profile == "elastic"
    d = world.shelf.directory
    world.shelf.change(accounts=(replace(d.accounts[0], client_profile="standard"), d.accounts[1]))
    world.refresh()
    assert world.ask(api_key=world.gb.text).client_profile == "standard"


def test_a_revision_that_went_back_is_taken_over_too(world):
    """A restored database."""
    d = world.shelf.directory
    world.shelf.directory = Directory(0, d.accounts, d.keys[1:])
    world.refresh()
    assert world.refused(api_key=world.gb.text) == WRONG_CREDENTIALS


def test_nothing_is_read_while_nothing_changes(world):
    for _ in range(5):
        world.refresh()
    assert world.shelf.reads == 1


def test_two_keys_of_one_account_hold_beside_each_other(world):
    second = mint_key()
    world.shelf.change(keys=(*world.shelf.directory.keys, world.record(second, "gb-siem", 2)))
    world.refresh()
    assert world.ask(api_key=second.text) == world.ask(api_key=world.gb.text) == GB


def test_a_stale_cache_is_not_trusted(world):
    """Revocation is effective within 5 s, also when the database is away."""
    world.ask(api_key=world.gb.text)
    world.shelf.away = True
    with pytest.raises(UnavailableError):
        world.refresh()
    world.now = NOW + 5.0
    assert world.ask(api_key=world.gb.text) == GB
    world.now = NOW + 5.001
    for header in (None, world.gb.text, "rubbish"):
        with pytest.raises(UnavailableError):
            world.ask(api_key=header)
    world.shelf.away = False
    world.refresh()
    assert world.ask(api_key=world.gb.text) == GB


def test_a_clock_set_back_does_not_lengthen_the_trust(world):
    world.now = NOW - 3600
    with pytest.raises(UnavailableError):
        world.ask(api_key=world.gb.text)


def test_nobody_is_let_in_before_the_first_load():
    accounts = Accounts(Shelf(Directory(1, (), ())), Peppers({1: b"x"}), clock=lambda: NOW)
    with pytest.raises(UnavailableError):
        accounts.authenticate(None, mint_key().text, "198.51.100.1", NOW)


def test_ten_failures_lock_that_key_from_that_source_only(world):
    for _ in range(10):
        world.refused(api_key=wrong(world.gb))
    with pytest.raises(TooManyFailuresError) as caught:
        world.ask(api_key=world.gb.text)
    assert 1 <= caught.value.retry_after <= 60
    assert world.ask(api_key=world.gb.text, source="198.51.100.2") == GB
    assert world.ask(api_key=world.fr.text).id == "fr-tip"
    world.now += 3
    world.refresh()
    with pytest.raises(TooManyFailuresError):
        world.ask(api_key=world.gb.text)
    world.now += 57
    world.refresh()
    assert world.ask(api_key=world.gb.text) == GB


def test_the_lock_holds_for_a_verified_key_too(world):
    assert world.ask(api_key=world.gb.text) == GB
    for _ in range(10):
        world.refused(api_key=wrong(world.gb))
    with pytest.raises(TooManyFailuresError):
        world.ask(api_key=world.gb.text)


def test_unreadable_credentials_are_counted_by_source(world):
    for _ in range(10):
        world.refused("Digest x")
    with pytest.raises(TooManyFailuresError):
        world.ask("Bearer rubbish")
    assert world.refused("Bearer rubbish", source="198.51.100.2") == WRONG_CREDENTIALS
    assert world.ask(api_key=world.gb.text) == GB


def test_wrong_passwords_are_counted_by_user_name(world):
    for _ in range(10):
        world.refused(basic("gb-siem", "guess"))
    with pytest.raises(TooManyFailuresError):
        world.ask(basic("gb-siem", "guess"))
    assert world.refused(basic("fr-tip", "guess")) == WRONG_CREDENTIALS
    assert world.ask(basic("gb-siem", world.gb.text)) == GB


def test_a_key_whose_pepper_is_missing_is_refused(world):
    secret = world.peppers.secrets.pop(1)
    world.refresh()
    assert world.refused(api_key=world.gb.text) == WRONG_CREDENTIALS
    assert world.ask(api_key=world.fr.text).id == "fr-tip"
    asyncio.run(world.accounts.flush())
    world.peppers.secrets[1] = secret
    world.refresh()
    assert world.ask(api_key=world.gb.text) == GB
    assert world.shelf.uses[-1][1 if world.gb.id > world.fr.id else 0].refused.reason == (
        "the key was made under pepper 1, which is not among this hub's secrets"
    )


def test_use_and_refusal_are_told_to_the_database_now_and_then(world):
    world.ask(api_key=world.gb.text)
    world.refused(api_key=wrong(world.fr))
    world.refused(api_key=mint_key().text)  # nobody's: nothing to tell
    world.refresh()
    assert world.shelf.uses == []
    world.now += 10
    world.refresh()
    told = {use.key: use for use in world.shelf.uses[0]}
    assert told.keys() == {world.gb.id, world.fr.id}
    assert told[world.gb.id].last_used == int(NOW * MICRO)
    assert told[world.fr.id].refused == KeyRefusal(int(NOW * MICRO), "the secret is wrong", "198.51.100.1")
    world.now += 10
    world.refresh()
    assert len(world.shelf.uses) == 1


def test_an_expired_key_is_told_as_such(world):
    d = world.shelf.directory
    world.shelf.change(keys=(replace(d.keys[0], expires_at=1), d.keys[1]))
    world.refresh()
    world.refused(api_key=world.gb.text)
    asyncio.run(world.accounts.flush())
    assert world.shelf.uses[0][0].refused.reason == "the key has expired"


def test_the_cache_of_verified_credentials_is_bounded(world, monkeypatch):
    monkeypatch.setattr("taxii_hub.exchange.accounts.CACHED", 3)
    for i in range(10):
        assert world.ask(basic(f"user{i}", world.gb.text)) == GB
    assert len(world.accounts._verified) == 3


def test_a_bound_account_counts_only_with_its_certificate() -> None:
    """Remembered or not, with the right secret or not: the answer tells the client nothing."""
    world = World()
    one, two = "1" * 64, "2" * 64
    gb, fr = world.shelf.directory.accounts
    bound = replace(gb, narrowing=Narrowing(certificates=frozenset({one})))
    world.shelf.change(accounts=(bound, fr))
    world.refresh()
    key = f"Bearer {world.gb.text}"

    def asked(certificate: str | None) -> Account:
        return world.accounts.authenticate(key, None, "198.51.100.1", world.now, certificate)

    for _ in range(2):
        for wrong in (None, two, "unreadable"):
            with pytest.raises(UnauthorizedError) as caught:
                asked(wrong)
            assert str(caught.value) == WRONG_CREDENTIALS
        assert asked(one).id == "gb-siem"
    asyncio.run(world.accounts.flush())
    refused = {use.key: use.refused for uses in world.shelf.uses for use in uses}[world.gb.id]
    assert refused is not None
    assert "client certificate" in refused.reason
    # Others may show what they like.
    assert world.ask(f"Bearer {world.fr.text}").id == "fr-tip"
