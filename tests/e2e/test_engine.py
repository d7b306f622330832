"""``taxii-hub serve`` as people run it, on the embedded MongoDB: two hubs, a command beside it, kill -9."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

HUB = [sys.executable, "-c", "from taxii_hub.cli import main; main()"]


class Machine:
    """One data folder and port, and every process that was started on it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("TAXII_HUB_", "XDG_"))}
        self.environment: Mapping[str, str] = {
            **plain,
            "TAXII_HUB_DATA_DIR": str(self.data),
            "TAXII_HUB_PORT": str(self.port),
        }
        self.log = folder / "log"
        self.hubs: list[subprocess.Popen[str]] = []

    def serve(self, *options: str) -> subprocess.Popen[str]:
        with self.log.open("ab") as log:
            hub = subprocess.Popen(
                [*HUB, "serve", *options], env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.hubs.append(hub)
        assert hub.stdout is not None
        line = hub.stdout.readline()
        assert line.startswith(f"TAXII Hub ready: http://127.0.0.1:{self.port}/taxii2/"), self.log.read_text()
        return hub

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*HUB, *words], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def get(self, path: str) -> int:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.headers["server"] is None
            assert answer.headers["date"]
            return answer.status

    def processes(self) -> dict[int, str]:
        """Everything that runs on this data folder, by process number."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                with suppress(OSError):
                    mentioned = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                    if os.fsencode(self.data) in mentioned:
                        found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        return found

    def child(self, hub: subprocess.Popen[str], word: str) -> int:
        numbers = Path(f"/proc/{hub.pid}/task/{hub.pid}/children").read_text().split()
        return next(int(n) for n in numbers if word in self.processes().get(int(n), ""))

    def until(self, path: str, status: int, seconds: float = 30) -> float:
        began = time.monotonic()
        while self.get(path) != status:
            assert time.monotonic() - began < seconds
            time.sleep(0.05)
        return time.monotonic() - began


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    applied = machine.run("collections", "apply")
    assert applied.returncode == 0, applied.stderr
    yield machine
    for pid in machine.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for hub in machine.hubs:
        with hub:
            hub.wait()


def test_a_hub_starts_refuses_a_second_one_and_ends_cleanly(machine: Machine) -> None:
    hub = machine.serve()
    assert machine.get("/health/live") == 200
    assert machine.get("/taxii2/") == 401

    second = machine.run("serve", "--port", "0")
    assert second.returncode == 1
    assert f"process {hub.pid}" in second.stderr
    assert "TAXII_HUB_DATA_DIR" in second.stderr
    assert "Traceback" not in second.stderr

    beside = machine.run("store", "status", "--json")
    assert beside.returncode == 0, beside.stderr
    fingerprint = json.loads(beside.stdout)["fingerprint"]
    assert machine.run("doctor").returncode == 0
    assert machine.get("/health/ready") == 200

    hub.send_signal(signal.SIGTERM)
    assert hub.wait(30) == 0
    assert machine.processes() == {}

    again = machine.serve()
    assert json.loads(machine.run("store", "status", "--json").stdout)["fingerprint"] == fingerprint
    again.send_signal(signal.SIGINT)
    assert again.wait(30) == 0
    assert machine.processes() == {}


def test_a_killed_supervisor_leaves_nothing_behind_that_hinders_the_next(machine: Machine) -> None:
    for _ in range(2):
        hub = machine.serve("--workers", "2")
        hub.kill()
        hub.wait()
    last = machine.serve()
    assert machine.get("/health/ready") == 200
    last.send_signal(signal.SIGTERM)
    assert last.wait(30) == 0
    began = time.monotonic()
    while machine.processes():
        assert time.monotonic() - began < 20, machine.processes()
        time.sleep(0.1)


def test_a_killed_mongod_comes_back_under_the_running_hub(machine: Machine) -> None:
    hub = machine.serve()
    for _ in range(2):
        before = machine.child(hub, "mongod")
        os.kill(before, signal.SIGKILL)
        began = time.monotonic()
        while _child_or_none(machine, hub, "mongod") in (None, before):
            assert time.monotonic() - began < 20
            time.sleep(0.02)
    machine.until("/health/ready", 200)
    time.sleep(1.5)
    machine.until("/health/ready", 200)
    assert machine.run("store", "migrate").stdout.startswith("nothing to do")


def _child_or_none(machine: Machine, hub: subprocess.Popen[str], word: str) -> int | None:
    with suppress(StopIteration):
        return machine.child(hub, word)
    return None


def test_a_killed_worker_comes_back(machine: Machine) -> None:
    hub = machine.serve()
    before = machine.child(hub, "worker")
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    assert machine.get("/health/live") == 200
    assert time.monotonic() - began < 15  # 1.5 s on an idle machine, nearly all of it imports
    assert machine.child(hub, "worker") != before


def test_a_newer_schema_keeps_the_hub_from_starting(machine: Machine) -> None:
    assert machine.run("store", "migrate").returncode == 0
    script = (
        "import asyncio; from taxii_hub.settings import Settings; from taxii_hub.store.engine import engine_for\n"
        "from taxii_hub.store.topology import connect\n"
        "async def go():\n"
        "    async with engine_for(Settings.from_environment()) as uri, connect(uri) as client:\n"
        "        await client.taxii_hub.meta.update_one({'_id': 'schema'}, {'$set': {'version': 99}})\n"
        "asyncio.run(go())"
    )
    subprocess.run([sys.executable, "-c", script], env=machine.environment, check=True, timeout=60)
    refused = machine.run("serve")
    assert refused.returncode == 1
    assert "schema version 99, made by a newer TAXII Hub" in refused.stderr
    assert machine.processes() == {}
