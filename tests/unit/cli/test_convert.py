"""`taxii-hub convert`: exit codes, files, and words."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from taxii_hub.cli import main
from taxii_hub.settings import Settings

SAMPLES = Settings().mappings_dir / "un_sc_consolidated_xml" / "samples"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def test_a_clean_file_gives_a_bundle_and_exit_code_0() -> None:
    result = run(SAMPLES / "persons.xml")
    assert result.exit_code == 0
    bundle = json.loads(result.stdout)
    assert bundle["type"] == "bundle"
    assert "spec_version" not in bundle
    assert "3 records" in result.stderr
    assert "no problems" in result.stderr


def test_problems_are_told_line_by_line_with_exit_code_3(tmp_path: Path) -> None:
    bundle, account = tmp_path / "b.json", tmp_path / "a.json"
    result = run(SAMPLES / "odd_values.xml", "-o", bundle, "--account", account)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert (
        "odd_values.xml:10: ATi.961: LISTED_ON = '2015-02-30' is no day of the calendar; correct it"
        in result.stderr
    )
    assert json.loads(bundle.read_text())["type"] == "bundle"
    told = json.loads(account.read_text())
    assert list(told) == [
        "format",
        "format_version",
        "records",
        "failed_records",
        "leaves",
        "buckets",
        "paths",
        "problems",
    ]
    assert len(told["problems"]) == len(result.stderr.splitlines()) - 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_strict_refuses_and_writes_nothing(tmp_path: Path) -> None:
    bundle, account = tmp_path / "b.json", tmp_path / "a.json"
    result = run("--strict", SAMPLES / "odd_values.xml", "-o", bundle, "--account", account)
    assert result.exit_code == 2
    assert "nothing was written" in result.stderr
    assert list(tmp_path.iterdir()) == []
    assert run("--strict", SAMPLES / "persons.xml", "-o", bundle).exit_code == 0


def test_what_cannot_be_converted_has_exit_code_2(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("hello")
    out = tmp_path / "b.json"
    for arguments, message in (
        ([other], "no mapping knows this file"),
        ([tmp_path / "gone.xml"], "cannot be read"),
        ([SAMPLES / "persons.xml", other], "no mapping knows"),
        (["--mapping", "nope", SAMPLES / "persons.xml"], "there is no mapping 'nope'"),
        (["--mapping", "un_sc_consolidated_xml", other], "not well-formed"),
        (["--minimise", "nope", SAMPLES / "persons.xml"], "has no profile"),
        (["--edition", "soon", SAMPLES / "persons.xml"], "edition 'soon'"),
    ):
        result = run(*arguments, "-o", out)  # type: ignore[misc]
        assert result.exit_code == 2
        assert result.stderr.startswith("not converted: ")
        assert message in result.stderr
        assert not out.exists()


def test_an_unwritable_output(tmp_path: Path) -> None:
    result = run(SAMPLES / "empty.xml", "-o", tmp_path / "no" / "b.json")
    assert result.exit_code == 2
    assert "cannot be written (No such file or directory)" in result.stderr


def test_several_files_make_one_bundle(tmp_path: Path) -> None:
    result = run(SAMPLES / "persons.xml", SAMPLES / "regimes.xml", "--account", tmp_path / "a.json")
    ids = [item["id"] for item in json.loads(result.stdout)["objects"]]
    assert len(ids) == len(set(ids))
    assert [account["records"] for account in json.loads((tmp_path / "a.json").read_text())] == [3, 15]


def test_the_receipt_as_json(tmp_path: Path) -> None:
    result = run(SAMPLES / "odd_records.xml", "--json", "-o", tmp_path / "b.json")
    assert result.exit_code == 3
    assert json.loads(result.stderr)["failed_records"] == 2


def test_many_problems_are_cut_short(tmp_path: Path) -> None:
    rows = "".join(
        f"<INDIVIDUAL><REFERENCE_NUMBER>QDi.{i}</REFERENCE_NUMBER><X>y</X></INDIVIDUAL>" for i in range(300)
    )
    source = tmp_path / "many.xml"
    source.write_text(
        f'<CONSOLIDATED_LIST dateGenerated="2026-01-01"><INDIVIDUALS>{rows}</INDIVIDUALS></CONSOLIDATED_LIST>'
    )
    result = run(source, "-o", tmp_path / "b.json")
    assert "… and 100 more problems; --account FILE lists them all" in result.stderr


@pytest.mark.parametrize(("padding", "shown"), [(5 << 20, True), (0, False)])
def test_long_files_show_their_progress_on_a_terminal(tmp_path: Path, padding: int, shown: bool) -> None:
    source = tmp_path / "long.xml"
    source.write_bytes((SAMPLES / "empty.xml").read_bytes() + b"\n" * padding)
    master, slave = pty.openpty()
    command = [
        str(Path(sys.executable).with_name("taxii-hub")),
        "convert",
        str(source),
        "-o",
        str(tmp_path / "b.json"),
    ]
    with subprocess.Popen(command, stderr=slave) as process:
        os.close(slave)
        seen = _read(master)
    os.close(master)
    assert process.returncode == 0
    assert ("100%" in seen) is shown


def _read(terminal: int) -> str:
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # EIO: the other side is closed
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces).decode(errors="replace")


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    """Writing to /dev/null must not put a file in its place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        try:
            result = run(SAMPLES / "persons.xml", "-o", pipe)
            written, _ = reader.communicate(timeout=30)
        finally:
            reader.kill()
    assert result.exit_code == 0
    assert written.startswith(b'{"type":"bundle"')
    assert pipe.is_fifo()
