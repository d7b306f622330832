"""The part of ``docs/performance.md`` about sharing: policy classes, twins, policing."""

from __future__ import annotations

from typing import Any

from bench.results import machine_words

GOALS = {"150": 1.2, "200": 1.5, "1000": 5.0}


def policy(result: dict[str, Any]) -> list[str]:
    """Ratios to one policy class."""
    figures = result["figures"]
    numbers = list(next(iter(figures.values())))
    goals = ", ".join(f"{goal} up to {number} classes" for number, goal in GOALS.items())
    lines = [
        "## What policy classes cost a poll",
        "",
        f"{result['size']:,} objects in each of {len(numbers)} hubs, over HTTP; the head of a column says how many",
        "classes the reader reads. Time of a page as a multiple of that with one class, of the same round; medians of",
        f"{result['rounds']} rounds of {result['pages']} pages that ask every hub in turn. In brackets the same for the CPU time of hub and",
        "MongoDB, which is counted in hundredths of a second: coarse where pages are short. The goals, for pages of 1000",
        f"without a filter: {goals}. {machine_words(result['machine'])}",
        "",
        "| pages | one class, ms | " + " | ".join(f"{int(number):,}" for number in numbers[1:]) + " |",
        "|---|---|" + "---|" * (len(numbers) - 1),
    ]
    for case, each in figures.items():
        cells = [f"{each[number]['ratio']:.2f} ({each[number]['cpu_ratio']:.2f})" for number in numbers[1:]]
        lines.append(f"| {case} | {each[numbers[0]]['milliseconds']:.1f} | " + " | ".join(cells) + " |")
    return [
        *lines,
        "",
        f"Missed in this run: {_missed(figures)}.",
        "MongoDB opens an index cursor for each class (and type); at 100 objects a page that is most of the work. Above 200 a",
        "page comes of several finds of one snapshot, of each its share; the long pages of a walk do from 101 on, and those",
        "finds are asked at a time (`store/shares.py`): that takes a core more, not less CPU.",
        "",
    ]


def _missed(figures: dict[str, Any]) -> str:
    words = [
        f"{number} classes, {case.partition('; ')[2]}: {each[number]['ratio']:.2f} for {goal}"
        for case, each in figures.items()
        if case.startswith("limit 1000; ")
        for number, goal in GOALS.items()
        if each[number]["ratio"] > goal
    ]
    return "; ".join(words) or "none"


def twins(result: dict[str, Any]) -> list[str]:
    """Medians of two hubs, one with secrets."""
    endpoints = result["endpoints"]
    lines = [
        "## Twins: does a hub with secrets answer later?",
        "",
        f"Two hubs with the same {result['size']:,} objects for the reader, one with as many secrets beside them (own objects, newer",
        f"versions, copies of the same ids), asked in turn, {result['requests']} requests an endpoint, writers silent. Noise: one half of the",
        f"requests to the hub without secrets over the other half. The goal: within 10 %. {machine_words(result['machine'])}",
        "",
        "| endpoint | without, ms | with secrets, ms | ratio | noise |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {each['plain_ms']:.2f} | {each['secret_ms']:.2f} | {each['ratio']:.2f} | {each['noise']:.2f} |"
        for name, each in endpoints.items()
    ]
    outside = [name for name, each in endpoints.items() if not 0.9 <= each["ratio"] <= 1.1]
    return [*lines, "", f"Outside 10 % in this run: {', '.join(outside) or 'none'}.", ""]


def policing(result: dict[str, Any]) -> list[str]:
    """What it costs to find policies before a commit."""
    marking, ends, size = result["marking"], result["ends"], result["size"]
    looked_up = ", ".join(
        f"{ms / 1000:.1f} s for {number} class{'es' if number != '1' else ''}" for number, ms in ends.items()
    )
    return [
        "## What it costs to find the policies of what is published",
        "",
        f"{size:,} objects that carry TLP:AMBER: {marking['one by one']:,.0f} ms one by one, {marking['together']:,.0f} ms as a request does it (those that",
        f"are marked alike share the work). {size:,} relationships whose ends are stored already, in classes that narrow them:",
        f"{looked_up}. Either each end is looked up in each class, or the classes are gone through once, whichever is",
        "less; what the publisher may not see costs no key either way.",
        machine_words(result["machine"]),
        "",
    ]
