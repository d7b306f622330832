"""Synthetic lists: the invented records of a mapping's sample, over and over, each time with references and
names of their own (what lists say again and again, such as countries and dates, stays)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from taxii_hub.mapping.spec import Spec

_NUMBER: Final = "%N%"


@dataclass(frozen=True, slots=True)
class Recipe:
    """``sample``: which one is repeated. ``key``: where the record's reference stands, ``own``: what every
    record says in its own words: local names of elements (``@`` an attribute), or columns from 0."""

    sample: str
    key: str | int
    own: tuple[str | int, ...]
    head: int = 0


RECIPES: Final = {
    "un_sc_consolidated_xml": Recipe(
        "persons.xml",
        "REFERENCE_NUMBER",
        ("FIRST_NAME", "SECOND_NAME", "ALIAS_NAME", "COMMENTS1", "NUMBER", "STREET"),
    ),
    "us_ofac_enhanced_xml": Recipe(
        "persons.xml",
        "@id",
        ("formattedFullName", "formattedFirstName", "formattedLastName", "documentNumber", "remarks"),
    ),
    "gb_sanctions_list_csv": Recipe("persons.csv", 1, (4, 5, 20, 21, 22, 38), head=2),
    "us_ofac_sdn_csv": Recipe("consolidated", 0, (1,)),
}


def synthesise(spec: Spec, path: Path, size: int) -> None:
    """A list of at least ``size`` bytes (of a report of several files: in the first of them)."""
    recipe = RECIPES[spec.format]
    sample = spec.folder / "samples" / recipe.sample
    if sample.suffix == ".xml":
        head, record, tail = _of_xml(spec, recipe, sample)
        _write(path, size, (head, record, tail))
    elif sample.is_file():
        _write(path, size, (*_of_csv(recipe, sample), ""))
    else:
        path.mkdir(exist_ok=True)
        files = sorted(sample.iterdir(), key=lambda file: -file.stat().st_size)
        count = _write(path / files[0].name, size, (*_of_csv(recipe, files[0]), ""))
        for other in files[1:]:
            head, record = _of_csv(recipe, other)
            (path / other.name).write_text(
                head + "".join(_numbered(record, n) for n in range(count)), "utf-8"
            )


def _write(path: Path, size: int, parts: tuple[str, str, str]) -> int:
    """How many times the records were written."""
    head, record, tail = parts
    times = max(size // len(record.encode()), 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(head)
        file.writelines(_numbered(record, number) for number in range(times))
        file.write(tail)
    return times


def _numbered(record: str, number: int) -> str:
    return record.replace(_NUMBER, f"{number:06d}")


def _of_xml(spec: Spec, recipe: Recipe, sample: Path) -> tuple[str, str, str]:
    root = etree.parse(str(sample)).getroot()
    text = sample.read_text(encoding="utf-8")
    first = next(e for e in root.iter() if etree.QName(e).localname in spec.kinds)
    above = next(first.iterancestors())
    records = [e for e in above if etree.QName(e).localname in spec.kinds]
    for record in records:
        _mark(record, recipe)
    pieces = [etree.tostring(record, encoding="unicode", with_tail=False) + "\n" for record in records]
    name = etree.QName(first).localname
    end = text.rindex(f"</{name}>") + len(f"</{name}>")
    start = text.index(f"<{name}", text.index(f"<{etree.QName(above).localname}") + 1)
    return text[:start], "".join(pieces), text[end:]


def _mark(record: etree._Element, recipe: Recipe) -> None:
    if isinstance(recipe.key, str) and recipe.key[0] == "@":
        record.set(recipe.key[1:], f"9{record.get(recipe.key[1:])}{_NUMBER}")
    for element in record.iter():
        name = etree.QName(element).localname
        if element.text and (name in recipe.own or name == recipe.key):
            element.text = f"{element.text.strip()} {_NUMBER}"


def _of_csv(recipe: Recipe, sample: Path) -> tuple[str, str]:
    rows = list(csv.reader(io.StringIO(sample.read_text(encoding="utf-8"), newline="")))
    body = [[_cell(recipe, at, cell) for at, cell in enumerate(row)] for row in rows[recipe.head :]]
    return _text(rows[: recipe.head]), _text(body)


def _cell(recipe: Recipe, at: int, cell: str) -> str:
    if not cell.strip() or cell.strip() == "-0-":
        return cell
    return f"{cell}{_NUMBER}" if at == recipe.key else f"{cell} {_NUMBER}" if at in recipe.own else cell


def _text(rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
