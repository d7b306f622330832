"""Which MongoDB is taken and which is refused, with real servers where one can be had."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo import AsyncMongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taxii_hub.errors import StoreError, UnavailableError
from taxii_hub.store import topology
from taxii_hub.store.engine_files import find_mongod
from taxii_hub.store.topology import check_topology, connect


def examined(uri: str, **options: Any) -> topology.Topology:
    async def body() -> topology.Topology:
        async with connect(uri, **options) as client:
            return await check_topology(client)

    return asyncio.run(body())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    """Starts a mongod on a socket with more options; returns its URI."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> str:
        folder = tmp_path / f"s{len(started)}"
        folder.mkdir()
        socket = folder / "m.sock"
        command = [str(find_mongod()), "--dbpath", str(folder), "--bind_ip", str(socket), *options]
        command += ["--wiredTigerCacheSizeGB", "0.25"] if "inMemory" not in options else []
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True))
        for _ in range(500):
            if socket.exists():
                break
            time.sleep(0.02)
        return f"mongodb://{quote(str(socket), safe='')}/?directConnection=true"

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_replica_set_is_described(mongodb_uri: str) -> None:
    found = examined(mongodb_uri)
    assert found.kind == "replica set hub, 1 member"
    assert int(found.version.partition(".")[0]) >= 6
    assert "majority, journalled" in found.durability
    assert abs(found.clock_difference) < 5_000
    assert found.notices


def test_the_client_asks_for_what_the_hub_promises(mongodb_uri: str) -> None:
    async def body() -> None:
        async with connect(mongodb_uri + "&w=majority&journal=true&readConcernLevel=majority") as client:
            assert client.write_concern == WriteConcern("majority", j=True)
            assert client.read_concern == ReadConcern("majority")
            assert client.options.retry_writes is False
            assert client.options.pool_options.appname == "taxii-hub"

    asyncio.run(body())


@pytest.mark.parametrize(
    "option",
    [
        "w=1",
        "W=0",
        "w=2",
        "journal=false",
        "j=false",
        "readConcernLevel=local",
        "readPreference=nearest",
        "w=",
    ],
)
def test_a_uri_that_weakens_the_promise_is_refused(option: str) -> None:
    with pytest.raises(StoreError, match=rf"TAXII_HUB_MONGODB_URI: {option} weakens.*leave it out"):
        connect(f"mongodb://db.example.org/?replicaSet=hub&{option}")


@pytest.mark.parametrize(
    "uri",
    ["", "http://db", "mongodb://", "mongodb://u:s3cret@db:x/"],
)
def test_what_is_no_uri_is_refused_without_the_password(uri: str) -> None:
    with pytest.raises(StoreError, match="TAXII_HUB_MONGODB_URI: this is not a MongoDB URI") as caught:
        connect(uri)
    assert "s3cret" not in str(caught.value)


def test_a_standalone_is_refused(server: Any) -> None:
    with pytest.raises(StoreError, match=r"standalone.*--replSet.*rs\.initiate"):
        examined(server())


def test_a_replica_set_that_was_not_initiated_is_refused(server: Any) -> None:
    with pytest.raises(StoreError, match="not initiated"):
        examined(server("--replSet", "hub"))


def test_a_weak_majority_is_refused(server: Any) -> None:
    uri = server("--replSet", "weak")
    socket = uri.removeprefix("mongodb://").partition("/")[0].replace("%2F", "/")

    async def body() -> None:
        async with AsyncMongoClient(uri) as client:
            config = {
                "_id": "weak",
                "members": [{"_id": 0, "host": socket}],
                "writeConcernMajorityJournalDefault": False,
            }
            await client.admin.command("replSetInitiate", config)
            for _ in range(500):
                if (await client.admin.command("hello"))["isWritablePrimary"]:
                    break
                await asyncio.sleep(0.02)

    asyncio.run(body())
    with pytest.raises(StoreError, match="writeConcernMajorityJournalDefault: false"):
        examined(uri)


def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(UnavailableError, match="MongoDB does not answer"):
        examined("mongodb://%2Fnonexistent%2Fx.sock/?directConnection=true", serverSelectionTimeoutMS=50)


def test_a_user_without_rights_is_told(server: Any) -> None:
    uri = server("--auth")

    async def body() -> None:
        async with AsyncMongoClient(uri) as client:
            await client.admin.command("createUser", "admin", pwd="x", roles=["root"])

    asyncio.run(body())
    wrong = uri.replace("mongodb://", "mongodb://admin:wrong@")
    with pytest.raises(StoreError, match="MongoDB refuses the hub's user") as caught:
        examined(wrong)
    assert "wrong" not in str(caught.value)


# No mongos and no old or foreign server can be had here: what they answer is written down.


def test_a_mongos_is_refused() -> None:
    with pytest.raises(StoreError, match=r"sharded cluster \(mongos\)"):
        topology._refuse_kind({"msg": "isdbgrid", "isWritablePrimary": True})


def test_a_secondary_is_refused() -> None:
    with pytest.raises(StoreError, match="a secondary of rs0: leave directConnection out"):
        topology._refuse_kind({"setName": "rs0", "isWritablePrimary": False})


@pytest.mark.parametrize("version", ["4.4.29", "5.0.31", "5.9.9-rc1"])
def test_an_old_server_is_refused(version: str) -> None:
    with pytest.raises(StoreError, match=f"MongoDB {version} is too old: the hub needs 6.0"):
        topology._refuse_version(version)


def test_data_in_memory_only_is_refused() -> None:
    with pytest.raises(StoreError, match="in memory only"):
        topology._refuse_weak_server({}, {"storageEngine": {"name": "inMemory", "persistent": False}})


def _noticed(members: list[dict[str, Any]], version: str = "7.0.2") -> tuple[str, ...]:
    hello = {"setName": "rs0", "me": members[0]["host"], "hosts": [m["host"] for m in members]}
    return topology._described(hello, version, {"config": {"members": members}}, 0).notices


def test_what_an_admin_should_know_is_noticed() -> None:
    three = [{"host": f"db{n}:27017"} for n in range(3)]
    assert _noticed(three) == ()
    assert "1 member(s)" in _noticed(three[:1])[0]
    assert "arbiter" in _noticed([*three[:2], {"host": "a:1", "arbiterOnly": True}])[0]
    assert "past its makers' support" in _noticed(three, "6.0.5")[0]
    assert "for demos" in _noticed([{"host": "/tmp/taxii-hub-0/0123456789abcdef.sock"}])[0]
    hello = {"setName": "rs0", "hosts": ["a", "b", "c"]}
    assert topology._described(hello, "8.0.0", {}, 0).kind == "replica set rs0, 3 members"
