"""The audit log on a real MongoDB: every leaf gets one number, whoever grows the tree and however it dies."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bson.int64 import Int64
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.errors import DamagedLogError
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.checkpoint import Checkpoint
from taxii_hub.ledger.leaves import HUB, Actor, leaf_of, read
from taxii_hub.ledger.log import Row
from taxii_hub.ledger.merkle import Head
from taxii_hub.ledger.verify import Evidence, verify
from taxii_hub.store import audit as store_audit
from taxii_hub.store.audit import INDEXES, AuditStore
from taxii_hub.store.audit_reading import AuditReader
from taxii_hub.store.audit_sessions import AuditSessions
from taxii_hub.store.migrations import Deployment, migrate
from tests.support.ledgers import AT, ORIGIN, SIGNER

Database = AsyncDatabase[dict[str, Any]]


def sign(head: Head, number: int) -> str:
    return SIGNER.sign(Checkpoint(ORIGIN, head, number, AT))


@asynccontextmanager
async def opened(uri: str, name: str) -> AsyncIterator[Database]:
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        await migrate(client[name], {**INDEXES, "audit_queue": []}, Deployment("test", "test"))
        yield client[name]


def leaves(count: int, start: int = 0) -> dict[str, bytes]:
    made = (
        leaf_of("page", AT + n, Actor(f"siem-{n % 3}", "gb-owl"), {"feed": n % 2})
        for n in range(start, start + count)
    )
    return {f"test-{n}": leaf for n, leaf in enumerate(made, start)}


async def everything(database: Database) -> tuple[list[Row], Evidence]:
    reader = AuditReader(database)
    rows = [row async for row in reader.everything()]
    evidence = Evidence(
        [SIGNER.verifier], await reader.tree(), await reader.tiles(), await reader.kept(), (), ORIGIN
    )
    return rows, evidence


async def drained(log: AuditStore) -> int:
    total = 0
    while done := await log.sequence():
        total += done
    return total


async def test_what_is_queued_gets_its_number_and_is_signed(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        log = AuditStore(database, "one")
        assert not await log.waiting()
        assert await log.sequence() == 0
        assert await log.checkpoint(sign, AT) is None
        assert await log.unsigned_since() is None
        await log.enqueue(leaves(600))
        await log.enqueue(leaves(600))  # sent again: the answer was lost
        assert await log.waiting()
        assert await drained(log) == 600
        kept = await log.checkpoint(sign, AT)
        assert kept is not None
        assert await log.checkpoint(sign, AT) is None
        await log.enqueue(leaves(700, 600))
        assert await log.unsigned_since() is None, "what waits is not in the tree yet"
        assert await drained(log) == 700
        assert await log.unsigned_since() == AT
        report = verify(*await everything(database))
        assert (report.sound, report.size, report.proved, report.checkpoints) == (True, 1300, 600, 1)
        reader = AuditReader(database)
        assert [
            row.n async for row in reader.rows(RowFilter(newest=True, kinds=("page",), feeds=(1,)), 2)
        ] == [1299, 1297]
        since = RowFilter(since=AT + 10, until=AT + 20, account="siem-0", agency="gb-owl", end=1000)
        assert [row.n async for row in reader.rows(since)] == [12, 15, 18]
        assert await reader.newest_kept() == kept
        assert sorted(await reader.tile_roots()) == [0, 1, 2, 3, 4]
        assert await reader.counts(None, AT + 6) == [("page", "gb-owl", 6)]
        await log.step_down()


async def test_two_who_grow_the_tree_at_once_number_every_leaf_once(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        both = [AuditStore(database, name) for name in ("one", "two")]
        store_audit_batch = store_audit.BATCH

        async def race(log: AuditStore, start: int) -> int:
            total = 0
            for part in range(5):
                await log.enqueue(leaves(40, start + part * 40))
                total += await log.sequence()
                await log.checkpoint(sign, AT)
            return total

        done = await asyncio.gather(*(race(log, 1000 * n) for n, log in enumerate(both)))
        done.append(await drained(both[0]))
        await both[0].checkpoint(sign, AT)
        rows, evidence = await everything(database)
        assert sum(done) == len(rows) == 400 < store_audit_batch
        assert len({row.leaf for row in rows}) == 400
        report = verify(rows, evidence)
        assert (report.sound, report.proved) == (True, 400), report.findings
        for log in both:
            await log.step_down()


async def test_only_one_leads_until_it_steps_down(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        one, two = AuditStore(database, "one"), AuditStore(database, "two")
        assert await one.lead()
        assert await one.lead()
        assert not await two.lead()
        await one.step_down()
        assert await two.lead()
        assert not await one.lead()
        for log in (one, two):
            await log.step_down()


async def test_every_single_change_of_the_stored_log_is_found(
    mongodb_uri: str, mongodb_database: str
) -> None:
    """The collections themselves, field by field; the campaign of a thousand is in unit/ledger."""
    async with opened(mongodb_uri, mongodb_database) as database:
        log = AuditStore(database, "one")
        for part in range(3):
            await log.enqueue(leaves(100, part * 100))
            await drained(log)
            await log.checkpoint(sign, AT)
        deeds = [
            ("audit_log", {"_id": 42}, {"h": bytes(32)}, "hash", 42),
            ("audit_log", {"_id": 42}, {"b": b"{}"}, "row", 42),
            ("audit_log", {"_id": 42}, {"b": 5}, "row", 42),
            ("audit_log", {"_id": 42}, {"k": "empty"}, "index", 42),
            ("audit_log", {"_id": 42}, {"t": Int64(AT)}, "index", 42),
            ("audit_log", {"_id": 42}, {"c": Int64(7)}, "index", 42),
            ("audit_log", {"_id": 42}, {"note": "stray"}, "index", 42),
            ("audit_tiles", {"_id": 0}, {"h": bytes(32 * 256)}, "tile", 42),
            ("audit_checkpoints", {"_id": 2}, {"note": "x"}, "checkpoint", 2),
            ("audit_checkpoints", {"_id": 2}, {"frontier": []}, "checkpoint", 2),
            ("audit_state", {"_id": "tree"}, {"size": Int64(299)}, "state", 299),
            ("audit_state", {"_id": "tree"}, {"checkpoints": 4}, "checkpoint", 4),
        ]
        for collection, key, change, what, place in deeds:
            before = await database[collection].find_one(key)
            assert before is not None
            await database[collection].update_one(key, {"$set": change})
            found = {(f.what, f.first) for f in verify(*await everything(database)).findings}
            assert (what, place) in found, (change, found)
            await database[collection].replace_one(key, before)
        for collection, key, what in (
            ("audit_log", 42, "missing"),
            ("audit_log", 299, "truncated"),
            ("audit_tiles", 1, "tile"),
            ("audit_checkpoints", 3, "checkpoint"),
        ):
            before = await database[collection].find_one_and_delete({"_id": key})
            assert before is not None
            assert what in {f.what for f in verify(*await everything(database)).findings}
            await database[collection].insert_one(before)
        for extra in (300, 7.5, "7"):
            row = await database["audit_log"].find_one({"_id": 7}, {"_id": 0})
            await database["audit_log"].insert_one({**(row or {}), "_id": extra})
            assert [f.what for f in verify(*await everything(database)).findings] == ["beyond"], extra
            await database["audit_log"].delete_one({"_id": extra})
        assert verify(*await everything(database)).sound
        await log.step_down()


async def test_a_leaf_that_cannot_be_read_does_not_stop_the_queue(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        log = AuditStore(database, "one")
        await log.enqueue({"a": b"{", "b": b"[]", "c": leaf_of("x", AT, HUB, {})})
        assert await drained(log) == 3
        rows, evidence = await everything(database)
        assert sorted(read(row.leaf)["kind"] for row in rows) == ["damaged", "damaged", "x"]
        assert verify(rows, evidence).sound
        await log.step_down()


async def test_a_tree_whose_state_was_changed_grows_no_further(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        log = AuditStore(database, "one")
        await log.enqueue(leaves(3))
        await drained(log)
        await database["audit_state"].update_one({"_id": "tree"}, {"$set": {"frontier": []}})
        await log.enqueue(leaves(1, 3))
        for act in (log.sequence(), log.checkpoint(sign, AT)):
            with pytest.raises(DamagedLogError, match="audit verify"):
                await act
        assert await log.waiting()
        await log.step_down()


async def test_new_keys_are_noticed_once(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        log = AuditStore(database, "one")
        for newest in (
            {"audit": 1, "cursor": 1},
            {"audit": 1, "cursor": 1},
            {"audit": 1, "cursor": 2},
            {"audit": 1},
        ):
            await log.note_keys(newest)
        await drained(log)
        rows, _ = await everything(database)
        assert [read(row.leaf)["newest"] for row in rows] == [{"audit": 1, "cursor": 1}, {"cursor": 2}]
        await log.step_down()


async def test_a_process_that_falls_silent_leaves_one_gap(mongodb_uri: str, mongodb_database: str) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        clean, dead = (AuditSessions(database, name, silence=0.2) for name in ("clean", "dead"))
        await clean.beat(AT)
        await dead.beat(AT)
        await dead.beat(AT + 7)
        assert await clean.settle() == 0
        await clean.close()
        await asyncio.sleep(0.25)
        others = [AuditSessions(database, name, silence=0.2) for name in ("a", "b")]
        assert sum(await asyncio.gather(*(other.settle() for other in others))) == 1
        (queued,) = await database["audit_queue"].find().to_list()
        leaf = read(queued["b"])
        assert (leaf["kind"], leaf["process"], leaf["pid"]) == ("gap", "dead", os.getpid())
        assert leaf["from"] == "2025-11-23T00:00:00.000007Z" < leaf["until"]
        await dead.beat(AT + 9)  # it was only slow: from now on it is watched again
        assert await database["audit_sessions"].count_documents({"open": True}) == 1


DYING = """
import asyncio, sys
from pymongo import AsyncMongoClient
from taxii_hub.store.audit import AuditStore
async def main(uri, name):
    async with AsyncMongoClient(uri) as client:
        log = AuditStore(client[name], "dying")
        await log.lead()
        session = log._own_session()
        await session.start_transaction()
        await log._sequence(session)
        print("locked", flush=True)
        await asyncio.sleep(60)
asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_process_killed_while_it_grows_the_tree_holds_nobody_up(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with opened(mongodb_uri, mongodb_database) as database:
        log = AuditStore(database, "heir")
        await log.enqueue(leaves(20))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DYING, mongodb_uri, mongodb_database, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"locked\n"
        process.kill()
        await process.wait()
        assert not await log.lead(), "its lease has not run out"
        await database["audit_state"].update_one({"_id": "sequencer"}, [{"$set": {"expires": "$$NOW"}}])
        await asyncio.sleep(0.01)
        assert await log.lead()
        assert await asyncio.wait_for(drained(log), 5) == 20
        assert verify(*await everything(database)).sound
        await log.step_down()


def test_leaves_of_before_there_was_a_log_are_queued_once(mongodb_uri: str, mongodb_database: str) -> None:
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        database = client[mongodb_database]
        request = {"status": str(uuid.uuid4()), "agency": "gb", "account": "acc", "epoch": 1}
        old = {
            "kind": "publish",
            "c": 3,
            "at": Int64(AT),
            "requests": [{**request, "offered": 2, "stored": 1}, request],
        }
        database["audit"].insert_one(old)
        database["meta"].insert_one({"_id": "schema", "version": 2})

        async def migrated() -> None:
            async with opened(mongodb_uri, mongodb_database):
                pass

        asyncio.run(migrated())
        found = [read(document["b"]) for document in database["audit_queue"].find(sort=[("_id", 1)])]
        assert [leaf.get("stored") for leaf in found] == [1, None]
        assert {(leaf["kind"], leaf["feed"], leaf["by"]["account"]) for leaf in found} == {
            ("publish", 3, "acc")
        }
        assert "audit" not in database.list_collection_names()
