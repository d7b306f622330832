"""The rows of the table again, by a driver that is not ours: the one that the goals were set with.

    python -m bench.driver FOLDER [--opentaxii-venv VENV] [--rounds 3]     (five minutes with OpenTAXII)

FOLDER holds ``bench_taxii.py``, which asks, and ``limit_app.py``, its ceiling; both are run where they lie. The hub
is the one of ``bench.table``. Writes bench/measured/driver.json after each rival.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bench import corpus, servers
from bench.goals import GOALS, Goal
from bench.results import machine, write
from bench.servers import Server
from bench.table import FRESH_SEED, load, subject_of

_NEW = 5000
_MINUTES = 15
_ROWS = {
    "walk 1000": "full limit=1000",
    "walk 100": "full limit=100",
    "manifest 1000": "manifest limit=1000",
    "match 1000": "match[type]=indicator limit=1000",
    "by id": "object by id",
    "versions": "versions of an object",
    "incremental": "incr added_after, 10 new",
    **{f"idle at {pollers}": f"idle {pollers} poller(s)" for pollers in (1, 16, 64)},
    **{
        f"post {size} by {writers}": f"post {size}/envelope, {writers} writer(s)"
        for size in (100, 1000)
        for writers in (1, 8)
    },
}
_PACKED = {"walk 1000 gzip": "full limit=1000"}
_ALL = ["-w", "full,manifest,match,byid,versions,incr,idle,post", "--limits", "100,1000", "--secs", "2"]
_GZIP = ["-w", "full", "--limits", "1000", "--encoding", "gzip"]


@dataclass(frozen=True)
class Driver:
    """The foreign driver, and where its files for this run go."""

    program: Path
    folder: Path
    rounds: int

    def pairs(self, hub: Server, rival: Server) -> dict[str, dict[str, list[float]]]:
        """By our names of rows, the figure of each round of both: ``ours`` and ``theirs``."""
        found = {}
        for rows, how in ((_PACKED, _GZIP), (_ROWS, _ALL)):
            results = self._run(hub, rival, how)["results"]
            for name, title in rows.items():
                both = results.get(title, {})
                ours, theirs = (_values(both.get(each.name, []), GOALS[name]) for each in (hub, rival))
                if ours and theirs:
                    found[name] = {"ours": ours, "theirs": theirs}
        return found

    def _run(self, hub: Server, rival: Server, how: list[str]) -> dict[str, Any]:
        out = self.folder / "out.json"
        command = [sys.executable, str(self.program), "--new", str(self.folder / "new.ndjson")]
        command += ["--target", self._target(hub), "--vs", self._target(rival)]
        command += ["-r", str(self.rounds), "-o", str(out), *how]
        subprocess.run(command, check=True, timeout=_MINUTES * 60, stdout=subprocess.DEVNULL)
        found: dict[str, Any] = json.loads(out.read_text())
        return found

    def _target(self, server: Server) -> str:
        file = self.folder / f"{server.name.split()[0]}.json"
        user, password = server.auth or (None, None)
        about = {"name": server.name, "url": f"{server.url}/", "pids": dict(server.groups)}
        file.write_text(json.dumps(about | {"user": user, "password": password}))
        file.chmod(0o600)
        return str(file)


def _values(figures: list[dict[str, Any]], goal: Goal) -> list[float]:
    key = {"objects/s": "objects_s", "requests/s": "requests_s", "ms": "p50_ms"}[goal.unit]
    return [each[key] for each in figures if each.get(key)]


def main() -> None:
    """Start all, let the driver measure, write."""
    arguments = _arguments()
    lines = corpus.lines(arguments.size)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="driver-")))
        file = folder / "corpus.ndjson"
        file.write_bytes(b"\n".join(lines) + b"\n")
        new = list(islice(corpus.copies(lines, FRESH_SEED), _NEW))
        (folder / "new.ndjson").write_bytes(b"\n".join(new) + b"\n")
        hub, _ = stack.enter_context(servers.taxii_hub({"TAXII_HUB_WORKERS": "1"}))
        load(subject_of(hub, lines, grows=True, seed=FRESH_SEED), lines)
        rivals = {"ceiling": stack.enter_context(servers.foreign_ceiling(arguments.folder, file))}
        peer = None
        if arguments.opentaxii_venv is not None:
            rivals["opentaxii"] = stack.enter_context(servers.opentaxii(arguments.opentaxii_venv, file))
            peer = servers.version_of(arguments.opentaxii_venv, "opentaxii")
        driver = Driver(arguments.folder / "bench_taxii.py", folder, arguments.rounds)
        result: dict[str, Any] = {
            "size": len(lines),
            "rounds": arguments.rounds,
            "opentaxii": peer,
            "rivals": {},
        }
        for name, rival in rivals.items():
            result["rivals"][name] = driver.pairs(hub, rival)
            write(arguments.out, result | {"machine": machine()})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", type=lambda given: Path(given).absolute(), help="with bench_taxii.py and limit_app.py"
    )
    parser.add_argument("--opentaxii-venv", type=Path, help="a venv that holds OpenTAXII and gunicorn")
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="driver", help="bench/measured/OUT.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
