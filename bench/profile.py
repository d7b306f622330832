"""Where one process of the hub spends its time in each row of the table: py-spy's samples by part of the program,
and the CPU time of MongoDB beside it.

    python -m bench.profile [--only "walk 1000,by id"] [--size 20000]     (five minutes for all rows)

Explains what ``bench.table`` measured; writes bench/measured/profile.json, row by row. Rows that are left out keep
what was found of them before.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import corpus, servers
from bench.caller import WrongAnswerError
from bench.goals import GOALS
from bench.results import machine, measured, read, write
from bench.table import HUB, Measure, Table, load, subject_of
from bench.workloads import Figure, Subject

SECONDS, RATE = 5, 200
WARM = 1.0
PATIENCE = 90
FAILURES = (WrongAnswerError, OSError, subprocess.SubprocessError)
_WAITING = ("epoll_", "_worker (concurrent/futures")
_FOR_A_LOCK = "PyThread_acquire_lock_timed"
_TO_THE_KERNEL = ("write (libc", "writev (libc", "sendmsg (libc", "send (libc", "read (libc", "recv (libc")
# The innermost frame that one of these names is in says where a sample belongs; what is in none is the event loop's.
_PARTS = {
    "driver": ("pymongo/", "bson/", "store/lanes.py"),
    "HTTP": ("uvicorn/protocols", "httptools/", "web/protocol.py"),
    "web": ("taxii_hub/web/", "structlog/", "logging/"),
    "audit": ("exchange/audit", "taxii_hub/ledger/", "store/audit"),
    "journeys": ("taxii_hub/exchange/",),
    "store": ("taxii_hub/store/",),
    "policy": ("taxii_hub/policy/",),
    "STIX": ("taxii_hub/stix/",),
    "TAXII": ("taxii_hub/taxii/",),
}
_SOCKETS, _LOOP = "sockets", "event loop"
PARTS = (*_PARTS, _SOCKETS, _LOOP)
_ENTRY = "taxii_hub/cli/"


@dataclass
class Profile:
    """Of one row. ``functions``: innermost functions of the samples that are the hub's own."""

    parts: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    def add(self, stack: list[str], count: int) -> None:
        """``count`` samples of this stack, the innermost frame last; threads that wait count nothing."""
        if stack[-1].startswith(_WAITING) or any(_FOR_A_LOCK in frame for frame in stack[-3:]):
            return
        self.parts[_part(stack)] += count
        own = next(
            (frame for frame in reversed(stack) if "taxii_hub/" in frame and _ENTRY not in frame), None
        )
        if own is not None:
            self.functions[own.rpartition(":")[0].replace("taxii_hub/", "") + ")"] += count

    def shares(self) -> dict[str, Any]:
        """Of all samples."""
        whole = max(self.parts.total(), 1)
        return {
            "samples": self.parts.total(),
            "parts": {name: count / whole for name, count in self.parts.most_common()},
            "functions": {name: count / whole for name, count in self.functions.most_common(8)},
        }


def _part(stack: list[str]) -> str:
    if stack[-1].startswith(_TO_THE_KERNEL):
        return _SOCKETS
    for frame in reversed(stack):
        for part, names in _PARTS.items():
            if any(name in frame for name in names):
                return part
    return _LOOP


def profiled(subject: Subject, measure: Measure) -> dict[str, Any]:
    """The row again and again: first for its CPU time, then while py-spy looks."""
    measure(subject)
    figures, until = [measure(subject)], time.monotonic() + WARM
    while time.monotonic() < until:
        figures.append(measure(subject))
    with tempfile.NamedTemporaryFile(prefix="profile-") as file:
        command = [
            str(Path(sys.executable).with_name("py-spy")),
            "record",
            "--native",
            "-f",
            "raw",
            "-o",
            file.name,
        ]
        command += ["-d", str(SECONDS), "-r", str(RATE), "-p", str(subject.server.groups["server"][0])]
        looking = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + PATIENCE
            while looking.poll() is None and time.monotonic() < until:
                measure(subject)
        finally:
            looking.kill()
            looking.wait()
        profile = Profile()
        for line in Path(file.name).read_text(errors="replace").splitlines():
            stack, _, count = line.rpartition(" ")
            profile.add(stack.split(";"), int(count))
    return {"cpu_us": _cpu(figures), **profile.shares()}


def _cpu(figures: list[Figure]) -> dict[str, float]:
    """Microseconds for each object or request, by group of processes."""
    work = sum(each.work for each in figures)
    return {
        name: sum(each.cpu[name] * each.work for each in figures) * 1000 / work for name in figures[0].cpu
    }


def main() -> None:
    """Profile, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="names of rows, with commas between")
    parser.add_argument("--size", type=int, default=20_000)
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else list(GOALS)
    found: dict[str, Any] = read("profile")["rows"] if arguments.only and measured("profile") else {}
    with ExitStack() as stack:
        lines = corpus.lines(arguments.size)
        server, _ = stack.enter_context(servers.taxii_hub({"TAXII_HUB_WORKERS": "1"}))
        subject = subject_of(server, lines, grows=True, seed=4711)
        load(subject, lines)
        table = Table({HUB: subject}, 0.5)
        for name, measure in (table.measures() | table.posts()).items():
            if name in only:
                try:
                    found[name] = profiled(subject, measure)
                except FAILURES as error:
                    print(f"{name}: {error!r}", file=sys.stderr, flush=True)
                    continue
                print(name, _words(found[name]), flush=True)
                write("profile", {"machine": machine(), "size": len(lines), "rows": found})


def _words(row: dict[str, Any]) -> str:
    shares = ", ".join(f"{part} {share:.0%}" for part, share in row["parts"].items())
    cpu = ", ".join(f"{name} {cost:,.0f} µs" for name, cost in row["cpu_us"].items())
    return f"{cpu}; {row['samples']} samples: {shares}"


if __name__ == "__main__":
    main()
