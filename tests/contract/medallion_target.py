"""Starts medallion 3.0.0, the reference server, with invented users and collections (memory backend)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.contract.target import Target

USER, PASSWORD = "reader", "invented-password"
ROOT = "exchange"
COLLECTIONS = {
    "rw": "0d2a3f54-6a1c-4c8e-9c1b-0c1f3a5b7d01",
    "ro": "1e3b4a65-7b2d-4d9f-8d2c-1d2a4b6c8e02",
    "wo": "2f4c5b76-8c3e-4ea0-9e3d-2e3b5c7d9f03",
    "none": "3a5d6c87-9d4f-4fb1-af4e-3f4c6d8e0a04",
}
_MAY = {"rw": (True, True), "ro": (True, False), "wo": (False, True), "none": (False, False)}


@contextmanager
def medallion() -> Iterator[Target]:
    """A running server; it is stopped at the end."""
    port = _free_port()
    with TemporaryDirectory(prefix="medallion") as folder:
        config = _write(Path(folder))
        command = [sys.executable, "-W", "ignore", "-m", "medallion.scripts.run"]
        command += ["--port", str(port), "--log-level", "CRITICAL", str(config)]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            target = Target(f"http://127.0.0.1:{port}", USER, PASSWORD, f"/{ROOT}/", COLLECTIONS)
            _wait(target, process)
            yield target
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(target: Target, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            httpx.get(f"{target.url}/taxii2/")
        except httpx.TransportError:
            if process.poll() is not None:
                raise RuntimeError(f"medallion ended with {process.returncode}") from None
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("medallion did not answer within 20 s")


def _write(folder: Path) -> Path:
    data, config = folder / "data.json", folder / "config.json"
    data.write_text(json.dumps(_data()))
    config.write_text(
        json.dumps(
            {
                "backend": {
                    "module": "medallion.backends.memory_backend",
                    "module_class": "MemoryBackend",
                    "filename": str(data),
                },
                "users": {USER: PASSWORD},
                "taxii": {"max_page_size": 1000},
            }
        )
    )
    return config


def _data() -> dict[str, Any]:
    return {
        "/discovery": {
            "title": "Invented server",
            "description": "For comparison",
            "contact": "nobody@example.org",
            "default": f"/{ROOT}/",
            "api_roots": [f"/{ROOT}/"],
        },
        ROOT: {
            "information": {
                "title": "Invented exchange",
                "versions": ["application/taxii+json;version=2.1"],
                "max_content_length": 1_048_576,
            },
            "status": [],
            "collections": [_collection(kind, *may) for kind, may in _MAY.items()],
        },
    }


def _collection(kind: str, can_read: bool, can_write: bool) -> dict[str, Any]:
    return {
        "id": COLLECTIONS[kind],
        "title": f"Collection {kind}",
        "can_read": can_read,
        "can_write": can_write,
        "media_types": ["application/stix+json;version=2.1"],
        "objects": [],
        "manifest": [],
    }
