"""What the Australian list's samples are about."""

from __future__ import annotations

from typing import Any

import pytest

from taxii_hub.mapping.constants import DESIGNATION
from taxii_hub.mapping.golden import converted
from taxii_hub.mapping.registry import load_registry
from taxii_hub.settings import Settings
from tests.mappings.test_hub_report import parts
from tests.support.au_dfat_workbooks import FOLDER, samples

SPEC = load_registry(Settings().mappings_dir).get("au_dfat_xlsx")


@pytest.mark.parametrize("name", samples())
def test_workbooks_are_those_that_the_script_writes(name: str) -> None:
    assert parts((FOLDER / name).read_bytes()) == parts(samples()[name])


def designations(sample: str) -> dict[str, dict[str, Any]]:
    made = converted(SPEC, FOLDER / sample)
    return {
        item["name"]: item["extensions"][DESIGNATION]
        for item in made.objects()
        if DESIGNATION in item.get("extensions", {})
    }


def test_a_number_that_is_used_again_is_somebody_else() -> None:
    found = designations("persons.xlsx")
    assert found["Robin Ashgrove"]["reference"] == found["Ashgrove Relief Society"]["reference"] == "7"
    assert [name["full"] for name in found["Ashgrove Relief Society"]["names"]] == [
        "Ashgrove Relief Society",
        "ARS",
    ]


def test_what_one_name_says_alone_stays_with_it() -> None:
    assert [
        (date["text"], date.get("source"))
        for date in designations("persons.xlsx")["Tamsin Wren"]["birth_dates"]
    ] == [("1967-04-29", None), ("5 Feb. 1970 (this aka only, alt born 5 Feb. 1969", {"key": "3a"})]


@pytest.mark.parametrize(
    ("name", "spans"),
    [
        ("Linnet Number0", [("1961-03-01", "1961-03-01"), ("1960-06-16", "1960-06-16")]),
        ("Linnet Number1", [("1968", "1973")]),
        ("Linnet Number2", [("1965-03-29", "1965-03-29")]),
        ("Linnet Number3", [("1960-12-30", "1960-12-30"), ("1960-12-13", "1960-12-13")]),
        ("Linnet Number4", [("1954", "1955")]),
        ("Linnet Number6", [("1951-01-09", "1951-01-09"), ("1951-02-09", "1951-02-09"), ("1952", "1952")]),
        ("Linnet Number8", [("1974-03-14", "1974-03-14"), ("1970-08-01", "1970-08-01")]),
    ],
)
def test_dates_in_every_spelling_are_read_and_never_padded(name: str, spans: list[tuple[str, str]]) -> None:
    found = designations("spellings.xlsx")[name]["birth_dates"]
    assert [(date["from"], date["to"]) for date in found] == spans
