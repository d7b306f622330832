"""Adding, rotating and revoking, on a real MongoDB, as an authenticating process sees it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pymongo import AsyncMongoClient

from taxii_hub.errors import BadRequestError, NotFoundError, UnauthorizedError
from taxii_hub.exchange.account_admin import DAY, HOUR, NewAccount, not_held
from taxii_hub.exchange.accounts import Accounts
from taxii_hub.keyring import KeyEntry
from taxii_hub.model import ApiRoot, Catalog, Membership
from taxii_hub.store.account_records import Narrowing
from taxii_hub.store.accounts import AccountStore

NOW = 1_700_000_000.0
MICRO = 1_000_000
AGENCIES = {"gb", "fr"}
WANTED = NewAccount("gb-siem", "gb", frozenset({"reader"}), "elastic", "SIEM", 30 * DAY)


class Peppers:
    def newest(self, kind):
        return 2, b"p" * 32

    def all(self, kind):
        return {1: KeyEntry(b"o" * 32, 0), 2: KeyEntry(b"p" * 32, 0)}


class Clock:
    now = NOW

    def __call__(self):
        return self.now


class World:
    """One store, an admin and two worker processes beside each other."""

    def __init__(self, database) -> None:
        self.clock = Clock()
        self.workers = [Accounts(AccountStore(database), Peppers(), self.clock) for _ in range(2)]
        self.admin = Accounts(AccountStore(database), Peppers(), self.clock).admin

    async def beat(self):
        for worker in self.workers:
            await worker.refresh()

    def valid(self, issued) -> bool:
        answers = set()
        for worker in self.workers:
            try:
                account = worker.authenticate(None, issued.key.text, "192.0.2.1", self.clock.now)
                answers.add(account.id == issued.account)
            except UnauthorizedError:
                answers.add(False)
        assert len(answers) == 1
        return answers.pop()


@pytest.fixture
def run(mongodb_uri, mongodb_database):
    def runner(body):
        async def main():
            async with AsyncMongoClient(mongodb_uri) as client:
                await body(World(client[mongodb_database]))

        asyncio.run(main())

    return runner


def test_an_added_account_logs_in_and_its_secret_is_not_in_the_database(run):
    async def body(world):
        issued = await world.admin.add(WANTED, AGENCIES)
        await world.beat()
        assert world.valid(issued)
        account, (key,) = await world.admin.get("gb-siem")
        assert (account.agency, account.client_profile, account.title) == ("gb", "elastic", "SIEM")
        assert (key.pepper, key.lifetime) == (2, 30 * DAY)
        assert key.expires_at == issued.expires_at == int(NOW * MICRO) + 30 * DAY
        assert issued.key.secret not in repr((account, key, issued))

    run(body)


def test_two_keys_hold_during_the_overlap_then_only_the_new_one(run):
    async def body(world):
        old = await world.admin.add(WANTED, AGENCIES)
        new = await world.admin.rotate("gb-siem", overlap=24 * HOUR)
        assert [key.id for key in new.ending] == [old.key.id]
        assert new.expires_at == int(NOW * MICRO) + 30 * DAY  # the lifetime is handed on
        await world.beat()
        assert world.valid(old)
        assert world.valid(new)
        world.clock.now += 24 * 3600
        await world.beat()
        assert not world.valid(old)
        assert world.valid(new)

    run(body)


def test_a_rotation_without_overlap_ends_the_old_key_at_once(run):
    async def body(world):
        old = await world.admin.add(WANTED, AGENCIES)
        new = await world.admin.rotate("gb-siem", overlap=0, lifetime=DAY)
        await world.beat()
        assert not world.valid(old)
        assert world.valid(new)
        assert new.expires_at == int(NOW * MICRO) + DAY

    run(body)


def test_revocation_is_effective_on_every_worker_after_one_refresh(run):
    async def body(world):
        one = await world.admin.add(WANTED, AGENCIES)
        two = await world.admin.add(NewAccount("fr-tip", "fr", frozenset({"writer"})), AGENCIES)
        await world.beat()
        assert world.valid(one)
        assert world.valid(two)
        assert await world.admin.revoke("gb-siem") == (one.key.id,)
        assert await world.admin.revoke("fr-tip", two.key.id) == (two.key.id,)
        await world.beat()
        assert not world.valid(one)
        assert not world.valid(two)
        again = await world.admin.rotate("fr-tip", overlap=0)  # the account itself is in force
        await world.beat()
        assert world.valid(again)

    run(body)


def test_a_dry_run_says_what_would_happen_and_changes_nothing(run):
    async def body(world):
        admin = world.admin
        await admin.add(WANTED, AGENCIES, dry_run=True)
        assert await admin.list() == ()
        issued = await admin.add(WANTED, AGENCIES)
        before = await admin.list()
        with pytest.raises(BadRequestError):
            await admin.add(WANTED, AGENCIES, dry_run=True)
        rotation = await admin.rotate("gb-siem", HOUR, dry_run=True)
        assert [key.id for key in rotation.ending] == [issued.key.id]
        assert await admin.revoke("gb-siem", dry_run=True) == (issued.key.id,)
        await admin.set_profile("gb-siem", "standard", dry_run=True)
        with pytest.raises(NotFoundError):
            await admin.set_profile("nobody", "standard", dry_run=True)
        assert await admin.list() == before
        await world.beat()
        assert world.valid(issued)

    run(body)


def test_a_changed_profile_reaches_the_workers(run):
    async def body(world):
        issued = await world.admin.add(WANTED, AGENCIES)
        await world.beat()
        await world.admin.set_profile("gb-siem", "absolute-urls")
        await world.beat()
        for worker in world.workers:
            account = worker.authenticate(None, issued.key.text, "192.0.2.1", NOW)
            assert account.client_profile == "absolute-urls"

    run(body)


def test_use_and_refusals_reach_the_admin(run):
    async def body(world):
        issued = await world.admin.add(WANTED, AGENCIES)
        await world.beat()
        assert world.valid(issued)
        world.clock.now += 31 * 24 * 3600
        await world.beat()
        assert not world.valid(issued)
        world.clock.now += 10
        await world.beat()
        _, (key,) = await world.admin.get("gb-siem")
        assert key.last_used == int(NOW * MICRO)
        assert (key.refused.reason, key.refused.source) == ("the key has expired", "192.0.2.1")

    run(body)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "GB"}, "cannot be an account's name"),
        ({"name": ""}, "cannot be an account's name"),
        ({"name": "a b"}, "cannot be an account's name"),
        ({"name": "a" * 64}, "cannot be an account's name"),
        ({"agency": "xx"}, "'xx' is no agency of the catalogue in force; there are: fr, gb"),
        ({"roles": frozenset()}, "one or more of the roles reader, writer"),
        ({"roles": frozenset({"king"})}, "one or more of the roles reader, writer"),
        ({"title": "a\nb"}, "printable"),
        ({"title": "a" * 201}, "printable"),
        ({"client_profile": "odd"}, "'odd' is no client profile; there are: standard, elastic"),
        ({"lifetime": 0}, "from 1 to 3650 days"),
        ({"lifetime": 3651 * DAY}, "from 1 to 3650 days"),
    ],
)
def test_what_cannot_be_is_refused_in_words(run, change, words):
    async def body(world):
        fields = {"name": "gb-siem", "agency": "gb", "roles": frozenset({"reader"})}
        with pytest.raises(BadRequestError, match=words):
            await world.admin.add(NewAccount(**{**fields, **change}), AGENCIES)
        assert await world.admin.list() == ()

    run(body)


def test_rotations_that_cannot_be_are_refused(run):
    async def body(world):
        with pytest.raises(NotFoundError, match="no account nobody"):
            await world.admin.rotate("nobody", HOUR)
        await world.admin.add(WANTED, AGENCIES)
        for overlap in (-1, 91 * DAY):
            with pytest.raises(BadRequestError, match="overlap"):
                await world.admin.rotate("gb-siem", overlap)
        with pytest.raises(BadRequestError, match="profile"):
            await world.admin.set_profile("gb-siem", "odd")
        with pytest.raises(BadRequestError, match="none; apply a catalogue"):
            await world.admin.add(NewAccount("x", "gb", frozenset({"reader"})), set())

    run(body)


def test_an_account_takes_less_and_every_process_knows(run):
    async def body(world):
        narrowing = Narrowing(1, frozenset({"SI"}), frozenset({"ct"}), "ct")
        issued = await world.admin.add(replace(WANTED, narrowing=narrowing), AGENCIES)

        async def known():
            await world.beat()
            return {w.authenticate(None, issued.key.text, "192.0.2.1", NOW).level for w in world.workers}

        assert await known() == {1}
        account = world.workers[0].authenticate(None, issued.key.text, "192.0.2.1", NOW)
        assert (account.clearances, account.purposes, account.purpose) == ({"SI"}, {"ct"}, "ct")
        await world.admin.set_narrowing("gb-siem", Narrowing())
        assert await known() == {None}

    run(body)


@pytest.mark.parametrize(
    "narrowing",
    [
        Narrowing(level=5),
        Narrowing(level=-1),
        Narrowing(clearances=frozenset({""})),
        Narrowing(purposes=frozenset({"x" * 65})),
        Narrowing(purposes=frozenset({"ct"}), purpose="crime"),
        Narrowing(purpose="a\nb"),
    ],
)
def test_what_cannot_be_taken(run, narrowing):
    async def body(world):
        await world.admin.add(WANTED, AGENCIES)
        with pytest.raises(BadRequestError):
            await world.admin.set_narrowing("gb-siem", narrowing)

    run(body)


def test_words_that_the_agency_does_not_hold():
    membership = Membership("gb", 1, frozenset({"SI"}), frozenset({"ct"}))
    root = ApiRoot("r", "R", None, None, frozenset({"gb"}), 1, (), memberships=(membership,))
    catalog = Catalog((root,), ())
    asked = Narrowing(None, frozenset({"SI", "TK"}), frozenset({"crime"}), "ct")
    assert not_held(asked, "gb", catalog) == ["TK", "crime"]
    assert not_held(Narrowing(), "gb", catalog) == []
    assert not_held(Narrowing(purpose="ct"), "fr", catalog) == ["ct"]
