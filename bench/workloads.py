"""What one client, or several, do to a server, and the figure that comes of it.

Each workload gives a rate (higher is better) or milliseconds (lower is better), and checks what it was
answered: a fast wrong answer is no figure.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from urllib.parse import urlencode

from bench import corpus
from bench.caller import LAST, Caller, WrongAnswerError
from bench.processes import Use, uses
from bench.servers import Server

_PREPARED = 32_000
"""Objects made beforehand, so that making them costs no time of the measurement."""
_FAR = "2999-01-01T00:00:00.000000Z"
STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Figure:
    """``value``: objects or requests a second, or milliseconds. ``work``: how many of them went into it.

    ``cpu``: milliseconds of CPU time for each of them, by group of processes. ``first``: the value of
    the first repetition alone, where there were several. ``wrong``: requests that were refused, and
    count nothing.
    """

    value: float
    work: int
    cpu: dict[str, float]
    first: float | None = None
    wrong: int = 0


@dataclass
class Subject:
    """A server, and what is known of what it holds.

    ``counts``: objects that a walk must bring, by the filter it has. ``fresh``: objects it has not yet.
    """

    server: Server
    ids: list[str]
    counts: dict[str, int]
    fresh: Iterator[bytes]
    grows: bool = True
    newest: str = ""
    _calls: dict[str, Caller] = field(default_factory=dict)

    def caller(self, coding: str = "identity") -> Caller:
        """The connection of one client that accepts this coding."""
        return self._calls.setdefault(coding, Caller(self.server, coding))

    def take(self, count: int) -> bytes:
        """An envelope of new objects."""
        return corpus.envelope([next(self.fresh) for _ in range(count)])

    def grown(self, envelope: bytes, count: int) -> None:
        """``envelope`` was accepted."""
        if self.grows:
            self.counts[""] += count
            self.counts["indicator"] += envelope.count(b'"type":"indicator"')


def walk(
    subject: Subject, path: str, asked: dict[str, str | int], coding: str = "identity"
) -> tuple[float, int]:
    """Everything, by ``next``: seconds in requests, and objects.

    Where a server says more and names no next (OpenTAXII's manifest), on from the last date.
    """
    seconds, count, more, last, position = 0.0, 0, True, "", dict(asked)
    while more:
        reply = subject.caller(coding).get(path, position)
        seconds += reply.seconds
        page = reply.json()
        count += len(page.get("objects", ()))
        more = page.get("more", False)
        if LAST in reply.headers and page.get("objects"):
            last = reply.headers[LAST]
        position = asked | (
            {"next": page["next"]} if "next" in page else {"added_after": last} if more else {}
        )
    wanted = subject.counts[str(asked.get("match[type]", ""))]
    if count != wanted:
        raise WrongAnswerError(f"{path} {asked}: {count} objects, {wanted} are there")
    if "match[type]" not in asked:
        subject.newest = last
    return seconds, count


def walks(
    subject: Subject, path: str, asked: dict[str, str | int], least: float, coding: str = "identity"
) -> Figure:
    """Objects a second over as many walks as ``least`` seconds take."""
    before = uses(subject.server.groups)
    rates, total, seconds = [], 0, 0.0
    while seconds < least:
        took, count = walk(subject, path, asked, coding)
        rates.append(count / took)
        seconds, total = seconds + took, total + count
    return Figure(total / seconds, total, _cpu(subject, before, total), rates[0])


def latency(subject: Subject, requests: list[tuple[str, dict[str, str | int]]], objects: int) -> Figure:
    """The median of milliseconds a request; each must bring ``objects``."""
    before = uses(subject.server.groups)
    times = []
    for path, asked in requests:
        reply = subject.caller().get(path, asked)
        page = reply.json()
        if len(page.get("objects", page.get("versions", ()))) != objects:
            raise WrongAnswerError(f"{path} {asked}: not {objects}: {reply.body[:200]!r}")
        times.append(reply.seconds * 1000)
    return Figure(statistics.median(times), len(times), _cpu(subject, before, len(times)), times[0])


def add(subject: Subject, count: int) -> None:
    """POST a few, in one envelope."""
    envelope = subject.take(count)
    subject.caller().post(envelope)
    subject.grown(envelope, count)


def newest(subject: Subject) -> str:
    """The stamp of the newest object: told to who asks from the far future, else found by a walk."""
    if not subject.newest:
        told = subject.caller().get("objects/", {"added_after": _FAR, "limit": 1}).headers[LAST]
        if told and told < _FAR:
            subject.newest = told
        else:
            walk(subject, "objects/", {"limit": 10_000})
    return subject.newest


def later(stamp: str) -> str:
    """A second after, once that is three seconds ago: the hub asks the database of what is younger than two."""
    position = datetime.strptime(stamp, STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)
    past = position + timedelta(seconds=3) - datetime.now(UTC)
    time.sleep(max(0.0, past.total_seconds()))
    return position.strftime(STAMP)


def nothing_new(subject: Subject, position: str, pollers: int, seconds: float) -> Figure:
    """Requests a second of pollers that hear "nothing new" and ask again at once."""
    asked: dict[str, str | int] = {"added_after": position, "limit": 100}
    reply = subject.caller().get("objects/", asked)
    if reply.json().get("objects"):
        raise WrongAnswerError(f"something is newer than {position}: {reply.body[:200]!r}")
    return hammer(subject, f"objects/?{urlencode(asked)}", pollers, seconds)


def hammer(subject: Subject, path: str, pollers: int, seconds: float) -> Figure:
    """Requests a second of clients that ask the same again at once."""
    before = uses(subject.server.groups)
    load = _by_wrk if shutil.which("wrk") else _by_threads
    rate = load(subject, path, pollers, seconds)
    count = round(rate * seconds)
    return Figure(rate, count, _cpu(subject, before, count))


def publish(subject: Subject, size: int, writers: int, least: float) -> Figure:
    """Objects a second of writers that POST envelope after envelope; each begins none after ``least`` seconds."""
    each = max(2, _PREPARED // (size * writers))
    envelopes = [[subject.take(size) for _ in range(each)] for _ in range(writers)]
    before, began = uses(subject.server.groups), time.perf_counter()
    done: list[bytes] = []
    wrong: list[WrongAnswerError] = []

    def write(own: list[bytes]) -> None:
        caller = Caller(subject.server)
        for envelope in own if subject.grows else cycle(own):
            try:
                caller.post(envelope)
                done.append(envelope)
            except WrongAnswerError as error:  # OpenTAXII's database is locked now and then
                wrong.append(error)
            if time.perf_counter() - began > least:
                break
        caller.close()

    in_threads([lambda own=own: write(own) for own in envelopes])  # type: ignore[misc]
    seconds = time.perf_counter() - began
    for envelope in done:
        subject.grown(envelope, size)
    subject.newest = ""
    if not done:
        raise wrong[0]
    total = len(done) * size
    return Figure(total / seconds, total, _cpu(subject, before, total), wrong=len(wrong))


def in_threads(tasks: list[Callable[[], None]]) -> None:
    """All at once; raises what one of them raised."""
    raised: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except (WrongAnswerError, OSError) as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def _cpu(subject: Subject, before: Mapping[str, Use], work: int) -> dict[str, float]:
    after = uses(subject.server.groups)
    return {name: (after[name].cpu - before[name].cpu) * 1000 / max(work, 1) for name in after}


def _by_wrk(subject: Subject, path: str, pollers: int, seconds: float) -> float:
    command = ["wrk", "-t1", f"-c{pollers}", f"-d{seconds:.0f}s", "--timeout", "60s"]
    for name, value in subject.caller().headers().items():
        command += ["-H", f"{name}: {value}"]
    said = subprocess.run(
        [*command, f"{subject.server.url}/{path}"], capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None or "Non-2xx" in said or "Socket errors" in said:
        raise WrongAnswerError(f"wrk: {said}")
    return float(rate[1])


def _by_threads(subject: Subject, path: str, pollers: int, seconds: float) -> float:
    counts: list[int] = []
    until = time.perf_counter() + seconds

    def poll() -> None:
        caller, count = Caller(subject.server), 0
        while time.perf_counter() < until:
            caller.get(path)
            count += 1
        caller.close()
        counts.append(count)

    in_threads([poll] * pollers)
    return sum(counts) / seconds
