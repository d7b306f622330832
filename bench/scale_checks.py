"""The checks of ``bench.scale``, each for itself."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from bench import workloads
from bench.caller import LAST, Caller
from bench.processes import use, uses
from bench.workloads import Subject
from tests.support.probe import Probe, Target

ROUNDS = 5
PAGE = 1000
POLLERS = 64
LARGEST = 10_000


@dataclass(frozen=True)
class Hubs:
    """``large`` and ``small`` are one process each; ``pair`` is as small, and two."""

    large: Subject
    small: Subject
    pair: Subject


def growth(hubs: Hubs) -> dict[str, Any]:
    """Incremental polls and nothing new: the large hub over the small one, asked in turn."""
    measures: dict[str, Callable[[Subject], float]] = {
        "incremental": _incremental,
        "nothing new": _nothing_new,
        "nothing new, 16 pollers": lambda subject: (
            1000 / workloads.nothing_new(subject, workloads.newest(subject), 16, 2).value
        ),
    }
    found = {}
    for name, measure in measures.items():
        pairs = [(measure(hubs.large), measure(hubs.small)) for _ in range(ROUNDS)]
        found[name] = {
            "large_ms": statistics.median(large for large, _ in pairs),
            "small_ms": statistics.median(small for _, small in pairs),
            "ratio": statistics.median(large / small for large, small in pairs),
        }
    return found


def _incremental(subject: Subject) -> float:
    since = workloads.newest(subject)
    workloads.add(subject, 10)
    subject.newest = ""
    return workloads.latency(subject, [("objects/", {"added_after": since, "limit": 100})] * 50, 10).value


def _nothing_new(subject: Subject) -> float:
    since = workloads.newest(subject)
    return workloads.latency(subject, [("objects/", {"added_after": since, "limit": 100})] * 100, 0).value


def depth(hubs: Hubs) -> dict[str, Any]:
    """The last full page over the first, in turn, of pages of 1000 and of 100."""
    found, caller, stamps = {}, hubs.large.caller(), _stamps(hubs.large)
    for limit in (PAGE, 100):
        last = {"added_after": stamps[-limit - 1]}
        times: dict[str, list[float]] = {"first": [], "last": []}
        for _ in range(60):
            for name, position in (("first", {}), ("last", last)):
                reply = caller.get("objects/", {"limit": limit, **position})
                if len(reply.json()["objects"]) != limit:
                    raise AssertionError(f"the {name} page has not {limit} objects")
                times[name].append(reply.seconds * 1000)
        middle = {name: statistics.median(each) for name, each in times.items()}
        found[str(limit)] = {
            "first_ms": middle["first"],
            "last_ms": middle["last"],
            "ratio": middle["last"] / middle["first"],
        }
    return found


def _stamps(subject: Subject) -> list[str]:
    """Of the newest entries, more than a page of them, in order."""
    found: list[str] = []
    for page in pages(subject, "manifest/"):
        found = found[-LARGEST:] + [row["date_added"] for row in page["objects"]]
    return found


def pages(subject: Subject, path: str) -> Iterator[dict[str, Any]]:
    """A walk in the longest pages that there are."""
    asked: dict[str, str | int] = {"limit": LARGEST}
    more = True
    while more:
        page = subject.caller().get(path, asked).json()
        yield page
        more = page.get("more", False)
        asked = {"limit": LARGEST, "next": page.get("next", "")}


def memory(hubs: Hubs) -> dict[str, Any]:
    """Resident megabytes of the hub's process before, and after each of ten walks in pages of 10,000."""
    server = hubs.large.server.groups["server"]
    before = _megabytes(server)
    after = []
    for number in range(10):
        began = time.perf_counter()
        count = sum(len(page["objects"]) for page in pages(hubs.large, "objects/"))
        after.append(_megabytes(server))
        print(
            f"  walk {number + 1}: {count:,} in {time.perf_counter() - began:.0f} s, {after[-1]:.0f} MB",
            flush=True,
        )
    database = uses(hubs.large.server.groups)["db"].resident / 1e6
    return {
        "before_mb": before,
        "after_mb": after,
        "peak_mb": _peak(server),
        "database_mb": database,
        "objects": count,
    }


def _megabytes(pids: list[int]) -> float:
    return use(pids).resident / 1e6


def _peak(pids: list[int]) -> float:
    """The highest ever of the largest of them."""
    found = []
    for pid in pids:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        found += [int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM:")]
    return max(found)


def visibility(hubs: Hubs) -> dict[str, Any]:
    """Milliseconds from the answer of a POST until a poller that asks all the time has the object.

    With two processes the poller uses several connections in turn, which lead to both.
    """
    return {"one process": _visible(hubs.large, 1), "two processes": _visible(hubs.pair, 8)}


def _visible(subject: Subject, connections: int) -> dict[str, float]:
    callers = [Caller(subject.server) for _ in range(connections)]
    times, turn = [], 0
    position = workloads.newest(subject)
    for _ in range(300):
        workloads.add(subject, 1)
        answered, seen = time.perf_counter(), False
        while not seen:
            turn += 1
            reply = callers[turn % connections].get("objects/", {"added_after": position, "limit": 10})
            seen = bool(reply.json().get("objects"))
        times.append((time.perf_counter() - answered) * 1000)
        position = reply.headers[LAST]
    subject.newest = ""
    for caller in callers:
        caller.close()
    times.sort()
    return {
        "p50_ms": statistics.median(times),
        "p99_ms": times[int(len(times) * 0.99)],
        "worst_ms": times[-1],
    }


def hangup(hubs: Hubs) -> dict[str, Any]:
    """CPU of hub and MongoDB, as a share of one core, in each second after 64 pollers hung up unanswered.

    They ask for the largest pages. Not the large hub, whose memory is watched by other checks.
    """
    subject = hubs.small
    groups = subject.server.groups
    rounds = []
    for _ in range(3):
        idle = _busy(groups)
        sockets = [_asking(subject, f"objects/?limit={LARGEST}") for _ in range(POLLERS)]
        time.sleep(0.3)
        for each in sockets:
            each.close()
        rounds.append({"idle": idle, "seconds_after": [_busy(groups) for _ in range(5)]})
        time.sleep(5)
    return {"rounds": rounds, "resident_mb": _megabytes(groups["server"]), "peak_mb": _peak(groups["server"])}


def _busy(groups: Any) -> float:
    before, began = uses(groups), time.perf_counter()
    time.sleep(1)
    after, ended = uses(groups), time.perf_counter()
    return sum(after[name].cpu - before[name].cpu for name in after) / (ended - began)


def _asking(subject: Subject, path: str) -> socket.socket:
    parts = urlsplit(subject.server.url)
    connection = socket.create_connection((parts.hostname, parts.port or 80))
    lines = [f"GET {parts.path}/{path} HTTP/1.1", f"Host: {parts.hostname}"]
    lines += [f"{name}: {value}" for name, value in subject.caller().headers().items()]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return connection


def workers(hubs: Hubs) -> dict[str, Any]:
    """CPU time a request of two processes over one, in turn; and the sums of order under writers of two."""
    found: dict[str, Any] = {}
    for name in _requests(hubs.pair):
        pairs = [(_cpu(hubs.pair, name), _cpu(hubs.small, name)) for _ in range(ROUNDS)]
        found[name] = {
            "two_ms": statistics.median(two for two, _ in pairs),
            "one_ms": statistics.median(one for _, one in pairs),
            "ratio": statistics.median(two / one for two, one in pairs),
        }
    server = hubs.pair.server
    assert server.auth is not None
    sums = asyncio.run(Probe(Target(server.url, server.auth), writers=4).run(15))
    hubs.pair.newest = ""
    return {"cpu": found, "order": asdict(sums) | {"wrong": sums.wrong[:3], "clean": sums.clean}}


def _requests(subject: Subject) -> dict[str, str]:
    newest = quote(workloads.newest(subject))
    return {
        "nothing new": f"objects/?limit=100&added_after={newest}",
        "page of 100": "objects/?limit=100",
        "object by id": f"objects/{subject.ids[0]}/",
    }


def _cpu(subject: Subject, name: str) -> float:
    return sum(workloads.hammer(subject, _requests(subject)[name], 16, 3).cpu.values())
