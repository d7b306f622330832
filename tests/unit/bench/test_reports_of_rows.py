"""What the report says of profiles, and of figures of another driver."""

from __future__ import annotations

from bench.profile import Profile
from bench.report_driver import driver
from bench.report_profile import profile

MACHINE = {"cpu": "one", "cores": 2, "python": "3", "versions": {"x": "1"}, "date": "today", "load": 0.1}
LOOP = ["main (taxii_hub/cli/worker.py:9)", "run (uvicorn/server.py:1)", "run_forever (loop.c:3)"]
POLL = [*LOOP, "run_asgi (uvicorn/protocols/http/x.py:1)", "poll (taxii_hub/exchange/poll.py:40)"]


def cells(lines: list[str], start: str) -> list[str]:
    told = next(each for each in lines if each.startswith(f"| {start}"))
    return [cell.strip() for cell in told.strip("|").split("|")]


def test_a_sample_belongs_to_the_innermost_part_and_waiting_to_none():
    found = Profile()
    found.add(POLL, 4)
    found.add([*POLL, "find (pymongo/cursor.py:3)", "wait_for (asyncio/tasks.py:1)"], 3)
    found.add([*POLL, "find (pymongo/cursor.py:3)", "write (libc.so.6)"], 2)
    found.add(LOOP, 1)
    found.add([*LOOP, "epoll_pwait (libc.so.6)"], 90)
    found.add(["get (_queuemodule.c:1)", "PyThread_acquire_lock_timed (python.so)", "0x1 (libc.so.6)"], 90)
    shares = found.shares()
    assert shares["parts"] == {"journeys": 0.4, "driver": 0.3, "sockets": 0.2, "event loop": 0.1}
    assert shares["functions"] == {"poll (exchange/poll.py)": 0.9}


def test_a_profile_is_told_beside_mongodb_and_functions_of_short_rows_only():
    row = {
        "cpu_us": {"server": 600.0, "db": 200.0},
        "samples": 10,
        "parts": {"driver": 0.5, "web": 0.5},
        "functions": {"f (web/front.py)": 0.4, "g (web/front.py)": 0.01},
    }
    lines = profile({"machine": MACHINE, "rows": {"by id": row, "versions": row}}, ["by id"])
    assert cells(lines, "object by id") == ["object by id, p50", "600 µs", "200 µs", "25%", "50%", "50%"]
    assert [each for each in lines if each.startswith("- ")] == [
        "- object by id, p50: `f (web/front.py)` 40%"
    ]


def test_another_drivers_figures_are_judged_by_the_same_goals():
    ceiling = {
        "walk 1000": {"ours": [200.0, 100.0, 150.0], "theirs": [1000.0, 1000.0, 1000.0]},
        "by id": {"ours": [1.0], "theirs": [0.1]},
    }
    rivals = {"ceiling": ceiling, "opentaxii": {"by id": {"ours": [1.0], "theirs": [7.0]}}}
    lines = driver({"machine": MACHINE, "rounds": 3, "opentaxii": "1", "rivals": rivals})
    walk, one = cells(lines, "full walk, limit 1000,"), cells(lines, "object by id")
    assert walk[1:] == ["150", "0.150 (0.100 to 0.200)", "0.1", "-", "10", "must"]
    assert one[1:] == [
        "1.00",
        "0.100 (0.100 to 0.100)",
        "0.2",
        "7.0 (7.0 to 7.0)",
        "6",
        "**short of must** (ceiling)",
    ]
