"""Lanes over TLS, to a database that wants to know who asks."""

from __future__ import annotations

import asyncio
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from taxii_hub.model import ObjectQuery, Visibility
from taxii_hub.store.engine_files import find_mongod
from tests.support.certificates import Authority
from tests.support.feeds import V1, offer, opened_feed, policy, publication

PASSWORD = "lanes"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a replica set of one, with TLS and accounts."""
    tmp_path = tmp_path_factory.mktemp("secured")
    authority = Authority(tmp_path)
    server = authority.issue("localhost")
    both, keys, data = tmp_path / "both.pem", tmp_path / "keys", tmp_path / "data"
    both.write_bytes(server.key.read_bytes() + server.certificate.read_bytes())
    keys.write_text(secrets.token_hex(40))
    keys.chmod(0o600)
    data.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = ("--tlsCertificateKeyFile", both, "--tlsCAFile", authority.pair.certificate, "--keyFile", keys)
    where = ("--dbpath", data, "--port", str(port), "--bind_ip", "127.0.0.1", "--replSet", "one")
    limits = ("--wiredTigerCacheSizeGB", "0.25", "--quiet", "--logpath", tmp_path / "log")
    tls = ("--tlsMode", "requireTLS", "--tlsAllowConnectionsWithoutCertificates")
    process = subprocess.Popen([find_mongod(), *where, *files, *tls, *limits])
    options = f"directConnection=true&tls=true&tlsCAFile={authority.pair.certificate}"
    try:
        _initiated(f"127.0.0.1:{port}", options)
        yield f"mongodb://hub:{PASSWORD}@127.0.0.1:{port}/?authSource=admin&{options}"
    finally:
        process.kill()
        process.wait()


def _initiated(address: str, options: str) -> None:
    """Until there is an account, whoever asks from the same machine may make one."""
    end = time.monotonic() + 60
    with MongoClient[dict[str, Any]](f"mongodb://{address}/?{options}") as client:
        client.admin.command("replSetInitiate", {"_id": "one", "members": [{"_id": 0, "host": address}]})
        while True:
            try:
                client.admin.command("createUser", "hub", pwd=PASSWORD, roles=["root"])
            except PyMongoError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return


@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_pages_come_over_tls_with_a_password(secured: str, new_loop: Callable[[], Any]) -> None:
    async def read() -> None:
        async with opened_feed(secured, "secured") as feed:
            number = (await feed.intern(1, frozenset({policy()})))[policy()]
            await feed.commit(publication(*(offer(n, number, data=b"x" * 999) for n in range(300))))
            visibility = Visibility(1, "gb", (number,), 1, V1)
            for limit in (3, 300):
                page = await feed.page(visibility, ObjectQuery(), "objects", limit)
                assert len(page.stamps) == limit

    loop = new_loop()
    try:
        loop.run_until_complete(read())
    finally:
        loop.close()
