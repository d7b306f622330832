"""The processes of a campaign: hubs and MongoDB nodes that can be killed, frozen, and started again.

All of them die with the campaign itself, whatever ends it: start them from the main thread only.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from taxii_hub.bootstrap import open_hub
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.exchange.account_admin import NewAccount
from taxii_hub.mapping.registry import registry_of
from taxii_hub.settings import Settings
from taxii_hub.store.engine_files import find_mongod
from tests.support.hubs import READY, children_of, environment_for
from tests.support.watched import Target

HUB = (sys.executable, "-m", "taxii_hub.cli")
START = 150.0
"""Seconds that a hub or a replica set may take until it answers, on a machine that does other things too."""


def mongod_version() -> str:
    """Of the program that all nodes run."""
    done = subprocess.run([str(find_mongod()), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split("\n", 1)[0].removeprefix("db version v")


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody uses now."""
    with socket.create_server((host, 0)) as free:
        port: int = free.getsockname()[1]
        return port


async def until(what: str, true: Callable[[], bool], seconds: float = START) -> float:
    """Seconds until it was true; raises AssertionError when it is not in time."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:.0f} s"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Child:
    """A program that is started, and perhaps killed and started again; its output is appended to ``log``."""

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running one."""
        assert self.process is not None, f"{self.command[0]} was not started"
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def spawn(self) -> None:
        """Start it; it is killed when this process ends."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def send(self, number: signal.Signals) -> None:
        """Signal it; harmless when it has ended."""
        if self.process is not None and self.alive:
            self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait for it."""
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    async def end(self) -> None:
        """In order first, by force where that does not help."""
        self.send(signal.SIGTERM)
        try:
            await until("it ends", lambda: not self.alive, 30)
        finally:
            self.kill()


@dataclass
class Node(Child):
    """One member of a replica set at an address of its own."""

    host: str = ""
    port: int = 0

    @property
    def address(self) -> str:
        """As in a URI."""
        return f"{self.host}:{self.port}"


def node(folder: Path, name: str, address: tuple[str, int], inside: Sequence[str] = ()) -> Node:
    """A MongoDB member of the set ``faults``; ``inside``: words that start it elsewhere (``ip netns exec``)."""
    host, port = address
    (folder / name).mkdir()
    command = [*inside, str(find_mongod()), "--replSet", "faults", "--dbpath", str(folder / name)]
    command += ["--bind_ip", host, "--port", str(port), "--wiredTigerCacheSizeGB", "0.25"]
    command += ["--oplogSize", "512", "--setParameter", "diagnosticDataCollectionEnabled=false"]
    command += ["--nounixsocket"] if inside else ["--unixSocketPrefix", str(folder / name)]
    return Node(command, folder / f"{name}.log", None, host=host, port=port)


async def initiated(nodes: Sequence[Node], hosts: Sequence[str]) -> None:
    """Make a replica set of running nodes; ``hosts`` are the addresses that its members tell others."""
    # Timeouts for machines that die often; MongoDB's own are five times as long.
    settings = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500, "heartbeatTimeoutSecs": 1}
    members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
    config = {"_id": "faults", "members": members, "settings": settings}
    uri = f"mongodb://{nodes[0].address}/?directConnection=true"
    async with AsyncMongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=20_000) as client:
        began = time.monotonic()
        while not await _initiates(client, config):
            assert time.monotonic() - began < START, "the replica set cannot be initiated"
            await asyncio.sleep(0.1)
        while len((await client.admin.command("hello")).get("hosts", ())) < len(nodes) or not await _primary(
            client
        ):
            assert time.monotonic() - began < START, "the replica set elects no primary"
            await asyncio.sleep(0.1)


async def _initiates(client: AsyncMongoClient[dict[str, Any]], config: dict[str, Any]) -> bool:
    try:
        await client.admin.command("replSetInitiate", config)
    except OperationFailure:  # not all of them are up
        return False
    return True


async def _primary(client: AsyncMongoClient[dict[str, Any]]) -> bool:
    members = (await client.admin.command("replSetGetStatus"))["members"]
    return any(member["stateStr"] == "PRIMARY" for member in members)


async def primary_of(nodes: Sequence[Node]) -> Node:
    """The node that the others take for the primary; waits for one."""
    began = time.monotonic()
    while time.monotonic() - began < START:
        for each in nodes:
            with suppress(PyMongoError):
                uri = f"mongodb://{each.address}/?directConnection=true&serverSelectionTimeoutMS=500"
                async with AsyncMongoClient[dict[str, Any]](uri, socketTimeoutMS=1000) as client:
                    if (await client.admin.command("hello"))["isWritablePrimary"]:
                        return each
        await asyncio.sleep(0.1)
    raise AssertionError("the replica set has no primary")


@dataclass
class ServedHub(Child):
    """``taxii-hub serve`` on a port of its own."""

    port: int = 0
    data: Path = Path()
    wanted: int = 2

    @property
    def url(self) -> str:
        """Without final slash."""
        return f"http://127.0.0.1:{self.port}"

    def target(self, auth: tuple[str, str]) -> Target:
        """The collection for engineers."""
        return Target(f"{self.url}/sandbox/collections/scratch", auth)

    def workers(self) -> list[int]:
        """Its web processes."""
        return children_of(self.pid, b"taxii_hub.cli.worker")

    def mongod(self) -> int:
        """The embedded MongoDB."""
        return children_of(self.pid, b"mongod")[0]

    async def start(self) -> None:
        """Until it says that it is ready."""
        said = self.log.stat().st_size if self.log.exists() else 0
        self.spawn()

        def ready() -> bool:
            text = self.log.read_bytes()[said:].decode()
            assert self.alive, f"the hub ended:\n{text[-3000:]}"
            return any(line.startswith(READY) for line in text.splitlines())

        await until("the hub is ready", ready)

    def status_of(self, path: str) -> int:
        """The status that the path answers with; 0 where nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    async def answers(self, path: str, status: int, seconds: float = START) -> float:
        """Seconds until the path answers like that."""

        async def ask() -> int:
            return await asyncio.to_thread(self.status_of, path)

        began = time.monotonic()
        while (found := await ask()) != status:
            assert time.monotonic() - began < seconds, f"{path} answers {found}, not {status}"
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def begin(self, *words: str) -> asyncio.subprocess.Process:
        """A command beside this hub."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *HUB, *words, env=dict(self.environment or {}), stdout=pipe, stderr=pipe
        )

    async def account(self) -> tuple[str, str]:
        """Put the catalogue in force and make an account that writes and reads, before the first start."""
        settings = Settings.from_environment(self.environment)
        catalog = load_catalog(settings.collections_dir, frozenset(s.format for s in registry_of(settings)))
        async with open_hub(settings) as hub:
            await hub.catalogs.apply(to_document(catalog), by="faults")
            agencies = [agency.name for agency in hub.catalog.agencies]
            probe = NewAccount("probe", "gb-heron", frozenset({"reader", "writer"}))
            issued = await hub.accounts.admin.add(probe, agencies)
        return "probe", issued.key.text


def served_hub(folder: Path, name: str, settings: Mapping[str, str], preload: Mapping[str, str]) -> ServedHub:
    """A hub with its own data folder; all hubs of ``folder`` share their secrets.

    ``preload``: more of the environment, for libraries that lie to it.
    """
    (folder / name).mkdir()
    own = {"TAXII_HUB_SECRETS_DIR": str(folder / "secrets"), **settings}
    environment = environment_for(folder / name, {**own, **preload})
    port = free_port()
    command = [*HUB, "serve", "--port", str(port)]
    hub = ServedHub(command, folder / f"{name}.log", environment, port=port, data=folder / name)
    hub.wanted = int(settings["TAXII_HUB_WORKERS"])
    return hub


def is_root() -> bool:
    """Whether mounts, network namespaces and packet filters may be made."""
    return os.geteuid() == 0
