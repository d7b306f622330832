"""Accounts and keys on a real MongoDB."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pymongo import AsyncMongoClient

from taxii_hub.errors import BadRequestError, NotFoundError, UnavailableError
from taxii_hub.store.account_records import AccountRecord, KeyRecord, KeyRefusal, KeyUse, Narrowing
from taxii_hub.store.accounts import INDEXES, AccountStore

GB = AccountRecord("gb-siem", "gb", frozenset({"reader", "writer"}), "elastic", "SIEM", 1_000)
FIRST = KeyRecord("aaaaaaaaaa", "gb-siem", 1, b"\x01" * 32, 1_000)
SECOND = KeyRecord("bbbbbbbbbb", "gb-siem", 2, b"\x02" * 32, 2_000, expires_at=9_000, lifetime=7_000)
THIRD = replace(SECOND, id="cccccccccc", created_at=3_000)


@pytest.fixture
def run(mongodb_uri, mongodb_database):
    """Runs a coroutine function with a fresh store (and its database)."""

    def runner(body):
        async def main():
            async with AsyncMongoClient(mongodb_uri) as client:
                database = client[mongodb_database]
                for name, indexes in INDEXES.items():
                    await database[name].create_indexes(indexes)
                return await body(AccountStore(database))

        return asyncio.run(main())

    return runner


def keys_of(directory):
    return {key.id: key for key in directory.keys}


def test_an_empty_database_has_revision_0(run):
    async def body(store):
        assert await store.revision() == 0
        assert (await store.read()).accounts == ()

    run(body)


def test_what_is_added_is_read_back_and_moves_the_revision(run):
    async def body(store):
        await store.add(GB, FIRST)
        directory = await store.read()
        assert directory.accounts == (GB,)
        assert directory.keys == (FIRST,)
        assert directory.revision == await store.revision() == 1

    run(body)


def test_a_name_is_used_once_also_after_its_revocation(run):
    async def body(store):
        await store.add(GB, FIRST)
        await store.revoke("gb-siem", None, 5_000)
        with pytest.raises(BadRequestError, match="choose another name"):
            await store.add(replace(GB, agency="fr"), SECOND)
        directory = await store.read()
        assert [a.agency for a in directory.accounts] == ["gb"]
        assert directory.revision == 2

    run(body)


def test_rotation_lets_the_old_key_end_later(run):
    async def body(store):
        await store.add(GB, FIRST)
        assert await store.rotate(SECOND, 4_000) == (FIRST,)
        keys = keys_of(await store.read())
        assert keys == {FIRST.id: replace(FIRST, expires_at=4_000), SECOND.id: SECOND}

    run(body)


def test_rotation_never_lengthens_a_key(run):
    async def body(store):
        await store.add(GB, replace(FIRST, expires_at=3_500))
        await store.rotate(SECOND, 4_000)
        assert keys_of(await store.read())[FIRST.id].expires_at == 3_500

    run(body)


def test_at_most_two_keys_live(run):
    async def body(store):
        await store.add(GB, FIRST)
        await store.rotate(SECOND, 4_000)
        with pytest.raises(BadRequestError, match="two live keys, aaaaaaaaaa and bbbbbbbbbb"):
            await store.rotate(THIRD, 5_000)
        assert await store.revision() == 2
        late = replace(THIRD, created_at=4_000)  # the first one has ended by then
        assert [key.id for key in await store.rotate(late, 5_000)] == [SECOND.id]

    run(body)


def test_of_rotations_at_the_same_moment_one_wins(run):
    async def body(store):
        await store.add(GB, FIRST)
        many = [replace(SECOND, id=f"k{i}", created_at=2_000) for i in range(6)]
        outcomes = await asyncio.gather(*(store.rotate(key, 4_000) for key in many), return_exceptions=True)
        assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, BadRequestError) for outcome in outcomes) == 5
        assert len((await store.read()).keys) == 2

    run(body)


def test_revoking_one_key_leaves_the_other(run):
    async def body(store):
        await store.add(GB, FIRST)
        await store.rotate(SECOND, 4_000)
        assert await store.revoke("gb-siem", FIRST.id, 3_000) == (FIRST.id,)
        assert await store.revoke("gb-siem", FIRST.id, 3_500) == ()
        directory = await store.read()
        assert keys_of(directory)[FIRST.id].revoked_at == 3_000
        assert keys_of(directory)[SECOND.id].revoked_at is None
        assert directory.accounts[0].revoked_at is None

    run(body)


def test_revoking_an_account_ends_all_its_keys_for_good(run):
    async def body(store):
        await store.add(GB, FIRST)
        await store.rotate(SECOND, 4_000)
        assert set(await store.revoke("gb-siem", None, 3_000)) == {FIRST.id, SECOND.id}
        assert await store.revoke("gb-siem", None, 3_500) == ()
        directory = await store.read()
        assert directory.accounts[0].revoked_at == 3_000
        assert {key.revoked_at for key in directory.keys} == {3_000}
        with pytest.raises(BadRequestError, match="revoked for good"):
            await store.rotate(THIRD, 9_000)

    run(body)


def test_a_key_of_another_account_is_not_found(run):
    async def body(store):
        await store.add(GB, FIRST)
        await store.add(replace(GB, id="fr-tip"), replace(SECOND, account="fr-tip"))
        with pytest.raises(NotFoundError, match="gb-siem has no key bbbbbbbbbb"):
            await store.revoke("gb-siem", SECOND.id, 3_000)
        assert keys_of(await store.read())[SECOND.id].revoked_at is None

    run(body)


def test_unknown_accounts_are_not_found_and_change_nothing(run):
    async def body(store):
        with pytest.raises(NotFoundError):
            await store.revoke("nobody", None, 1)
        with pytest.raises(NotFoundError):
            await store.set_profile("nobody", "elastic")
        with pytest.raises(NotFoundError):
            await store.rotate(SECOND, 1)
        assert await store.revision() == 0

    run(body)


def test_the_client_profile_changes(run):
    async def body(store):
        await store.add(GB, FIRST)
        await store.set_profile("gb-siem", "standard")
        directory = await store.read()
        assert directory.accounts[0].client_profile == "standard"
        assert directory.revision == 2

    run(body)


def test_of_uses_the_latest_stays_and_the_revision_too(run):
    async def body(store):
        await store.add(GB, FIRST)
        late = KeyRefusal(8_000, "the key has expired", "192.0.2.1")
        await store.note_use([KeyUse(FIRST.id, 7_000, late), KeyUse("unknown", 1, None)])
        await store.note_use([KeyUse(FIRST.id, 6_000, KeyRefusal(7_999, "z", "z"))])
        await store.note_use([KeyUse(FIRST.id, None, None)])
        directory = await store.read()
        assert directory.keys == (replace(FIRST, last_used=7_000, refused=late),)
        assert directory.revision == 1

    run(body)


def test_a_database_that_is_away_is_said_so(monkeypatch):
    monkeypatch.setattr("taxii_hub.store.accounts.PATIENCE", 0.1)

    async def main():
        uri = "mongodb://%2Ftmp%2Fnobody-listens-here.sock/?directConnection=true"
        async with AsyncMongoClient(uri) as client:
            store = AccountStore(client["x"])
            for call in (store.revision(), store.read(), store.add(GB, FIRST)):
                with pytest.raises(UnavailableError):
                    await call
            with pytest.raises(UnavailableError):
                await store.note_use([KeyUse("k", 1, None)])

    asyncio.run(main())


def test_what_an_account_takes_is_kept(run):
    all_of_it, some = Narrowing(), Narrowing(1, frozenset({"SI"}), frozenset({"ct", "crime"}), "ct")

    async def body(store):
        await store.add(GB, FIRST)
        assert (await store.read()).accounts[0].narrowing == all_of_it
        await store.set_narrowing("gb-siem", some, dry_run=True)
        for narrowing in (some, Narrowing(0, frozenset()), all_of_it):
            await store.set_narrowing("gb-siem", narrowing)
            directory = await store.read()
            assert directory.accounts[0].narrowing == narrowing
        assert directory.revision == 4
        await store.add(replace(GB, id="fr-tip", narrowing=some), replace(SECOND, account="fr-tip"))
        assert {each.id: each.narrowing for each in (await store.read()).accounts}["fr-tip"] == some
        with pytest.raises(NotFoundError):
            await store.set_narrowing("nobody", some)

    run(body)
