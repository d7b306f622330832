"""Real hubs for tests: ``taxii-hub demo`` as a child process on a free port, always stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.measuring import counted

READY = "TAXII Hub ready"


@dataclass
class RunningHub:
    """A hub that answers; ``document`` is its demo.json."""

    data: Path
    process: subprocess.Popen[str]
    document: dict[str, Any]
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Without final slash."""
        discovery: str = self.document["discovery_url"]
        return discovery.removesuffix("/taxii2/")

    def credentials(self, user: str) -> tuple[str, str]:
        """User and password of a demo account."""
        account = next(a for a in self.document["accounts"] if a["user"] == user)
        return account["user"], account["password"]

    def client(self, user: str, **options: Any) -> httpx.Client:
        """An HTTP client with that account's credentials."""
        return httpx.Client(base_url=self.url, auth=self.credentials(user), timeout=30, **options)

    def collection(self, api_root: str, alias: str) -> str:
        """The collection's URL by its alias, without final slash."""
        return f"{self.url}/{api_root}/collections/{alias}"

    def collection_by_id(self, api_root: str, alias: str) -> str:
        """The same by its id, with final slash, as taxii2-client wants it."""
        with self.client("gb-heron") as client:
            found: str = client.get(f"/{api_root}/collections/{alias}/").json()["id"]
        return f"{self.url}/{api_root}/collections/{found}/"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``taxii-hub …`` beside this hub."""
        command = [sys.executable, "-m", "taxii_hub.cli", *arguments]
        environment = environment_for(self.data)
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=100, check=False
        )

    def account(self, agency: str, *roles: str, name: str | None = None) -> tuple[str, str]:
        """User and password of a new account, once the workers know it."""
        name = name or f"{agency}-{uuid.uuid4().hex[:6]}"
        options = [word for role in roles for word in ("--role", role)]
        made = self.run("accounts", "add", name, "--agency", agency, *options, "--json")
        assert made.returncode == 0, made.stderr
        auth = name, json.loads(made.stdout)["key"]
        self._until_known(auth)
        return auth

    def _until_known(self, auth: tuple[str, str]) -> None:
        """A worker takes new accounts over each second, later where the machine is busy; which one answers
        a new connection is chance."""
        end, known, wanted = time.monotonic() + 60, 0, 5 * len(self.worker_pids())
        with httpx.Client(auth=auth, headers={"Connection": "close"}, timeout=30) as client:
            while known < wanted:
                assert time.monotonic() < end, f"{auth[0]} is not known after a minute"
                found = client.get(f"{self.url}/api/v1/whoami").status_code == 200
                known = known + 1 if found else 0
                if not found:
                    time.sleep(0.1)

    def worker_pids(self) -> list[int]:
        """The web processes, children of the supervisor."""
        return children_of(self.process.pid, b"taxii_hub.cli.worker")


def children_of(pid: int, word: bytes) -> list[int]:
    """The process numbers of those children of a process that have the word in a part of their command."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _parent(folder) == pid:
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if any(part == word or part.endswith(b"/" + word) for part in command):
                found.append(int(folder.name))
    return found


def _parent(folder: Path) -> int:
    try:
        status = (folder / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(status.rpartition(")")[2].split()[1])


def environment_for(data: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, without its TAXII Hub settings, for the hub on ``data``."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("TAXII_HUB_")}
    return {**plain, "TAXII_HUB_DATA_DIR": str(data), **(more or {})}


@dataclass(frozen=True)
class Demo:
    """The data folder of a demo that was started once and ended in order, and what it answered then.

    ``objects``: as ``everything`` gives them. ``mode``: of demo.json.
    """

    data: Path
    document: dict[str, Any]
    objects: dict[str, list[str]]
    mode: int


def made_demo(folder: Path) -> Demo:
    """The demo in ``folder``; started there, from nothing, where it is not yet."""
    said = folder / "said.json"
    if not said.exists():
        with running_hub(folder / "demo", counted()) as hub:
            mode = stat.S_IMODE((folder / "demo" / "demo.json").stat().st_mode)
            found = {"document": hub.document, "objects": everything(hub), "mode": mode}
        said.write_text(json.dumps(found))
    return Demo(folder / "demo", **json.loads(said.read_text()))


def everything(hub: RunningHub) -> dict[str, list[str]]:
    """Object ids by collection, as one member sees them."""
    found: dict[str, list[str]] = {}
    with hub.client("gb-heron") as client:
        for root in client.get("/taxii2/").json()["api_roots"]:
            for collection in client.get(f"{root}collections/").json().get("collections", []):
                if collection["can_read"]:
                    url = f"{root}collections/{collection['id']}/objects/?limit=10000"
                    objects: list[dict[str, Any]] = client.get(url).json().get("objects", [])
                    found[root + collection["title"]] = [item["id"] for item in objects]
    return found


@contextmanager
def running_hub(
    data: Path | None = None,
    settings: Mapping[str, str] | None = None,
    app: str | None = None,
    demo: Demo | None = None,
) -> Iterator[RunningHub]:
    """A demo hub until the block ends; raises AssertionError with its last lines if it does not start.

    ``app`` names another application factory for the workers. ``demo``: its next start, in a copy of its
    folder: the sample reports are there already, which saves most of the time of a start.
    """
    with tempfile.TemporaryDirectory(prefix="thub-demo-") as folder:
        data = data or Path(folder) / "demo"
        if demo is not None:  # MongoDB makes its prepared logs again
            shutil.copytree(demo.data, data, ignore=shutil.ignore_patterns("WiredTigerPreplog*"))
        command = [sys.executable, "-m", "taxii_hub.cli", "demo", "--port", "0", "--data", str(data)]
        command += ["--app", app] if app else []
        process = subprocess.Popen(
            command,
            env=environment_for(data, settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            lines = _until_ready(process)
            document = json.loads((data / "demo.json").read_text())
            yield RunningHub(data, process, document, lines)
        finally:
            stop(process)


def _until_ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(READY):
            threading.Thread(target=_drain, args=(process.stdout, lines), daemon=True).start()
            return lines
    raise AssertionError(f"the hub ended with {process.wait()}:\n" + "".join(lines[-30:]))


def _drain(stream: Any, lines: list[str]) -> None:
    for line in stream:
        lines.append(line)
        del lines[:-2000]


def stop(process: subprocess.Popen[str]) -> None:
    """In order first, by force where that does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
