"""docs/faults.md: what the campaign did to the hub, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from bench.results import machine_words
from tests.faults.campaign import BATCH, PACE, RECOVERY, WRITERS, Outcome
from tests.faults.faults import FAULTS
from tests.faults.sites import SITES

_HEAD = (
    "# Faults",
    "",
    "What happens to a hub under load when parts of it die. Written by `make faults` (`python -m tests.faults`); a short campaign of the",
    "same faults is part of `make test`. What was not seen here is not claimed.",
    "",
    "## What holds",
    "",
    "Over every fault below: an object that was acknowledged is never lost, no poller misses one, gets one twice or gets them out of order,",
    "and every answer is a TAXII resource: success, or 503 with `Retry-After`. A client that gets a 503, or no answer because its connection",
    "broke, sends the same request again; that is always safe, and the same envelope twice makes no second copy and no second stamp.",
    "",
)


_LIMITS = (
    "## What this does not show",
    "",
    "- All nodes of a replica set stand on one machine, with an election timeout of 2 s (MongoDB's own is 10 s): with that one, gaps of a",
    "  failover are some 8 s longer. Nothing here is a sharded cluster.",
    "- Flipped bits on a disk, a controller that lies about what it wrote, and a restored backup (see [backup.md](backup.md)) are not faults of",
    "  this campaign.",
    "- A gap after a killed worker or hub is the time that Python takes to start, and on a busy machine that is long.",
    "- Where a primary lost its majority, polls on it go on for some seconds with what it knew last. Nobody is told by it that he is ahead:",
    "  before the hub says so, the primary has to ask the majority.",
)


def report(outcomes: Sequence[Outcome], skipped: Mapping[str, str], machine: Mapping[str, Any]) -> str:
    """The whole document."""
    clean = sum(outcome.clean for outcome in outcomes)
    lines = [*_HEAD, f"**{clean} of {len(outcomes)} rounds were clean.** {machine_words(dict(machine))}", ""]
    lines += [
        f"Load: {WRITERS} writers, each with an envelope of {BATCH} objects every {PACE} s and the same one again until it is acknowledged;",
        "four pollers, by `next` (pages of 100), by the header of objects (pages of 7), by that of the manifest (100), and a slow one; then a",
        f"walk from the start of the round. With two hubs every request goes to the other one. Recovered means within {RECOVERY:.0f} s, without a restart by",
        "hand. Other programs were running on the machine.",
        "",
        "## By fault",
        "",
        "Gaps: the longest time in which no write, or no poll, of any client succeeded, in seconds, over all rounds; they include the fault",
        "itself. Recovered: the longest time from its end until both succeeded. Slowest: the longest time that a client waited for an answer.",
        "",
        *_table(outcomes),
        "",
        "## What they are",
        "",
        *_faults(),
        "",
        "## Answers",
        "",
        "| answer | times |",
        "|---|---|",
        *(f"| {name} | {count:,} |" for name, count in sorted(_answers(outcomes).items())),
        "",
        "*broken*: the connection was refused or ended before an answer.",
        "",
        *_LIMITS,
    ]
    if failed := [outcome for outcome in outcomes if not outcome.clean]:
        lines += ["", "## Rounds that were not clean", "", *(f"- {outcome.line()}" for outcome in failed)]
    if skipped:
        lines += ["", "## Left out", "", *(f"- {name}: {reason}" for name, reason in skipped.items())]
    return "\n".join(lines) + "\n"


def _table(outcomes: Iterable[Outcome]) -> list[str]:
    names = ["rounds", "acknowledged", "lost", "missed", "duplicated", "reordered", "wrong"]
    names += ["gap writing", "gap polling", "recovered", "slowest"]
    lines = ["| fault | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    places = {place: number for number, place in enumerate(_places())}
    ordered = sorted(outcomes, key=lambda each: places.get((each.site, each.fault), len(places)))
    for (_, fault), group in groupby(ordered, key=lambda each: (each.site, each.fault)):
        lines.append(f"| {fault.replace('_', ' ')} | " + " | ".join(_cells(list(group))) + " |")
    return lines


def _cells(rounds: list[Outcome]) -> list[str]:
    sums = [each.sums for each in rounds if each.sums is not None]
    worst = [sum(each.worst(what) for each in sums) for what in ("missed", "duplicated", "reordered")]
    wrong = sum(len(each.wrong) + each.refused for each in sums) + len(rounds) - len(sums)
    counts = [
        len(rounds),
        sum(each.acknowledged for each in sums),
        sum(each.lost for each in sums),
        *worst,
        wrong,
    ]
    longest = [
        max((each.write_gap for each in sums), default=0.0),
        max((each.poll_gap for each in sums), default=0.0),
        max(each.recovered for each in rounds),
        max((each.slowest for each in sums), default=0.0),
    ]
    return [f"{count:,}" for count in counts] + [f"{seconds:.1f}" for seconds in longest]


def _places() -> Iterable[tuple[str, str]]:
    return ((site, fault.__name__) for site, faults in FAULTS.items() for fault in faults)


def _faults() -> list[str]:
    lines = []
    for site, faults in FAULTS.items():
        lines += [f"{SITES[site].__doc__}", ""]
        lines += [f"- *{each.__name__.replace('_', ' ')}*: {each.__doc__}" for each in faults]
        lines.append("")
    return lines[:-1]


def _answers(outcomes: Iterable[Outcome]) -> Counter[str]:
    found: Counter[str] = Counter()
    for outcome in outcomes:
        found.update(outcome.sums.answers if outcome.sums else {})
    return found
