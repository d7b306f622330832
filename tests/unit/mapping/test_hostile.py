"""Files that want to read others, to grow, or to break what reads them: refused or isolated with a located problem,
in bounded memory and time (issue 3, "Done when"; rule R8)."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[3]
MEGABYTES: Final = 300
SECONDS: Final = 20
UN, IOC, XLSX, NOTICE, MISP, STIX = (
    "un_sc_consolidated_xml", "ioc_csv", "hub_report_xlsx", "interpol_notice_json", "misp_event_json", "stix1_xml",
)  # fmt: skip

# function[:mapping that is named] → exit code, a piece of what is said
CASES: Final[dict[str, tuple[int, str]]] = {
    "xxe_file": (2, "xxe_file.xml:2: carries a DOCTYPE, which is never read; remove it"),
    f"xxe_file:{UN}": (2, "carries a DOCTYPE, which is never read; remove it"),
    f"xxe_late:{UN}": (2, "carries a DOCTYPE"),
    "xxe_late": (2, "xxe_late.xml:1: not XML; get the file again"),
    "billion_laughs": (2, "billion_laughs.xml:2: carries a DOCTYPE"),
    f"billion_laughs:{UN}": (2, "carries a DOCTYPE"),
    f"billion_laughs:{STIX}": (2, "DOCTYPE"),
    "quadratic_blowup": (2, "quadratic.xml:2: carries a DOCTYPE"),
    f"quadratic_blowup:{UN}": (2, "carries a DOCTYPE"),
    "external_dtd": (2, "external_dtd.xml:2: carries a DOCTYPE"),
    f"external_dtd:{UN}": (2, "carries a DOCTYPE"),
    "unknown_entity": (2, "unknown_entity.xml:1: not well-formed XML"),
    "xinclude": (2, "xinclude.xml:5: uses XInclude, which is never followed"),
    "utf16_without_mark": (0, "1 record "),
    "latin_claimed_as_utf8": (2, "latin1.xml:7: not well-formed XML (Invalid bytes"),
    "latin_json": (2, "latin1.json:4: not utf-8 text; save the file as UTF-8"),
    "windows_csv": (3, "windows.csv:1: does not say its encoding; it was read as windows-1252"),
    "undefined_csv": (2, "undefined.csv: not windows-1252 text to its end; save"),
    "utf16_csv": (3, "utf16.csv:1: does not say its encoding; it was read as utf-16-le"),
    "truncated_xml": (2, "truncated.xml:43: not well-formed XML"),
    "truncated_json": (2, "truncated.json:295: not JSON (Unterminated string"),
    "truncated_csv": (3, "truncated.csv:3: is no CSV row (unexpected end of data)"),
    "truncated_xlsx": (2, "truncated.xlsx: not a workbook, or a damaged one"),
    f"truncated_xlsx:{XLSX}": (2, "truncated.xlsx: not a workbook, or a damaged one"),
    "blanks_xml": (2, "blanks.xml:6: beyond what a report may be"),
    "blanks_before_xml": (2, "blanks_before.xml:1: begins with nothing but blanks"),
    f"blanks_before_xml:{UN}": (0, "1 record "),
    "blanks_inside_xml": (2, "blanks_inside.xml:5: beyond what a report may be"),
    "blanks_json": (2, "blanks.json: 209715663 bytes; a file of this kind may have 67108864"),
    "blanks_allowed_json": (0, "2 records "),
    f"blanks_only_json:{NOTICE}": (2, "cut it into several"),
    "blanks_csv": (2, "blanks.csv:1000003: more than 1000000 blank rows; remove them"),
    "blanks_line_csv": (2, "blanks_line.csv:2: a line of more than 4194304 bytes"),
    f"zeros:{IOC}": (2, "zeros.csv: 1073741824 bytes; a file of this kind may have"),
    "zip_bomb_ratio": (2, "bomb_ratio.xlsx: xl/worksheets/sheet1.xml grows more than 100 times"),
    f"zip_bomb_ratio:{XLSX}": (2, "grows more than 100 times"),
    f"zip_bomb_lying:{XLSX}": (2, "bomb_lying.xlsx: "),
    "zip_bomb_absolute": (2, "bomb_absolute.xlsx: "),
    "zip_many_parts": (2, "many_parts.xlsx: 5000 parts"),
    "cell_far_off": (2, "far.xlsx: xl/worksheets/sheet1.xml reaches from its first cell to row 1048576"),
    "formulas_csv": (3, "is nothing that an indicator can be made of"),
    "deep_xml": (2, "deep.xml:5: beyond what a report may be (Excessive depth"),
    "deep_xml_allowed": (3, "deep_allowed.xml:5: SDi.1: A/A/A"),
    "deep_json": (2, "nested more than 64 deep; that is no report"),
    "deep_json_outside": (2, "deep_outside.json:1: nested more than 64 deep"),
    f"deep_json:{MISP}": (2, "deep.json: "),
    "field_xml": (2, "field.xml:5: beyond what a report may be"),
    f"field_json:{NOTICE}": (2, "cut it into several"),
    "field_csv": (2, "field.csv:2: a line of more than 4194304 bytes"),
    "lines_csv": (3, "lines.csv:2: is no CSV row (field larger than field limit (131072)); look for a quotation"),
    "nul_xml": (2, "nul.xml:7: not well-formed XML"),
    "nul_json": (3, "nul.json:1: red|2031/2|list: holds half of a character (a lone surrogate) or NUL"),
    "nul_raw_json": (2, "nul_raw.json:1: not JSON (Invalid control character"),
    "nul_csv": (3, "nul.csv:1: holds NUL"),
    f"columns_csv:{IOC}": (2, "columns.csv:1: "),
    "columns_row_csv": (3, "columns_row.csv:2: has more than 4096 cells"),
    "attributes_xml": (2, "attributes.xml:5: an element with more than 1000 attributes"),
    "elements_xml": (2, "elements.xml:5: a record, or what stands around records, of more than 100000 elements"),
    "outside_xml": (2, "outside.xml:4: a record, or what stands around records, of more than 100000"),
    "names_xml": (2, "names.xml:5: elements whose names make a path of more than 4096 characters"),
    "keys_json": (2, "keys.json:1: a record of more than "),
    "names_json": (2, "names.json:1: keys of more than 4096 characters"),
    "outside_json": (2, "outside.json:1: more than 100000 values outside of records"),
    "twice_json": (2, "twice.json:1: a record of more than 100000 values"),
    "digits_json": (2, "digits.json:1: a record of more than 4194304 characters"),
    "empty": (2, "empty.xml:1: is empty"),
}  # fmt: skip


@cache
def results() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.support.hostile_run", folder, *CASES]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return {made["case"]: made for made in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES)
def test_is_refused_or_isolated_with_its_place(case: str) -> None:
    made, (code, said) = results()[case], CASES[case]
    assert made["exit"] == code, made["said"][:500]
    assert said in made["said"]
    assert made["file"] in made["said"] or code == 0
    assert "Traceback" not in made["said"]
    assert bool(made["bundle"]) == (code != 2)


@pytest.mark.parametrize("case", CASES)
def test_costs_little(case: str) -> None:
    made = results()[case]
    assert made["megabytes"] < MEGABYTES
    assert made["seconds"] < SECONDS


def test_nothing_of_another_file_is_told() -> None:
    for made in results().values():
        assert "THE-SECRET" not in made["bundle"] + made["said"]
        assert "from the DTD" not in made["bundle"]


def test_the_good_records_beside_bad_ones_are_there() -> None:
    for case in ("truncated_csv", "columns_row_csv", "nul_csv", "lines_csv"):
        assert re.search(r"kestrel\.example|lark\.example", results()[case]["bundle"])
    assert "\\u0000" not in results()["nul_json"]["bundle"]


def test_formulas_stay_text() -> None:
    """Nothing evaluates them: they are the names of indicators as they were written."""
    names = [o.get("name") for o in json.loads(results()["formulas_csv"]["bundle"])["objects"]]
    assert {"=cmd|' /C calc'!A0", "+1+1", "@SUM(1+1)"} <= set(names)


def test_the_network_is_not_asked(tmp_path: Path) -> None:
    from tests.support import hostile_files, hostile_run

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        path = hostile_files.xxe_network(tmp_path, server.getsockname()[1])
        for mapping in ("", UN, STIX):
            done = hostile_run.converted(path, mapping, tmp_path)
            assert done["exit"] == 2, done["said"]
        with pytest.raises(BlockingIOError):
            server.accept()
