"""Write the samples of ``hub_report_xlsx`` from those of ``hub_report_csv``: the same content as workbooks, a
sheet for each kind of record, days and numbers as such.

    .venv/bin/python -m tests.support.hub_report_workbooks
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Final

from taxii_hub.mapping.workbook import Cell, workbook

MAPPINGS: Final = Path(__file__).resolve().parents[2] / "mappings"
_SHEETS: Final = {
    "person": "Persons",
    "organisation": "Organisations",
    "sighting": "Sightings",
    "indicator": "Indicators",
}
_HEAD: Final = 5
_TEXT: Final = frozenset({"Document number", "Reference", "Value"})


def written(text: str) -> bytes:
    """The workbook with the content of a CSV file of the template."""
    first, *rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    sheets: dict[str, list[list[Cell]]] = {}
    for title in _SHEETS.values():
        mine = [row for row in rows if _SHEETS.get(row[0].casefold(), "Persons") == title]
        columns = [n for n in range(len(first)) if n < _HEAD or any(row[n] for row in mine)]
        if mine:
            sheets[title] = [[first[n] for n in columns]]
            sheets[title] += [[_cell(first[n], row[n]) for n in columns] for row in mine]
    return workbook(sheets)


def _delimiter(text: str) -> str:
    return next(mark for mark in "\t;," if mark in text.splitlines()[0])


def _cell(column: str, text: str) -> Cell:
    if column not in _TEXT and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return date.fromisoformat(text)
    return int(text) if column not in _TEXT and re.fullmatch(r"[1-9][0-9]*", text) else text


def main() -> None:
    """Write every sample."""
    for source in sorted((MAPPINGS / "hub_report_csv" / "samples").glob("*.csv")):
        target = MAPPINGS / "hub_report_xlsx" / "samples" / f"{source.stem}.xlsx"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(written(source.read_bytes().decode("utf-8-sig")))


if __name__ == "__main__":
    main()
