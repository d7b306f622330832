"""Write the samples of ``au_dfat_xlsx``: invented parties in the shape of the Australian list, a trap each.

.venv/bin/python -m tests.support.au_dfat_workbooks
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from taxii_hub.mapping.workbook import Cell, workbook

FOLDER: Final = Path(__file__).resolve().parents[2] / "mappings" / "au_dfat_xlsx" / "samples"
_2024: Final = (
    "Reference", "Name of Individual or Entity", "Type", "Name Type", "Date of Birth", "Place of Birth",
    "Citizenship", "Address", "Additional Information", "Listing Information", "Committees", "Control Date",
)  # fmt: skip
_2026: Final = (
    "Reference", "Name of Individual or Entity", "Type", "Name Type", "Alias Strength", "Date of Birth",
    "Place of Birth", "Citizenship", "Address", "Additional Information", "Listing Information", "IMO Number",
    "Committees", "Control Date", "Instrument of Designation", "Targeted Financial Sanction", "Travel Ban",
    "Arms Embargo", "Maritime Restriction",
)  # fmt: skip
_QAIDA: Final = "1267/1989/2253 (ISIL (Da'esh) and Al-Qaida)"
_TALIBAN: Final = "1988 (Taliban)"

_QUILL: Final[tuple[Cell, ...]] = (
    "a) Approximately 1955- 1958 b) 1945",
    "a) Larch village, Harrow District b) Port Larch",
    "a) Afghanistan b) Pakistani",
    "a) 12 Harrow Street, Port Larch, Australia (at time of listing) b) Near the old mill",
    "Title: Mullah._x000D_\nBelongs to an invented tribe.",
    "Listed by UN 1267 Committee on 25 January 2001 (amended on 20 December 2005, 9 July and 29 Nov. 2011)",
    "1988 (Taliban) ",
    date(2014, 12, 15),
)
_PERSONS: Final[tuple[tuple[Cell, ...], ...]] = (
    (2, "Hassan QUILLFEATHER", "Individual", "Primary Name", *_QUILL),
    ("2a", "Hasan Quill", "Individual ", "aka ", *_QUILL),
    ("2b", "حسن", "individual", "original Script", *_QUILL),
    (
        "3", "Tamsin Wren", "Individual", "Primary Name", date(1967, 4, 29), "NA", "Egyptian\xa0", "NA",
        "Driver.", "Listed on 16 May 2014", _QAIDA, date(2024, 1, 16),
    ),
    (
        "3a", "Tam Wren", "Individual", "aka", "5 Feb. 1970\xa0(this aka only, alt born 5 Feb. 1969", "N/A",
        "Egyptian", "NA", "Driver, under this name also a cook.", "Listed on 16 May 2014", _QAIDA,
        date(2023, 11, 2),
    ),
    (
        7, "Robin Ashgrove", "Individual", "Primary Name", 1969, None, None, None, None,
        date(2022, 9, 16), "1373 (2001)", date(2022, 9, 16),
    ),
    (
        7, "Ashgrove Relief Society", "Entity", "Primary name", None, None, None,
        "P.O. Box 17, Gaza >> Spain\xa0",
        "Its number was Robin Ashgrove's before.",
        "Instrument of first listing: an invented list 2002 (No 3). Last listed on: 16/09/2022",
        "1373 (2001)", date(2022, 9, 16),
    ),
    (
        "7a", "ARS", "Entity", "aka", None, None, None, "P.O. Box 17, Gaza >> Spain",
        "Its number was Robin Ashgrove's before.",
        "Instrument of first listing: an invented list 2002 (No 3). Last listed on: 16/09/2022",
        "1373 (2001)", date(2022, 9, 16),
    ),
)  # fmt: skip
_DATES: Final = (
    "1/03/1961; 16/06/1960", "Between 1968 and 1973", "1965, 29 March", "30 December 1960  or 13 December 1960",
    "1954-1955", "Approximately 1962-1963", "a) 9 January 1951; b)9 Feb. 1951, c) Approximately 1952",
    "Approximately 1955. For this aka only, alt DOB 01/01/1969", "14 Mar 1974 >> 1 Aug 1970",
)  # fmt: skip
_CITIZENS: Final = (
    "Afghan", "Algerian", "Australian", "British", "Egyptian", "Filipino", "French", "German", "Indian",
    "Indonesian (as at Dec. 2003)", "Iranian", "Iraqi", "Jordanian", "Kenyan", "Kuwaiti", "Lebanese", "Libyan",
    "Malaysian", "Mauritanian", "Moroccan;", "North Korean", "Pakistani", "Palestinian", "Qatari", "Russian",
    "Saudi Arabian", "Somali", "Sudanese", "Syrian", "Tanzanian", "tunisian", "Turkish", "Ukrainian", "Yemeni",
)  # fmt: skip
_KINDS: Final = ("a.k.a.", "Alias", "fka", "F.K.A.", "Formerly known as", "aka", "Original Script")


def _dated() -> list[tuple[Cell, ...]]:
    found: list[tuple[Cell, ...]] = [
        (20 + n, f"Linnet Number{n}", "Individual", "Primary Name", words, None, None, None, None, None,
         _TALIBAN, date(2014, 12, 15))
        for n, words in enumerate(_DATES)
    ]  # fmt: skip
    found.append(
        (40, "Many Passports", "Individual", "Primary", None, None, "; ".join(_CITIZENS), None, None, None,
         _TALIBAN, date(2014, 12, 15))
    )  # fmt: skip
    found += [
        (f"40{letter}", f"Name {letter}", "Individual", kind, None, None, None, None, None, None, _TALIBAN,
         date(2014, 12, 15))
        for letter, kind in zip("abcdefg", _KINDS, strict=True)
    ]  # fmt: skip
    return found


_SHIP: Final[tuple[tuple[Cell, ...], ...]] = (
    (
        "8801", "MV Harrow Star", "Vessel", "Primary Name", None, None, None, None, None, None, None, 9000017,
        "1718 (DPRK)", date(2026, 2, 3), "Invented Instrument 2026", "No", "False", "No", "Yes",
    ),
    (
        "8802", "Corwin Larch", "Individual", "Primary Name", None, 1971, "Sfax, Tunisia", "Tunisia",
        "London, the United Kingdom of Great Britain and Northern Ireland", None,
        "Listed by the Minister on 3 Feb. 2026", None, "Autonomous (Invented)", date(2026, 2, 3),
        "Invented Instrument 2026", "Yes", "true", "No", "False",
    ),
    (
        "8802a", "C. Larch", "Individual", "aka", "Weak", 1971, "Sfax, Tunisia", "Tunisia",
        "London, the United Kingdom of Great Britain and Northern Ireland", None,
        "Listed by the Minister on 3 Feb. 2026", None, "Autonomous (Invented)", date(2026, 2, 3),
        "Invented Instrument 2026", "Yes", "true", "No", "False",
    ),
    (
        "8802b", "The Larch", "Individual", "aka", "Strong", 1971, "Sfax, Tunisia", "Tunisia", None, None,
        None, None, "1373 (2001)", date(2026, 2, 3), None, None, None, None, None,
    ),
)  # fmt: skip
_ODD: Final[tuple[tuple[Cell, ...], ...]] = (
    (
        50, "Odd Cells", "Individual", "Primary Name", "23-Apr-68; 31/02/1970; 1999-02-30", "Larch",
        "Citizenship withdrawn in 2002", "NA", None, "Listed on 31 Feb. 2014 (amended on 45 May 2015)", _TALIBAN,
        date(2014, 12, 15), "blue",
    ),
    ("50a", "Odd Words", "Robot", "nom de guerre", None, None, None, None, None, "40/40/2014", _TALIBAN, "soon", None),
    ("50b", "Odd Type", "Entity", "aka", None, None, None, None, None, None, _TALIBAN, date(2014, 12, 15), None),
    ("51", None, "Individual", "Primary Name", None, None, None, None, None, None, _TALIBAN, date(2014, 12, 15), None),
    (None, "No Reference", "Individual", "Primary Name", None, None, None, None, None, None, _TALIBAN, date(2014, 12, 15), None),
    ("TBA", "No Number", None, "aka", None, None, None, None, None, "Listed on: 33/33/2014", _TALIBAN, date(2014, 12, 15), None),
    (52, "Twice Here", "Individual", "Primary Name", None, None, None, None, None, None, _TALIBAN, date(2014, 12, 15), None),
    (52, "Here Twice", "Individual", "Primary Name", None, None, None, None, None, None, _TALIBAN, date(2014, 12, 15), None),
)  # fmt: skip


def samples() -> dict[str, bytes]:
    """File name → workbook."""
    return {
        "persons.xlsx": workbook({"Sheet1": [list(_2024), *map(list, _PERSONS)]}),
        "spellings.xlsx": workbook({"Sheet1": [list(_2024), *map(list, _dated())]}),
        "layout_2026.xlsx": workbook({"Sheet1": [list(_2026), *map(list, _SHIP)]}),
        "odd_cells.xlsx": workbook({"Sheet1": [[*_2024, "Colour"], *map(list, _ODD)]}),
    }


def main() -> None:
    """Write every sample."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in samples().items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
