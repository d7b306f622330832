"""Where one process of the hub spends its time in each row of the table: py-spy's samples by part of the program.

    python -m bench.profile [--only "walk 1000,by id"] [--size 20000]

Explains what ``bench.table`` measured; writes bench/measured/profile.json, row by row.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import corpus, servers
from bench.goals import GOALS
from bench.results import machine, write
from bench.table import HUB, Measure, Table, load, subject_of
from bench.workloads import Subject

SECONDS, RATE = 6, 250
_WAITING = ("_worker (concurrent/futures/thread.py", "wait (threading.py", "_wait_for_tstate_lock")
# The innermost frame that one of these names are in says where a sample belongs.
_PARTS = {
    "MongoDB driver": ("pymongo/", "bson/"),
    "uvicorn": ("uvicorn/",),
    "packing": ("web/coding.py",),
    "request log": ("structlog/", "web/logs.py", "web/telling.py", "logging/"),
    "web": ("taxii_hub/web/",),
    "audit": ("exchange/audit.py", "taxii_hub/ledger/", "store/audit.py"),
    "accounts": ("exchange/accounts.py", "exchange/credentials.py", "exchange/consumers.py"),
    "journeys": ("taxii_hub/exchange/",),
    "store": ("taxii_hub/store/",),
    "policy": ("taxii_hub/policy/",),
    "STIX": ("taxii_hub/stix/",),
    "TAXII": ("taxii_hub/taxii/",),
    "event loop, sockets and waiting": ("asyncio/", "uvloop"),
}


@dataclass
class Profile:
    """Of one row. ``functions``: innermost functions of the samples that are the hub's own."""

    parts: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    def add(self, stack: list[str], count: int) -> None:
        """``count`` samples of this stack, the innermost frame last; threads that wait count nothing."""
        if any(stack[-1].startswith(name) for name in _WAITING):
            return
        self.parts[_part(stack)] += count
        own = next((frame for frame in reversed(stack) if "taxii_hub/" in frame), None)
        if own is not None:
            self.functions[own.rpartition(":")[0] + ")"] += count

    def shares(self) -> dict[str, dict[str, float]]:
        """Of all samples."""
        whole = max(self.parts.total(), 1)
        return {
            "parts": {name: count / whole for name, count in self.parts.most_common()},
            "functions": {name: count / whole for name, count in self.functions.most_common(8)},
        }


def _part(stack: list[str]) -> str:
    for frame in reversed(stack):
        for part, names in _PARTS.items():
            if any(name in frame for name in names):
                return part
    return "other"


def profiled(subject: Subject, measure: Measure) -> Profile:
    """The row again and again, while py-spy looks."""
    measure(subject)
    with tempfile.NamedTemporaryFile(prefix="profile-") as file:
        command = [str(Path(sys.executable).with_name("py-spy")), "record", "-f", "raw", "-o", file.name]
        command += ["-d", str(SECONDS), "-r", str(RATE), "-p", str(subject.server.groups["server"][0])]
        looking = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while looking.poll() is None:
            measure(subject)
        profile = Profile()
        for line in Path(file.name).read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            profile.add(stack.split(";"), int(count))
    return profile


def main() -> None:
    """Profile, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="names of rows, with commas between")
    parser.add_argument("--size", type=int, default=20_000)
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else list(GOALS)
    found: dict[str, dict[str, dict[str, float]]] = {}
    with ExitStack() as stack:
        lines = corpus.lines(arguments.size)
        server, _ = stack.enter_context(servers.taxii_hub({"TAXII_HUB_WORKERS": "1"}))
        subject = subject_of(server, lines, grows=True, seed=4711)
        load(subject, lines)
        table = Table({HUB: subject}, 1.0)
        for name, measure in (table.measures() | table.posts()).items():
            if name in only:
                found[name] = profiled(subject, measure).shares()
                print(
                    name, {part: f"{share:.0%}" for part, share in found[name]["parts"].items()}, flush=True
                )
                print(
                    "   ",
                    {each: f"{share:.0%}" for each, share in found[name]["functions"].items()},
                    flush=True,
                )
                write("profile", {"machine": machine(), "rows": found})


if __name__ == "__main__":
    main()
