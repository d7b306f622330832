"""The part of ``docs/performance.md`` about speed: the table of issue 5, and packing."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.goals import GOALS, Goal
from bench.notes import NOTES
from bench.results import machine_words

HUB, CEILING, PEER = "hub", "ceiling", "opentaxii"
Figures = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Row:
    """One row, judged: ratios are medians of those of each round, with the lowest and the highest."""

    goal: Goal
    figures: Figures
    share: tuple[float, float, float] | None
    times: tuple[float, float, float] | None

    @property
    def short(self) -> list[str]:
        """Beside whom it misses a must."""
        found = []
        if self.goal.must is not None and self.share is not None and self.share[0] < self.goal.must:
            found.append("ceiling")
        if self.times is not None and self.times[0] < self.goal.times:
            found.append("OpenTAXII")
        return found

    @property
    def verdict(self) -> str:
        if self.short:
            return f"**short of must** ({', '.join(self.short)})"
        aimed = self.goal.aim is not None and self.share is not None and self.share[0] >= self.goal.aim
        return "aim" if aimed else "must"


def table(result: dict[str, Any]) -> list[str]:
    """All rows, and what is said of those that fall short."""
    rows = _rows(result)
    return [
        *_introduction(result),
        "| workload | TAXII Hub | ceiling | OpenTAXII | CPU | of the ceiling | must, aim | times OpenTAXII | must | verdict |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_line(row, result["rows"]) for row in rows.values()),
        "",
        *_first_walk(rows),
        *_wrong(result),
        *_explained(rows),
    ]


def short(result: dict[str, Any]) -> list[str]:
    """The names of rows that miss a must."""
    return [name for name, row in _rows(result).items() if row.short]


def _rows(result: dict[str, Any]) -> dict[str, Row]:
    return {
        name: _row(goal, result["rows"])
        for name, goal in GOALS.items()
        if HUB in result["rows"].get(name, {})
    }


def _introduction(result: dict[str, Any]) -> list[str]:
    peer, loud = result["opentaxii"], result["yardstick"]
    return [
        "## Serving and publishing, beside the ceiling and OpenTAXII",
        "",
        f"{result['size']:,} objects in the shape of ATT&CK ({result['mean']:,.0f} bytes each, half of them relationships, three in ten",
        "indicators; `bench/corpus.py`) in each of three servers: TAXII Hub, one process with accounts, policy, audit and",
        "validation on, majority-journalled writes; the ceiling (`bench/ceiling.py`), bare ASGI on uvicorn that sends pages",
        "it has ready and asks nobody who he is; "
        + (
            f"OpenTAXII {peer} (gunicorn, two workers, SQLite), its collection public."
            if peer
            else "OpenTAXII was not to be had."
        ),
        f"{result['rounds']} rounds, each row on one server after the other; medians. Ratios are those of each round: median,",
        "lowest and highest in brackets. CPU: microseconds of hub and MongoDB for each object or request. A fixed",
        f"piece of work took {loud['median_ms']:.1f} ms in the middle, {loud['lowest']:.2f} to {loud['highest']:.2f} times that at the",
        f"extremes: so loud was the machine. {machine_words(result['machine'])}",
        "",
    ]


def _row(goal: Goal, rows: dict[str, Figures]) -> Row:
    figures = rows[_name(goal)]
    return Row(goal, figures, _ratio(goal, rows, CEILING), _ratio(goal, rows, PEER))


def _name(goal: Goal) -> str:
    return next(name for name, each in GOALS.items() if each is goal)


def _of(goal: Goal, rows: dict[str, Figures], server: str) -> list[dict[str, Any]]:
    """The figures that stand for this row on that server."""
    name = _name(goal) if server == HUB or goal.like is None else goal.like
    return rows.get(name, {}).get(server, [])


def _ratio(goal: Goal, rows: dict[str, Figures], server: str) -> tuple[float, float, float] | None:
    """Above 1: the hub is better."""
    pairs = zip(_of(goal, rows, HUB), _of(goal, rows, server), strict=False)
    ratios = [
        theirs["value"] / ours["value"] if goal.lower else ours["value"] / theirs["value"]
        for ours, theirs in pairs
    ]
    return (statistics.median(ratios), min(ratios), max(ratios)) if ratios else None


def _line(row: Row, rows: dict[str, Figures]) -> str:
    goal = row.goal
    values = [_middle(_of(goal, rows, server), "value") for server in (HUB, CEILING, PEER)]
    cpu = [sum(each["cpu"].values()) * 1000 for each in row.figures[HUB]]
    goals = "-" if goal.must is None else f"{goal.must:g}, {goal.aim:g}"
    cells = [
        goal.title + ("" if goal.lower else f", {goal.unit}") + (", ms" if goal.lower else ""),
        *(_shown(value) for value in values),
        f"{statistics.median(cpu):,.0f} µs",
        _spread(row.share, "{:.3f}") if goal.must is not None else "-",
        goals,
        _spread(row.times, "{:.1f}"),
        f"{goal.times:g}",
        row.verdict,
    ]
    return "| " + " | ".join(cells) + " |"


def _middle(figures: list[dict[str, Any]], key: str) -> float | None:
    return statistics.median(each[key] for each in figures) if figures else None


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _spread(ratio: tuple[float, float, float] | None, form: str) -> str:
    if ratio is None:
        return "-"
    middle, low, high = (form.format(part) for part in ratio)
    return f"{middle} ({low} to {high})"


def _first_walk(rows: dict[str, Row]) -> Iterator[str]:
    packed = rows.get("walk 1000 gzip")
    if packed is not None:
        first = packed.figures[HUB][0]["first"]
        yield f"With gzip the first walk of all, of which nothing was packed yet, brought {first:,.0f} objects/s; pages that"
        yield "were packed for anybody are sent again as they are, to whoever is to get the same bytes."
        yield ""


def _wrong(result: dict[str, Any]) -> Iterator[str]:
    refused = sum(each["wrong"] for row in result["rows"].values() for each in row.get(PEER, ()))
    ours = sum(each["wrong"] for row in result["rows"].values() for each in row.get(HUB, ()))
    yield f"Envelopes refused or answered wrongly: TAXII Hub {ours}, OpenTAXII {refused} (they count nothing)."
    for trouble in result["troubles"]:
        yield f"Not measured: {trouble.replace('<', '').replace('|', '/')[:200]}"
    yield ""


def _explained(rows: dict[str, Row]) -> Iterator[str]:
    """Rows of which the same is to be said stand together."""
    notes: dict[str, list[str]] = {}
    for name, row in rows.items():
        if row.short:
            notes.setdefault(NOTES.get(name, "not explained yet."), []).append(row.goal.title)
    if not notes:
        yield "No row falls short of its must."
    for note, titles in notes.items():
        yield f"- **{'; '.join(titles)}**: {note}"
    yield ""


def compression(result: dict[str, Any]) -> list[str]:
    """Levels and ratios."""
    many, few = result["ways"]["1000"], result["ways"]["100"]
    chosen, parts = many["isal, gzip level 2"], next(each for name, each in many.items() if "parts" in name)
    cost = {
        name[15:]: many[name]["milliseconds"] / chosen["milliseconds"]
        for name in many
        if name.startswith("known")
    }
    slower, larger = parts["milliseconds"] / chosen["milliseconds"], chosen["ratio"] / parts["ratio"]
    lines = [
        "## Packing answers",
        "",
        f"CPU time of packing one page of 1000 objects ({result['page_bytes']:,} bytes) or 100, and how many times smaller it becomes.",
        "The hub packs gzip with isal level 2, always as one member, and zstd at level 1 for clients that name it; bodies of",
        "1 kB and less go as they are; those above 128 kB are packed beside the event loop. 32 MB of packed bodies are kept",
        "in each process, by a keyed hash of what they are of (GMAC), so that the same bytes are packed once, for whomever:",
        f"the hash costs {cost['GMAC']:.1%} of packing, SHA-256 would cost {cost['SHA-256']:.0%}. Pages packed in parts, which could be joined",
        f"anew when a page shifts, cost {slower:.2f} times as much where a part is new and are {larger:.2f} times as large: not done, since a",
        f"page of a walk does not shift and the newest are short. {machine_words(result['machine'])}",
        "",
        "| way | 1000: ms | smaller by | 100: ms | smaller by |",
        "|---|---|---|---|---|",
    ]
    for name in many:
        ratios = ["-" if name.startswith("known") else f"{ways[name]['ratio']:.2f}" for ways in (many, few)]
        times = [f"{ways[name]['milliseconds']:.3f}" for ways in (many, few)]
        lines.append(f"| {name} | {times[0]} | {ratios[0]} | {times[1]} | {ratios[1]} |")
    return [*lines, ""]
