"""What the report says of figures: ratios, verdicts, and what was not measured."""

from __future__ import annotations

import re

import pytest

from bench import notes
from bench.goals import GOALS
from bench.report_scale import scale
from bench.report_speed import table
from bench.scale import CHECKS

MACHINE = {"cpu": "one", "cores": 2, "python": "3", "versions": {"x": "1"}, "date": "today", "load": 0.1}


def figure(value: float, **more: object) -> dict[str, object]:
    return {
        "value": value,
        "work": 10,
        "cpu": {"server": 0.5, "db": 0.25},
        "first": value,
        "wrong": 0,
        **more,
    }


def result(rows: dict[str, object], **more: object) -> dict[str, object]:
    loud = {"median_ms": 10.0, "lowest": 0.9, "highest": 1.5}
    shape = {
        "size": 20_000,
        "mean": 900.0,
        "rounds": 3,
        "opentaxii": "0.10",
        "yardstick": loud,
        "troubles": [],
    }
    return {"machine": MACHINE, "rows": rows, **shape, **more}


def line(rows: dict[str, object], start: str) -> list[str]:
    told = next(each for each in table(result(rows)) if each.startswith(f"| {start}"))
    return [cell.strip() for cell in told.strip("|").split("|")]


def test_a_rate_is_compared_round_by_round():
    hub, ceiling = [figure(100), figure(300), figure(200)], [figure(1000), figure(1000), figure(4000)]
    cells = line(
        {"walk 1000": {"hub": hub, "ceiling": ceiling, "opentaxii": [figure(10)]}}, "full walk, limit 1000,"
    )
    assert cells[1:4] == ["200", "1,000", "10.00"]
    assert cells[4] == "750 µs"
    assert cells[5] == "0.100 (0.050 to 0.300)"
    assert (cells[7], cells[9]) == ("10.0 (10.0 to 10.0)", "must")


def test_less_is_better_for_milliseconds():
    rows = {"by id": {"hub": [figure(1.0)], "ceiling": [figure(0.4)], "opentaxii": [figure(5.0)]}}
    cells = line(rows, "object by id")
    assert (cells[5], cells[7]) == ("0.400 (0.400 to 0.400)", "5.0 (5.0 to 5.0)")
    assert cells[9] == "**short of must** (OpenTAXII)"


def test_gzip_is_compared_with_identity_and_its_first_walk_is_told():
    rows = {
        "walk 1000": {"hub": [figure(1)], "ceiling": [figure(1000)], "opentaxii": [figure(10)]},
        "walk 1000 gzip": {"hub": [figure(250, first=99.0)]},
    }
    cells = line(rows, "full walk, limit 1000, gzip")
    assert (cells[5][:5], cells[7][:4], cells[9]) == ("0.250", "25.0", "aim")
    assert "brought 99 objects/s" in " ".join(table(result(rows)))


def test_a_short_row_is_explained_or_said_not_to_be(monkeypatch):
    rows = {"walk 100": {"hub": [figure(1)], "ceiling": [figure(1000)]}}
    monkeypatch.delitem(notes.NOTES, "walk 100", raising=False)
    assert any("not explained yet" in each for each in table(result(rows)))
    monkeypatch.setitem(notes.NOTES, "walk 100", "the disk is slow.")
    assert "- **full walk, limit 100**: the disk is slow." in table(result(rows))


def test_without_the_peer_and_with_trouble():
    told = " ".join(
        table(result({"by id": {"hub": [figure(1)]}}, opentaxii=None, troubles=["by id: <html>|"]))
    )
    assert "OpenTAXII was not to be had" in told
    assert "Not measured: by id: html>/" in told
    assert "No row falls short" in told


def test_every_note_is_of_a_row_or_a_check():
    assert set(notes.NOTES) <= {*GOALS, *CHECKS, "soak"}


def test_every_row_of_the_issue_is_measured():
    from bench.table import Table

    rows = Table({}, 1.0)
    assert {*rows.measures(), *rows.posts()} == set(GOALS)


@pytest.mark.parametrize(("after", "kept"), [([150.0, 151.0], "yes"), ([190.0, 250.0], "**no**")])
def test_memory_is_judged_by_its_growth(after, kept):
    memory = {"before_mb": 100.0, "after_mb": after, "peak_mb": 260.0, "database_mb": 900.0, "objects": 5}
    times = {"large_ms": 2.6, "small_ms": 2.0, "ratio": 1.3}
    checks = {"memory": memory | {"load": 0.5}, "growth": {"nothing new": times, "load": 0.5}}
    shape = {"size": 10, "small": 5, "loading": None, "troubles": {"soak": "OSError('<gone>')"}}
    told = scale({"machine": MACHINE, "checks": checks, **shape})
    rows = [each for each in told if re.match(r"\| (resident|the same)", each)]
    assert [each.split("|")[-2].strip() for each in rows] == ["yes", kept]
    assert any("not measured: soak" in each for each in told)
