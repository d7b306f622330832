"""The part of ``docs/performance.md`` that shows the table's rows as another driver measured them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench.goals import GOALS, Goal
from bench.results import machine_words

_RIVALS = ("ceiling", "opentaxii")
Pairs = dict[str, dict[str, list[float]]]
Ratio = tuple[float, float, float]


def driver(result: dict[str, Any]) -> list[str]:
    """Beside each other: what it measured, and what must be."""
    peer = result["opentaxii"]
    return [
        "### The same rows, by the driver that the goals were set with",
        "",
        "Another program asks the same hub, another ceiling of the same kind"
        + (f" and OpenTAXII {peer}" if peer else ""),
        f"(`bench/driver.py`), {result['rounds']} rounds, in pairs. GET rows are asked in the same way. POST rows differ: it joins and",
        "encodes the objects of an envelope within the measured time, as a client does that has objects and no bytes; and it",
        "sends 2,000 objects a row, so few that starting threads and connections counts, where `bench.table` sends ready bytes",
        "for up to three seconds. Both costs are the client's, and a larger part of the ceiling's time than of the hub's:",
        f"shares tend to be higher here. {machine_words(result['machine'])}",
        "",
        "| workload | TAXII Hub | of the ceiling | must | times OpenTAXII | must | verdict |",
        "|---|---|---|---|---|---|---|",
        *_lines(result["rivals"]),
        "",
    ]


def _lines(rivals: dict[str, Pairs]) -> Iterator[str]:
    for name, goal in GOALS.items():
        pairs = [rivals.get(rival, {}).get(name) for rival in _RIVALS]
        known = [pair for pair in pairs if pair]
        if not known:
            continue
        share, times = (_ratio(goal, pair) if pair else None for pair in pairs)
        ours = statistics.median(value for pair in known for value in pair["ours"])
        cells = [
            f"{goal.title}, {goal.unit}",
            f"{ours:,.2f}" if ours < 100 else f"{ours:,.0f}",
            "-" if goal.must is None else _spread(share, "{:.3f}"),
            "-" if goal.must is None else f"{goal.must:g}",
            _spread(times, "{:.1f}"),
            f"{goal.times:g}",
            _verdict(goal, share, times),
        ]
        yield "| " + " | ".join(cells) + " |"


def _ratio(goal: Goal, pair: dict[str, list[float]]) -> Ratio:
    """Above 1: the hub is better."""
    each = [
        theirs / ours if goal.lower else ours / theirs
        for ours, theirs in zip(pair["ours"], pair["theirs"], strict=False)
    ]
    return statistics.median(each), min(each), max(each)


def _verdict(goal: Goal, share: Ratio | None, times: Ratio | None) -> str:
    below = {
        "ceiling": goal.must is not None and share is not None and share[0] < goal.must,
        "OpenTAXII": times is not None and times[0] < goal.times,
    }
    short = [name for name, is_below in below.items() if is_below]
    return f"**short of must** ({', '.join(short)})" if short else "must"


def _spread(ratio: Ratio | None, form: str) -> str:
    if ratio is None:
        return "-"
    middle, low, high = (form.format(part) for part in ratio)
    return f"{middle} ({low} to {high})"
