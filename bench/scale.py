"""What becomes of the hub at a million objects, and of its memory, its CPU time and its order under load.

    python -m bench.scale [--size 1000000] [--keep FOLDER] [--only growth,depth,memory,…] [--soak MINUTES]

Two hubs of one process each, one with 20,000 objects beside the large one, asked in turn. What is measured
is written to bench/measured/scale.json as it comes, check by check; ``--only`` measures some again and keeps the
others. With ``--keep`` a second run finds the objects where the first left them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bench import corpus, scale_checks, servers, soak
from bench.caller import WrongAnswerError
from bench.processes import uses
from bench.results import machine, measured, read, write
from bench.workloads import Subject

ENVELOPE = 1000
ORIGINALS = 20_000
FAILURES = (WrongAnswerError, OSError, EOFError, AssertionError, ExceptionGroup, subprocess.SubprocessError)
ONE = {"TAXII_HUB_WORKERS": "1"}
TWO = {"TAXII_HUB_WORKERS": "2"}
CHECKS: dict[str, Callable[[scale_checks.Hubs], dict[str, Any]]] = {
    "growth": scale_checks.growth,
    "depth": scale_checks.depth,
    "memory": scale_checks.memory,
    "visibility": scale_checks.visibility,
    "hangup": scale_checks.hangup,
    "workers": scale_checks.workers,
}


@dataclass
class Run:
    """The results so far; each is on disk as soon as it is there."""

    out: str
    result: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.result = read(self.out) if measured(self.out) else {"checks": {}, "troubles": {}}

    def check(self, name: str, measure: Callable[[], dict[str, Any]]) -> None:
        """Measure, keep what came of it, and go on where it failed."""
        print(f"{name} …", flush=True)
        self.result["troubles"].pop(name, None)
        try:
            found = measure()
        except FAILURES as error:
            self.result["troubles"][name] = repr(error)[:400]
            print(f"{name} failed: {error!r}", flush=True)
        else:
            self.result["checks"][name] = found | {"load": machine()["load"]}
            print(f"{name}: {json.dumps(found)[:1500]}", flush=True)
        self.result["machine"] = machine()
        write(self.out, self.result)


def main() -> None:
    """Start, load, measure."""
    arguments = _arguments()
    only = arguments.only.split(",") if arguments.only else list(CHECKS)
    run = Run(arguments.out)
    with ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-")))
        large = _filled(stack, ONE, folder / "large", arguments.size)
        run.result |= {
            "size": arguments.size,
            "small": arguments.small,
            "loading": large.loading or run.result.get("loading"),
        }
        if only != ["soak"]:
            small = _filled(stack, ONE, folder / "small", arguments.small)
            pair = _filled(stack, TWO, folder / "pair", arguments.small)
            hubs = scale_checks.Hubs(large.subject, small.subject, pair.subject)
            for name in (name for name in CHECKS if name in only):
                run.check(name, lambda name=name: CHECKS[name](hubs))  # type: ignore[misc]
        if arguments.soak:
            run.check("soak", lambda: soak.soak(large.subject, arguments.soak))


@dataclass
class _Filled:
    subject: Subject
    loading: dict[str, Any] | None


def _filled(stack: ExitStack, settings: dict[str, str], data: Path, size: int) -> _Filled:
    """A hub with so many objects, which it gets over HTTP where it has them not yet."""
    data.parent.mkdir(parents=True, exist_ok=True)
    server, _ = stack.enter_context(servers.taxii_hub(settings, data))
    note = data.with_suffix(".json")
    if note.exists():
        counts = json.loads(note.read_text())
        subject = Subject(
            server, counts.pop("ids"), counts, corpus.copies(corpus.lines(ORIGINALS), time.time_ns())
        )
        return _Filled(subject, None)
    subject = Subject(server, [], {"": 0, "indicator": 0}, corpus.copies(corpus.lines(ORIGINALS), size))
    loading = _load(subject, size)
    note.write_text(json.dumps(subject.counts | {"ids": subject.ids[-1000:]}))
    return _Filled(subject, loading)


def _load(subject: Subject, size: int) -> dict[str, Any]:
    began, said = time.perf_counter(), time.perf_counter()
    for start in range(0, size, ENVELOPE):
        count = min(ENVELOPE, size - start)
        envelope = subject.take(count)
        subject.caller().post(envelope)
        subject.grown(envelope, count)
        subject.ids += [item["id"] for item in orjson.loads(envelope)["objects"][:10]]
        if time.perf_counter() - said > 10:
            said = time.perf_counter()
            print(f"  {start + count:,} objects, {(start + count) / (said - began):,.0f}/s", flush=True)
    seconds = time.perf_counter() - began
    resident = {name: use.resident for name, use in uses(subject.server.groups).items()}
    print(f"loaded {size:,} objects, {size / seconds:,.0f}/s", flush=True)
    return {"objects_per_second": size / seconds, "seconds": seconds, "resident": resident}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="a folder for the hubs' data, which stays")
    parser.add_argument("--only", help="names of checks with commas between, or soak")
    parser.add_argument(
        "--soak", type=float, metavar="MINUTES", help="mixed load on the large hub at the end"
    )
    parser.add_argument("--out", default="scale", help="bench/measured/OUT.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
