"""The part of ``docs/performance.md`` that says where the time of a row goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from bench.goals import GOALS
from bench.profile import PARTS
from bench.results import machine_words

_SHOWN = 0.03
_FUNCTIONS = 6


def profile(result: dict[str, Any], short: Collection[str]) -> list[str]:
    """All rows by part of the program; of those in ``short`` the functions too."""
    rows = {name: result["rows"][name] for name in GOALS if name in result["rows"]}
    parts = [part for part in PARTS if any(part in row["parts"] for row in rows.values())]
    return [
        "### Where the time goes",
        "",
        "The same rows on a hub of one process, a run of its own (`python -m bench.profile`): microseconds of CPU of hub and",
        "MongoDB for each object or request, MongoDB's part of both, and the hub's own time by part of the program: what",
        "py-spy sees of its threads, those that wait left out, each sample counted for the innermost part it is in.",
        "*sockets*: reading and writing in the kernel, to clients and MongoDB; *driver*: pymongo and BSON; *HTTP*: uvicorn and",
        "its parser, the hub's protocol; *web*: routes, credentials, headers, request log; *event loop*: what is in no other.",
        machine_words(result["machine"]),
        "",
        "| workload | hub | MongoDB | MongoDB's part | " + " | ".join(parts) + " |",
        "|---|---|---|---|" + "---|" * len(parts),
        *(_line(name, row, parts) for name, row in rows.items()),
        "",
        *_functions({name: row for name, row in rows.items() if name in short}),
    ]


def _line(name: str, row: dict[str, Any], parts: list[str]) -> str:
    hub, database = row["cpu_us"]["server"], row["cpu_us"]["db"]
    shares = [f"{row['parts'].get(part, 0):.0%}" for part in parts]
    cells = [
        GOALS[name].title,
        f"{hub:,.0f} µs",
        f"{database:,.0f} µs",
        f"{database / ((hub + database) or 1):.0%}",
    ]
    return "| " + " | ".join([*cells, *shares]) + " |"


def _functions(rows: dict[str, Any]) -> Iterator[str]:
    if rows:
        yield "Functions of the hub that most samples of the short rows are in or below, as shares of its time:"
        yield ""
    for name, row in rows.items():
        told = [
            f"`{function}` {share:.0%}"
            for function, share in list(row["functions"].items())[:_FUNCTIONS]
            if share >= _SHOWN
        ]
        yield f"- {GOALS[name].title}: {', '.join(told)}"
    if rows:
        yield ""
