"""The table of issue 5: TAXII Hub beside the ceiling and OpenTAXII, in one run, in turn.

    python -m bench.table [--opentaxii-venv VENV] [--size 20000] [--rounds 3] [--only "walk 1000,by id"]

All hold the same invented corpus (``bench.corpus``). The hub is one process with accounts, policy, audit
and validation on; OpenTAXII's collection is public, so that it hashes no password. Each row is measured
on one server after the other, round by round, so that a loud minute is loud for all; POST comes last, since it
makes the collections longer. Writes bench/measured/table.json, after each row, so that an end is no loss.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench import corpus, servers, workloads
from bench.caller import WrongAnswerError
from bench.goals import GOALS
from bench.results import machine, write
from bench.workloads import Figure, Subject

FRESH_SEED = 1000
ENVELOPE = 1000
HUB, CEILING, PEER = "hub", "ceiling", "opentaxii"
Measure = Callable[[Subject], Figure]


class Table:
    """The rows, and what was measured of them so far."""

    def __init__(self, subjects: dict[str, Subject], seconds: float) -> None:
        self._subjects = subjects
        self._seconds = seconds
        self.rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.troubles: list[str] = []
        self.loudness: list[float] = []

    def measures(self) -> dict[str, Measure]:
        """By the names of ``GOALS``, in the order they are run."""
        seconds = self._seconds
        pages: dict[str, Measure] = {
            "walk 1000": lambda s: workloads.walks(s, "objects/", {"limit": 1000}, seconds),
            "walk 1000 gzip": lambda s: workloads.walks(s, "objects/", {"limit": 1000}, seconds, "gzip"),
            "walk 100": lambda s: workloads.walks(s, "objects/", {"limit": 100}, seconds),
            "manifest 1000": lambda s: workloads.walks(s, "manifest/", {"limit": 1000}, seconds),
            "match 1000": lambda s: workloads.walks(
                s, "objects/", {"match[type]": "indicator", "limit": 1000}, seconds
            ),
            "by id": partial(_one, path="objects/{}/"),
            "versions": partial(_one, path="objects/{}/versions/"),
            "incremental": _incremental,
        }
        for pollers in (1, 16, 64):
            pages[f"idle at {pollers}"] = partial(self._idle, pollers=pollers, later=False)
            pages[f"idle after {pollers}"] = partial(self._idle, pollers=pollers, later=True)
        return pages

    def posts(self) -> dict[str, Measure]:
        """Those that make the collections longer."""
        return {
            f"post {size} by {writers}": partial(_post, size=size, writers=writers, seconds=self._seconds * 3)
            for size in (100, 1000)
            for writers in (1, 8)
        }

    def _idle(self, subject: Subject, pollers: int, later: bool) -> Figure:
        at = workloads.newest(subject)
        position = workloads.later(at) if later else at
        return workloads.nothing_new(subject, position, pollers, max(2.0, self._seconds * 2))

    def run(self, name: str, measure: Measure) -> None:
        """One row of one round, on each server in turn."""
        for key, subject in self._subjects.items():
            like = GOALS[name].like
            if like is not None and key != HUB:
                continue
            self.loudness.append(_yardstick())
            try:
                figure = measure(subject)
            except (WrongAnswerError, OSError, subprocess.SubprocessError) as error:
                self.troubles.append(f"{name}, {key}: {error}"[:400])
                print(f"  {name}, {key}: {error}", file=sys.stderr, flush=True)
                continue
            self.rows.setdefault(name, {}).setdefault(key, []).append(asdict(figure))
            print(f"  {name}, {key}: {figure.value:,.2f} {GOALS[name].unit}", flush=True)


def _one(subject: Subject, path: str) -> Figure:
    ids = random.Random(len(subject.ids)).sample(subject.ids, min(200, len(subject.ids)))
    return workloads.latency(subject, [(path.format(each), {}) for each in ids], 1)


def _incremental(subject: Subject) -> Figure:
    since = workloads.newest(subject) if subject.grows else "2025-01-01T00:00:00.000000Z"
    workloads.add(subject, 10)
    if subject.grows:
        subject.newest = ""
    return workloads.latency(subject, [("objects/", {"added_after": since, "limit": 100})] * 100, 10)


def _post(subject: Subject, size: int, writers: int, seconds: float) -> Figure:
    return workloads.publish(subject, size, writers, seconds)


def _yardstick() -> float:
    """Milliseconds of a fixed piece of work: how loud the machine is right now."""
    began = time.perf_counter()
    sum(number * number for number in range(200_000))
    return (time.perf_counter() - began) * 1000


def subject_of(server: servers.Server, lines: list[bytes], *, grows: bool, seed: int) -> Subject:
    """A server that holds these objects."""
    read = [orjson.loads(line) for line in lines]
    counts = {"": len(lines), "indicator": sum(item["type"] == "indicator" for item in read)}
    return Subject(server, [item["id"] for item in read], counts, corpus.copies(lines, seed), grows)


def load(subject: Subject, lines: list[bytes]) -> None:
    """POST all of it."""
    began = time.perf_counter()
    for start in range(0, len(lines), ENVELOPE):
        subject.caller().post(corpus.envelope(lines[start : start + ENVELOPE]))
    print(f"loaded {len(lines) / (time.perf_counter() - began):,.0f} objects/s", flush=True)


def main() -> None:
    """Start all, measure, write."""
    arguments = _arguments()
    lines = corpus.lines(arguments.size)
    only = arguments.only.split(",") if arguments.only else list(GOALS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus-")))
        file = folder / "corpus.ndjson"
        file.write_bytes(b"\n".join(lines) + b"\n")
        hub, _ = stack.enter_context(servers.taxii_hub({"TAXII_HUB_WORKERS": "1"}))
        subjects = {HUB: subject_of(hub, lines, grows=True, seed=FRESH_SEED)}
        load(subjects[HUB], lines)
        bare = stack.enter_context(servers.raw_ceiling(file))
        subjects[CEILING] = subject_of(bare, lines, grows=False, seed=FRESH_SEED + 1)
        peer: str | None = None
        if arguments.opentaxii_venv is not None:
            rival = stack.enter_context(servers.opentaxii(arguments.opentaxii_venv, file))
            subjects[PEER] = subject_of(rival, lines, grows=True, seed=FRESH_SEED + 2)
            peer = servers.version_of(arguments.opentaxii_venv, "opentaxii")
        table = Table(subjects, arguments.seconds)
        shape = {"size": len(lines), "mean": sum(map(len, lines)) / len(lines), "opentaxii": peer}
        for measures in (table.measures(), table.posts()):
            for number in range(arguments.rounds):
                print(f"round {number + 1}", flush=True)
                for name in (name for name in measures if name in only):
                    table.run(name, measures[name])
                    write(
                        arguments.out,
                        {"machine": machine(), "rounds": arguments.rounds, **shape, **_state(table)},
                    )


def _state(table: Table) -> dict[str, Any]:
    middle = statistics.median(table.loudness)
    loudness = {
        "median_ms": middle,
        "highest": max(table.loudness) / middle,
        "lowest": min(table.loudness) / middle,
    }
    return {"yardstick": loudness, "troubles": table.troubles, "rows": table.rows}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--opentaxii-venv", type=Path, help="a venv that holds OpenTAXII and gunicorn")
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="that a figure takes at least")
    parser.add_argument("--only", help="names of rows, with commas between")
    parser.add_argument("--out", default="table", help="bench/measured/OUT.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
