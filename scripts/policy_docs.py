"""Write the tables of ``docs/policy.md`` from ``policy/vocabularies/*.yaml``; ``--check`` only says whether they are
up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taxii_hub.policy.tables import COMMUNITY, LEVELS, SILENT, Row, Table, names, read, table
from taxii_hub.policy.terms import ORIGIN_COUNTRY

TARGET = Path(__file__).resolve().parent.parent / "docs" / "policy.md"
BEGIN = "<!-- from here on written by scripts/policy_docs.py -->"
ORDER = (
    "tlp1",
    "tlp2",
    "releasability",
    "us-ic",
    "uk",
    "national",
    "europol",
    "interpol",
    "acs",
    "iep",
)


NAMED = {"level": "that level", "purposes": "those purposes", "day": "over after that day"}
"""What the other placeholders of terms fill in."""


def rule(row: Row) -> Iterator[str]:
    """What the row is in the terms of the reading rule."""
    term = row.template
    yield from (words for name, words in NAMED.items() if f"{{{name}}}" in row.term)
    if term.level:
        yield f"level {LEVELS[term.level]}"
    yield from _readers(row)
    if term.purposes is not None:
        yield f"purpose {', '.join(sorted(term.purposes))}"
    if term.hold:
        yield "on hold"
    if term.hold_relayed:
        yield "on hold where its publisher did not make it"
    yield from (f"duty: {duty}" for duty in sorted(term.duties))
    if term.row.startswith(SILENT):
        yield "says nothing about readers"


def _readers(row: Row) -> Iterator[str]:
    filled = {"audience": "for those named", "excluded": "not for those named", "needs": "needs those named"}
    if row.filled is not None:
        yield filled[row.filled]
    audience = row.template.audience
    if audience is not None:
        told = ["the origin's country" if each == ORIGIN_COUNTRY else each for each in sorted(audience)]
        yield f"for {', '.join(told)}" if told else "origin only"
    if row.template.needs:
        yield f"needs {', '.join(sorted(row.template.needs))}"


def example_of(given: Mapping[str, Any], form: str) -> str:
    written = given["as"] if form == "statement" else _flat(given["as"])
    told = [f"`{written}` of {given['origin']}"]
    if given.get("relayed"):
        told.append("made by another")
    if given.get("held"):
        told.append("waits")
    if given.get("reads"):
        told.append(f"read by {', '.join(given['reads'])}")
    if given.get("not"):
        told.append(f"not by {', '.join(given['not'])}")
    return ": ".join([told[0], "; ".join(told[1:])])


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flat(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(_flat(each) for each in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def section(each: Table) -> Iterator[str]:
    yield from (f"### {each.title}", "", " ".join(each.about.split()), "")
    fields = any(row.field for row in each.rows)
    head = "| field | term |" if fields else "| term |"
    yield f"{head} means | rule | source | example |"
    yield "|---" * (6 if fields else 5) + "|"
    for row in each.rows:
        spelt = ", ".join(f"`{spelling}`" for spelling in (row.term, *row.also))
        cells = [f"`{row.field}`", spelt] if fields else [spelt]
        shown = "<br>".join(example_of(one, each.form) for one in row.examples)
        cells += [row.says, "; ".join(rule(row)) or "every reader", row.source, shown]
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    yield ""


def community() -> Iterator[str]:
    data = read(COMMUNITY)
    yield "The examples speak of an invented community; purposes are what each one's requests name."
    yield from ("", "| agency | country | level | compartments | purpose |", "|---|---|---|---|---|")
    for name, each in data["agencies"].items():
        cleared = ", ".join(each.get("clearances", ())) or "none"
        yield f"| {name} | {each['country']} | {each['level']} | {cleared} | {each['purpose']} |"
    groups = (f"{name} = {', '.join(members)}" for name, members in data["groups"].items())
    yield from ("", f"Groups: {'; '.join(groups)}.", "")


def render() -> str:
    if sorted(ORDER) != sorted(names()):
        raise SystemExit("say in ORDER where the new table stands")
    lines = [BEGIN, "", *community()]
    for name in ORDER:
        lines += section(table(name))
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    written = TARGET.read_text()
    text = written.partition(BEGIN)[0] + render()
    if arguments != ["--check"]:
        TARGET.write_text(text)
        return 0
    if written == text:
        return 0
    sys.stderr.write(f"{TARGET.name} is not what the tables say: run python scripts/policy_docs.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
