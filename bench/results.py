"""Where results go, and what machine they are from."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "measured"
SHOWN = ("fastapi", "uvicorn", "pymongo", "jsonschema-rs", "medallion")


def machine() -> dict[str, Any]:
    """Enough to judge a figure by."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
        "versions": {name: version(name) for name in SHOWN},
    }


def write(name: str, result: dict[str, Any]) -> None:
    """Replace ``measured/<name>.json``."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def measured(name: str) -> bool:
    """Whether there is such a result."""
    return (FOLDER / f"{name}.json").exists()


def read(name: str) -> dict[str, Any]:
    """What was measured last."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def machine_words(machine: dict[str, Any]) -> str:
    """The machine of a result, in one sentence."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {versions}; "
        f"{machine['date']}, load at the end {machine['load']}."
    )
