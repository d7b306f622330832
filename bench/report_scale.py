"""The part of ``docs/performance.md`` about a million objects, memory and long load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bench.notes import NOTES
from bench.results import machine_words

GROWTH, DEPTH, WORKERS = 1.3, 1.1, 1.1
RESIDENT_MB, FLAT = 200.0, 1.05
P50_MS, P99_MS = 10.0, 50.0
IDLE = 0.05
Found = dict[str, Any]
Line = tuple[str, str, str, bool]
"""What, measured, goal, whether it is kept."""


def scale(result: Found) -> list[str]:
    """Every check that was run."""
    lines = [
        "## A million objects, memory, and long load",
        "",
        f"A hub of one process with {result['size']:,} objects, which came by POST of 1000 an envelope, one writer; beside it one",
        f"with {result['small']:,}, asked in turn, and one of two processes. {machine_words(result['machine'])}",
        f"Load when each check was done: {_loads(result['checks'])}.",
        "",
        *_loading(result.get("loading")),
        "| what | measured | goal | kept |",
        "|---|---|---|---|",
    ]
    for name, found in result["checks"].items():
        figures = {key: value for key, value in found.items() if key != "load"}
        for what, figure, goal, kept in _TOLD[name](figures):
            lines.append(f"| {what} | {figure} | {goal} | {'yes' if kept else '**no**'} |")
    notes = [f"- {NOTES[name]}" for name in result["checks"] if name in NOTES]
    troubles = [f"- not measured: {name}, {_plain(why)}" for name, why in result["troubles"].items()]
    return [*lines, "", *_curves(result["checks"].get("soak")), *notes, *troubles, ""]


def _loads(checks: dict[str, Found]) -> str:
    return ", ".join(f"{name} {found['load']}" for name, found in checks.items() if "load" in found)


def _plain(text: str) -> str:
    return text.replace("<", "").replace("|", "/").replace("\n", " ")[:200]


def _loading(loading: Found | None) -> list[str]:
    if loading is None:
        return []
    resident = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in loading["resident"].items())
    return [
        f"Loading took {loading['seconds']:,.0f} s ({loading['objects_per_second']:,.0f} objects/s); resident then: {resident}.",
        "",
    ]


def _growth(found: Found) -> Iterator[Line]:
    for name, each in found.items():
        times = f"{each['large_ms']:.2f} ms over {each['small_ms']:.2f} ms: {each['ratio']:.2f}"
        yield f"{name}, large hub over small", times, f"≤ {GROWTH}", each["ratio"] <= GROWTH


def _depth(found: Found) -> Iterator[Line]:
    for limit, each in found.items():
        times = f"{each['last_ms']:.2f} ms over {each['first_ms']:.2f} ms: {each['ratio']:.2f}"
        yield f"last page over first, limit {limit}", times, f"≤ {DEPTH}", each["ratio"] <= DEPTH


def _memory(found: Found) -> Iterator[Line]:
    after = found["after_mb"]
    walked = f"{found['objects']:,} objects walked in pages of 10,000"
    yield (
        f"resident after {walked}",
        f"{after[0]:.0f} MB (before: {found['before_mb']:.0f})",
        f"≤ {RESIDENT_MB:.0f} MB",
        after[0] <= RESIDENT_MB,
    )
    grown = after[-1] / after[0]
    yield "the same after ten walks", f"{after[-1]:.0f} MB: {grown:.2f}", f"flat (≤ {FLAT})", grown <= FLAT


def _visibility(found: Found) -> Iterator[Line]:
    for name, each in found.items():
        for part, goal in (("p50", P50_MS), ("p99", P99_MS)):
            value = each[f"{part}_ms"]
            yield (
                f"visible after the POST's answer, {name}, {part}",
                f"{value:.1f} ms",
                f"≤ {goal:.0f} ms",
                value <= goal,
            )


def _hangup(found: Found) -> Iterator[Line]:
    rounds = found["rounds"]
    middle = sorted(rounds, key=lambda each: each["seconds_after"][1])[len(rounds) // 2]
    shares = ", ".join(f"{share:.0%}" for share in middle["seconds_after"])
    kept = middle["seconds_after"][1] <= middle["idle"] + IDLE
    figure = f"{shares} (before: {middle['idle']:.0%})"
    yield (
        "CPU in each second after 64 clients hung up that had asked for 10,000 objects each",
        figure,
        "idle after 1 s",
        kept,
    )


def _workers(found: Found) -> Iterator[Line]:
    for name, each in found["cpu"].items():
        times = f"{each['two_ms']:.3f} ms over {each['one_ms']:.3f} ms: {each['ratio']:.2f}"
        yield (
            f"CPU a request, two processes over one, {name}",
            times,
            f"≤ {WORKERS}",
            each["ratio"] <= WORKERS,
        )
    yield from _order("two processes", found["order"])


def _order(where: str, sums: Found) -> Iterator[Line]:
    wrong = [
        sum(poller[what] for poller in sums["pollers"].values())
        for what in ("missed", "duplicated", "reordered")
    ]
    figure = f"of {sums['acknowledged']:,} acknowledged: lost {sums['lost']}, missed {wrong[0]}, duplicated {wrong[1]}, reordered {wrong[2]}, wrong answers {len(sums['wrong'])}"
    yield f"order under writers and pollers, {where}", figure, "all 0", sums["clean"]


def _soak(found: Found) -> Iterator[Line]:
    yield from _order(f"{found['minutes']:g} minutes of mixed load", found["order"])
    for name, curve in found["memory"].items():
        grown = curve["last_over_second_quarter"]
        what = {"server": "the hub's process", "db": "MongoDB"}[name]
        yield (
            f"memory of {what}, last quarter of the time over the second",
            f"{grown:.2f} (highest {curve['highest_mb']:,.0f} MB)",
            f"flat (≤ {FLAT})",
            grown <= FLAT,
        )


def _curves(soak: Found | None) -> list[str]:
    if soak is None:
        return []
    done = ", ".join(f"{name} {count:,}" for name, count in sorted(soak["done"].items()))
    lines = [
        f"Meanwhile: {done}; answers {soak['order']['answers']}, the slowest {soak['order']['slowest']:.2f} s.",
        "",
    ]
    for name, curve in soak["memory"].items():
        lines += [
            f"Resident MB of {name} over the time: {', '.join(f'{point:,.0f}' for point in curve['points_mb'])}.",
            "",
        ]
    return lines


_TOLD: dict[str, Callable[[Found], Iterator[Line]]] = {
    "growth": _growth,
    "depth": _depth,
    "memory": _memory,
    "visibility": _visibility,
    "hangup": _hangup,
    "workers": _workers,
    "soak": _soak,
}
