"""Backup under load, restore, and pollers that were before and after it; every file that was touched is refused."""

from __future__ import annotations

import asyncio
import random
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from taxii_hub.bootstrap import INDEXES, deployment_of, open_hub
from taxii_hub.errors import StoreError
from taxii_hub.exchange.acts import remove
from taxii_hub.exchange.audit_reading import exported, verified
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.poll import poll
from taxii_hub.exchange.publish import publish
from taxii_hub.keyring import Keyring
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.leaves import Actor, read
from taxii_hub.model import Page, Status
from taxii_hub.settings import Settings
from taxii_hub.store import backup, backup_restore
from taxii_hub.store.backup import Database, Identity, back_up, counted
from taxii_hub.store.backup_file import MAGIC, BackupReader, Manifest
from taxii_hub.store.backup_restore import Order, Outcome, abort, restore
from taxii_hub.store.topology import connect
from taxii_hub.taxii.filters import parse_query
from tests.support.inprocess import opened_hub, place
from tests.support.probe import indicator

OPERATOR = Actor("root@test")


@dataclass
class World:
    """One database with its secrets; hubs open and close on it."""

    uri: str
    name: str
    data: Path
    raw: Any
    """The same database, for looking into it directly."""

    @property
    def settings(self) -> Settings:
        return replace(Settings(), mongodb_uri=self.uri, mongodb_database=self.name, data_dir=self.data)

    @property
    def identity(self) -> Identity:
        keyring = Keyring.open(self.settings.secrets, create=False)
        return Identity(keyring, deployment_of(self.settings, keyring))

    @property
    def file(self) -> Path:
        return self.data / "hub.backup"

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        async with connect(self.uri) as client:
            yield client[self.name]

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Hub]:
        """With the test's catalogue in force."""
        async with opened_hub(self.uri, self.name, self.data) as hub:
            yield hub

    @asynccontextmanager
    async def reopened(self) -> AsyncIterator[Hub]:
        """As it was restored, without anything put in force."""
        async with open_hub(self.settings, lifetime=0.05) as hub:
            yield hub

    async def back_up(self, name: str = "hub.backup") -> Manifest:
        async with self.database() as database:
            return await back_up(database, self.data / name, self.identity)

    async def restore(self, dry_run: bool = False, identity: Identity | None = None, **more: Any) -> Outcome:
        order = Order(self.file, identity or self.identity, INDEXES, OPERATOR, **more)
        async with self.database() as database:
            return await restore(database, order, dry_run)

    async def abort(self) -> bool:
        async with self.database() as database:
            return await abort(database)

    def wipe(self) -> None:
        self.raw.client.drop_database(self.name)


@pytest.fixture
def world(mongodb_uri: str, mongodb_database: str, tmp_path: Path) -> Iterator[World]:
    with MongoClient(mongodb_uri) as client:
        yield World(mongodb_uri, mongodb_database, tmp_path, client[mongodb_database])


async def post(hub: Hub, *objects: dict[str, Any]) -> Status:
    body = orjson.dumps({"objects": objects})
    return await publish(hub, place(hub, "gb-owl", "strict"), body, 1)


async def get(hub: Hub, query: str = "") -> Page:
    asked = parse_query(query.encode(), "objects")
    return (await poll(hub, place(hub, "us-elk", "strict"), asked, "objects")).page


async def ids(hub: Hub, query: str = "") -> set[str]:
    return {entry.id for entry in (await get(hub, query)).entries}


def some(number: int) -> list[dict[str, Any]]:
    return [indicator(n) for n in range(number)]


def known(objects: list[dict[str, Any]]) -> set[str]:
    return {each["id"] for each in objects}


async def test_a_backup_under_load_holds_every_commit_whole_or_not_at_all(world: World) -> None:
    async with world.hub() as hub:
        acknowledged: dict[str, set[str]] = {}
        before: set[str] = set()
        enough, done = asyncio.Event(), asyncio.Event()

        async def write() -> None:
            while not done.is_set():
                objects = some(20)
                acknowledged[(await post(hub, *objects)).id] = known(objects)
                if len(acknowledged) == 20:
                    enough.set()

        async with asyncio.TaskGroup() as writers:
            for _ in range(4):
                writers.create_task(write())
            await enough.wait()
            before.update(acknowledged)
            manifest = await world.back_up()
            done.set()
    assert stat.S_IMODE(world.file.stat().st_mode) == 0o600
    world.wipe()
    outcome = await world.restore()
    assert outcome.log == "backup"
    assert outcome.evidence.source == "none"
    async with world.reopened() as hub:
        stored = set(world.raw.entries.distinct("i"))
        statuses = set(world.raw.statuses.distinct("_id"))
        assert before <= statuses, "acknowledged before it began, and not in it"
        assert stored == set().union(*(acknowledged[each] for each in statuses))
        assert len(stored) == manifest.collections["entries"].documents
        assert await ids(hub, "limit=10000") == stored
        # The log goes on from the backup and says so.
        await hub.audit.settled(sign=True)
        assert (await verified(hub.audit)).sound
        (leaf,) = [read(row.leaf) async for row in hub.audit.records.rows(RowFilter(kinds=("restore",)))]
        assert (leaf["log"], leaf["by"]["account"]) == ("backup", OPERATOR.account)
    named = world.raw.entries.index_information()
    assert {model.document["name"] for model in INDEXES["entries"]} < named.keys()


async def test_pollers_from_before_and_after_the_backup_miss_nothing(world: World) -> None:
    """R1: the clock goes on from after everything that was given, though the backup is older."""
    async with world.hub() as hub:
        old = some(5)
        await post(hub, *old)
        older = (await get(hub)).entries[1].stamp
        await world.back_up()
        await post(hub, *some(3))
        later = (await get(hub)).entries[-1].stamp
    # The old database's clock was far ahead, and told stamps accordingly.
    ahead = later + 3_000_000_000
    world.raw.clocks.update_many({}, {"$set": {"last": ahead}})
    outcome = await world.restore(replace=True)
    assert set(outcome.clocks.values()) == {(ahead // 1000 + 1) * 1000 + 60_000_000}
    async with world.reopened() as hub:
        fresh = some(4)
        await post(hub, *fresh)
        asked = "added_after={}&limit=10000"
        assert await ids(hub) == known(old) | known(fresh)
        assert await ids(hub, asked.format(_text(older))) == known(old[2:]) | known(fresh)
        assert await ids(hub, asked.format(_text(later))) == known(fresh)
        assert await ids(hub, asked.format(_text(ahead))) == known(fresh)


def _text(stamp: int) -> str:
    from taxii_hub.stix import timestamps

    return timestamps.format(stamp)


async def test_what_is_replaced_tells_what_has_to_be_sent_and_done_again(world: World) -> None:
    async with world.hub() as hub:
        kept = some(2)
        await post(hub, *kept)
        await world.back_up()
        late = await post(hub, *some(3))
        await remove(hub, place(hub, "gb-owl", "strict"), kept[0]["id"], parse_query(b"", "delete"))
        rows = (await hub.audit.records.tree()).size
    with pytest.raises(StoreError, match=r"not empty .*entries 4.*--replace"):
        await world.restore()
    looked = await world.restore(dry_run=True, replace=True)
    assert looked.there["entries"] == 4
    assert world.raw.entries.count_documents({}) == 4
    outcome = await world.restore(replace=True)
    assert [act.told["status"] for act in outcome.evidence.unsent] == [late.id]
    assert [act.told["stored"] for act in outcome.evidence.unsent] == [3]
    assert [act.kind for act in outcome.evidence.undone] == ["delete"]
    assert outcome.log == "kept"
    async with world.reopened() as hub:
        assert await ids(hub) == known(kept)
        await hub.audit.settled(sign=True)
        report = await verified(hub.audit)
        assert report.sound
        assert report.size > rows, "nobody ends the log by restoring a backup"


async def test_an_export_tells_the_same_where_the_database_is_lost(world: World, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    async with world.hub() as hub:
        await post(hub, *some(2))
        await hub.audit.settled(sign=True)
        manifest = await world.back_up()
        late = await post(hub, *some(300))
        newest = (await get(hub, "limit=10000")).entries[-1].stamp
        await hub.audit.settled(sign=True)
        log.write_bytes(b"".join([line async for line in exported(hub.audit)]))
        size = (await hub.audit.records.tree()).size
        outside = (await hub.audit.records.newest_kept()).note
    world.wipe()
    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(log.read_bytes().replace(b'\\"stored\\":300', b'\\"stored\\":301'))
    with pytest.raises(StoreError, match="was changed"):
        await world.restore(export=changed)
    outcome = await world.restore(export=log)
    assert outcome.log == "export"
    assert [act.told["status"] for act in outcome.evidence.unsent] == [late.id]
    assert min(outcome.clocks.values()) > newest
    async with world.reopened() as hub:
        await hub.audit.settled(sign=True)
        report = await verified(hub.audit, [outside])
        assert report.sound, report.findings
        assert report.size > size > manifest.log
    # And one that is older than the backup says nothing of what came after.
    world.file.unlink()
    await world.back_up()
    with pytest.raises(StoreError, match="older than the backup"):
        await world.restore(replace=True, export=log)


async def test_a_touched_file_is_refused_before_anything_is_written(world: World) -> None:
    async with world.hub() as hub:
        await post(hub, *some(3))
    manifest = await world.back_up()
    whole = world.file.read_bytes()
    async with world.database() as database:
        assert (await counted(database))["entries"] == manifest.collections["entries"].documents == 3
    world.wipe()
    chance = random.Random(1)
    touched = [whole[:length] for length in (0, 5, len(MAGIC), len(whole) // 2, len(whole) - 1)]
    for _ in range(24):
        place = chance.randrange(len(whole))
        touched.append(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
    touched.append(whole + b"more")
    for each in touched:
        world.file.write_bytes(each)
        with pytest.raises(StoreError, match="Nothing was restored from it"):
            await world.restore()
        assert not world.raw.list_collection_names()
    world.file.write_bytes(whole)
    await world.restore()
    assert world.raw.entries.count_documents({}) == 3


async def test_what_must_not_be_mixed_is_refused(world: World, tmp_path: Path) -> None:
    async with world.hub() as hub:
        await world.back_up()
        with pytest.raises(StoreError, match=r"use the database .*pid"):
            await world.restore(replace=True)
        assert hub.ready() == []
    with pytest.raises(StoreError, match="such a file already"):
        await world.back_up()
    world.wipe()
    ours = world.identity
    others = Keyring.open(tmp_path / "others", create=True)
    other = Identity(others, deployment_of(world.settings, others))
    with pytest.raises(StoreError, match="hubs with other secrets"):
        await world.restore(identity=other)
    namespace = replace(ours.deployment, id_namespace="another")
    with pytest.raises(StoreError, match="TAXII_HUB_ID_NAMESPACE"):
        await world.restore(identity=Identity(ours.keyring, namespace))
    with pytest.raises(StoreError, match="no hub ever used it"):
        await world.back_up("empty")
    assert not world.raw.list_collection_names()
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


async def test_a_backup_of_a_newer_schema_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.hub():
        pass
    await world.back_up()
    world.wipe()
    monkeypatch.setattr(backup_restore, "SCHEMA_VERSION", 1)
    with pytest.raises(StoreError, match="this release knows 1"):
        await world.restore()


async def test_an_interrupted_restore_is_finished_or_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.hub() as hub:
        objects = some(3)
        await post(hub, *objects)
        await world.back_up()
        late = await post(hub, *some(1))
    assert not await world.abort()

    async def broken(*_: Any) -> None:
        raise OperationFailure("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(backup_restore, "_refuse_incomplete", broken)
        with pytest.raises(StoreError, match="Nothing is lost"):
            await world.restore(replace=True)
    with pytest.raises(StoreError, match="store restore --abort"):
        async with world.reopened():
            pass
    with pytest.raises(StoreError, match="is being restored"):
        await world.back_up("another")
    assert await world.abort()
    async with world.reopened() as hub:
        assert len(await ids(hub)) == 4

    # Now in the middle of the renames: only forward from there, and once.
    with monkeypatch.context() as patch:
        patch.setattr(
            backup_restore, "_turn", lambda name: 0 if name in ("entries", "policies") else boom(name)
        )
        with pytest.raises(ZeroDivisionError):
            await world.restore(replace=True)
    with pytest.raises(StoreError, match="cannot be taken back"):
        await world.abort()
    outcome = await world.restore()
    assert outcome.resumed
    assert [act.told["status"] for act in outcome.evidence.unsent] == [late.id]
    async with world.reopened() as hub:
        assert await ids(hub) == known(objects)
        await hub.audit.settled(sign=True)
        said = [row async for row in hub.audit.records.rows(RowFilter(kinds=("restore",)))]
        assert len(said) == 1


def boom(name: str) -> int:
    return 1 // 0


async def test_a_snapshot_that_is_not_kept_long_enough_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_old(*_: Any) -> None:
        raise OperationFailure("SnapshotTooOld", 239)

    async with world.hub():
        pass
    monkeypatch.setattr(backup, "_manifest", too_old)
    with pytest.raises(StoreError, match=r"keeps a snapshot for 300 seconds.*setParameter"):
        await world.back_up()
    assert not world.file.exists()


async def test_a_reader_that_was_not_read_to_its_end_tells_nothing(world: World) -> None:
    async with world.hub():
        pass
    await world.back_up()
    reader = BackupReader(world.file, world.identity.keyring)
    next(reader.blocks())
    with pytest.raises(StoreError, match="not read to its end"):
        reader.manifest  # noqa: B018 - computes
    reader = BackupReader(world.data / "absent", world.identity.keyring)
    with pytest.raises(StoreError, match="cannot be read"):
        next(reader.blocks())
