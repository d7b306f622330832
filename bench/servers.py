"""Starts what is measured: TAXII Hub, the ceiling, OpenTAXII. Each ends with its block."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import ceiling
from tests.support.hubs import READY, RunningHub, environment_for, stop

HERE = Path(__file__).parent
PATIENCE = 900.0


@dataclass(frozen=True)
class Server:
    """One collection of one server.

    ``url``: of the collection, without final slash. ``groups``: names of groups of processes (``server``,
    ``db``), and one process each from which the group descends.
    """

    name: str
    url: str
    auth: tuple[str, str] | None
    groups: Mapping[str, list[int]]


@contextmanager
def taxii_hub(
    settings: Mapping[str, str] | None = None, data: Path | None = None
) -> Iterator[tuple[Server, RunningHub]]:
    """A demo hub, with an empty scratch collection where ``data`` is none of an earlier one.

    Its log goes to a file: reading it costs the driver nothing.
    """
    with tempfile.TemporaryDirectory(prefix="thub-bench-") as folder:
        data, log = data or Path(folder) / "demo", Path(folder) / "log"
        command = [sys.executable, "-m", "taxii_hub.cli", "demo", "--port", "0", "--data", str(data)]
        with _started(command, log, environment_for(data, settings)) as process:
            _wait(log, process)
            hub = RunningHub(data, process, json.loads((data / "demo.json").read_text()))
            workers = hub.worker_pids()
            groups = {"server": workers, "db": _children(process.pid, b"mongod")}
            url = hub.collection("sandbox", "scratch")
            yield Server("TAXII Hub", url, hub.credentials("gb-heron"), groups), hub


@contextmanager
def raw_ceiling(corpus: Path) -> Iterator[Server]:
    """``bench.ceiling`` over that file."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ceiling-") as folder:
        command = [sys.executable, "-m", "bench.ceiling", str(corpus), str(port)]
        with _started(command, Path(folder) / "log") as process:
            _answers(port, process)
            url = f"http://127.0.0.1:{port}{ceiling.PATH}"
            yield Server("raw uvicorn", url, None, {"server": [process.pid]})


@contextmanager
def foreign_ceiling(program: Path, corpus: Path) -> Iterator[Server]:
    """``limit_app`` of that folder, which is another such ceiling, over that file."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ceiling-") as folder:
        command = [
            "env",
            f"LIMIT_CORPUS={corpus}",
            "PYTHONDONTWRITEBYTECODE=1",
            sys.executable,
            "-m",
            "uvicorn",
        ]
        command += [
            "--app-dir",
            str(program),
            "--no-access-log",
            "--log-level",
            "warning",
            "--port",
            str(port),
        ]
        with _started([*command, "limit_app:app"], Path(folder) / "log") as process:
            _answers(port, process)
            url = f"http://127.0.0.1:{port}{ceiling.PATH}"
            yield Server("raw uvicorn", url, None, {"server": [process.pid]})


@contextmanager
def opentaxii(venv: Path, corpus: Path) -> Iterator[Server]:
    """OpenTAXII out of that venv, as its image runs it (gunicorn, two workers), over SQLite; everybody may read and write."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="opentaxii-") as folder:
        config = Path(folder) / "config.yml"
        config.write_text(json.dumps(_opentaxii_config(Path(folder), port)))
        configured = ["env", f"OPENTAXII_CONFIG={config}"]
        load = [*configured, str(venv / "bin/python"), str(HERE / "opentaxii_load.py"), str(corpus)]
        said = subprocess.run(load, capture_output=True, text=True, check=True).stdout
        path = said.split()[-1]
        command = [
            *configured,
            str(venv / "bin/gunicorn"),
            "opentaxii.http:app",
            "--workers=2",
            "--timeout=300",
        ]
        log = Path(folder) / "log"
        with _started([*command, f"--bind=127.0.0.1:{port}"], log) as process:
            _answers(port, process)
            yield Server("OpenTAXII", f"http://127.0.0.1:{port}{path}", None, {"server": [process.pid]})


def version_of(venv: Path, package: str) -> str:
    """Of a package in a venv."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    said = subprocess.run([str(venv / "bin/python"), "-c", code], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _opentaxii_config(folder: Path, port: int) -> dict[str, object]:
    def api(name: str, **more: object) -> dict[str, object]:
        parameters = {"db_connection": f"sqlite:///{folder}/{name}.db", "create_tables": True, **more}
        names = {
            "auth": "opentaxii.auth.sqldb.SQLDatabaseAPI",
            "taxii2": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI",
        }
        return {"class": names[name], "parameters": parameters}

    return {
        "domain": f"127.0.0.1:{port}",
        "taxii1": None,
        "auth_api": api("auth", secret="bench"),
        "taxii2": {
            "persistence_api": api("taxii2"),
            "title": "bench",
            "public_discovery": True,
            "max_content_length": 200 * 1024 * 1024,
            "allow_custom_properties": True,
        },
        "logging": {"opentaxii": "warning", "root": "warning"},
    }


@contextmanager
def _started(
    command: list[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as out:
        process = subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, text=True, start_new_session=True
        )
        try:
            yield process
        finally:
            stop(process)


def _wait(log: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    while not any(line.startswith(READY) for line in log.read_text().splitlines()):
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("the hub did not start:\n" + "\n".join(log.read_text().splitlines()[-30:]))
        time.sleep(0.1)


def _answers(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{process.args!r} does not answer")


def _children(parent: int, name: bytes) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            above = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")[0]
        except (OSError, IndexError):
            continue
        if above == parent and command.endswith(name):
            found.append(int(folder.name))
    return found
