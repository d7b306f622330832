"""What the README tells people to type works, block by block, in a copy of the checkout beside a running demo hub.

A block counts when ``<!-- runs: NAME -->`` stands on the line before it. The one called ``demo`` is
started first and left running; the others are read by one shell, one after the other, so that a
variable set in one is there in the next. The demo's port is a free one: 127.0.0.1:8000 in the text
is rewritten to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks

README = ROOT / "README.md"
READY = "TAXII Hub ready"
SECONDS_TO_READY = 90
SECONDS_TO_STOP = 30


@dataclass(frozen=True)
class Demo:
    """A checkout in which the README's first command runs."""

    folder: Path
    port: int
    environment: dict[str, str]


def _checkout(folder: Path) -> Path:
    """The tracked and the new files; ``.venv`` is borrowed, with stamps that say it is up to date."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (folder / ".venv" / name).symlink_to(ROOT / ".venv" / name)
    for stamp in ("build", "run", "dev"):
        (folder / ".venv" / f".{stamp}-stamp").touch()
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment(folder: Path, port: int) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TAXII_", "MAKE", "MFLAGS"))}
    return kept | {
        "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
        "PORT": str(port),
        "TAXII_HUB_COLLECTIONS_DIR": str(folder / "collections"),
    }


def _wait_until_ready(process: subprocess.Popen[str]) -> list[str]:
    """What it printed up to the line that says ready."""
    printed: list[str] = []
    watchdog = threading.Timer(SECONDS_TO_READY, process.kill)
    watchdog.start()
    for line in process.stdout:
        printed.append(line)
        if line.startswith(READY):
            watchdog.cancel()
            return printed
    raise AssertionError(f"`make demo` never said {READY!r}:\n{''.join(printed)[-3000:]}")


def _read_to_the_end(process: subprocess.Popen[str], printed: list[str]) -> None:
    printed.extend(process.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The README's demo block, running; Ctrl-C must end it cleanly."""
    folder = _checkout(tmp_path_factory.mktemp("readme"))
    port = _free_port()
    environment = _environment(folder, port)
    script = next(block.script for block in blocks(README) if block.name == "demo")
    process = subprocess.Popen(
        ["bash", "-euc", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        printed = _wait_until_ready(process)
        reader = threading.Thread(target=_read_to_the_end, args=(process, printed), daemon=True)
        reader.start()
        yield Demo(folder, port, environment)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(SECONDS_TO_STOP)
        reader.join(SECONDS_TO_STOP)
        assert "Traceback" not in "".join(printed)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_readme_has_a_demo_and_blocks_that_use_it() -> None:
    names = [block.name for block in blocks(README)]
    assert "demo" in names
    assert len(names) > 1
    assert len(set(names)) == len(names)


@pytest.mark.timeout(300)
def test_every_block_runs(demo: Demo) -> None:
    script = ["set -euo pipefail"]
    for block in blocks(README):
        if block.name != "demo":
            script += [
                f"echo '== {block.name}' >&2",
                block.script.replace("127.0.0.1:8000", f"127.0.0.1:{demo.port}"),
            ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=demo.folder,
        env=demo.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
