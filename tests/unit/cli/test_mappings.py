"""`taxii-hub mappings`: what there is, whether it holds, and taking a change."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from taxii_hub.cli import main
from taxii_hub.keyring import Keyring
from taxii_hub.settings import Settings

NAME = "un_sc_consolidated_xml"
SHIPPED = Settings().mappings_dir


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["mappings", *arguments])


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mapping without code in a folder of its own."""
    source = Path(__file__).parents[1] / "mapping" / "conftest.py"
    text = source.read_text(encoding="utf-8").split('TINY = """\\\n')[1].split('"""')[0]
    folder = tmp_path / "tiny_list"
    (folder / "samples").mkdir(parents=True)
    (folder / "mapping.yaml").write_text(text, encoding="utf-8")
    (folder / "samples" / "one.xml").write_text('<LIST date="2026-01-02"><ROW><REF>1</REF></ROW></LIST>')
    monkeypatch.setenv("TAXII_HUB_MAPPINGS_DIR", str(tmp_path))
    return folder


def test_list_and_show() -> None:
    assert f"{NAME} " in run("list").stdout
    (entry,) = [e for e in json.loads(run("list", "--json").stdout) if e["format"] == NAME]
    assert entry["trusted"] is True
    assert "persons.xml" in entry["samples"]
    assert run("show", NAME).stdout == (SHIPPED / NAME / "README.md").read_text(encoding="utf-8")
    shown = json.loads(run("show", NAME, "--json").stdout)
    assert shown["fields"]["DATAID"]["clean"] == "line"
    assert "SORT_KEY" in shown["ignore"]


def test_an_unknown_name_is_refused() -> None:
    result = run("show", "nope")
    assert result.exit_code == 1
    assert "there is no mapping 'nope'" in result.stderr


def test_check_accept_docs(copied: Path) -> None:
    assert "its code is not trusted" in run("list").stdout
    result = run("check")
    assert result.exit_code == 1
    assert "one.expected.json is missing" in result.stderr
    assert "README.md is not up to date" in result.stderr
    assert "would write" in run("accept", "tiny_list", "--dry-run").stdout
    assert not (copied / "samples" / "one.expected.json").exists()
    assert "wrote" in run("accept", "tiny_list").stdout
    assert run("docs", "--check").exit_code == 1
    assert not (copied / "README.md").exists()
    assert run("docs").exit_code == 0
    assert run("docs", "--check").exit_code == 0
    checked = run("check", "tiny_list")
    assert (checked.exit_code, checked.stdout) == (0, "tiny_list: ok, 1 samples\n")
    readme = (copied / "README.md").read_text(encoding="utf-8")
    assert "not in any sample" in readme
    assert "`no-phones`: `PHONE` (Telephone numbers are not shared.)" in readme


def test_check_shows_what_changed(copied: Path) -> None:
    run("accept", "tiny_list")
    sample = copied / "samples" / "one.xml"
    sample.write_text(sample.read_text().replace(">1<", ">2<"))
    result = run("check")
    assert result.exit_code == 1
    assert "+" in result.stderr
    assert "if this is what you want: `taxii-hub mappings accept`" in result.stderr
    shutil.rmtree(copied)


@pytest.mark.parametrize("container", ["csv", "xlsx"])
def test_template_converts_clean(container: str, tmp_path: Path) -> None:
    path = tmp_path / f"july.{container}"
    assert run("template", "-o", str(path)).exit_code == 0
    made = CliRunner().invoke(main, ["convert", str(path), "--account", str(tmp_path / "account.json")])
    assert (made.exit_code, made.stderr.rpartition(". ")[2]) == (0, "no problems.\n")
    account = json.loads((tmp_path / "account.json").read_text())
    assert account["format"] == f"hub_report_{container}"
    assert account["records"] > 4
    assert account["buckets"]["unlisted"] == account["buckets"]["dropped"] == account["failed_records"] == 0
    types = {made["type"] for made in json.loads(made.stdout_bytes)["objects"]}
    assert {"identity", "sighting", "indicator", "location"} <= types


def test_template_is_printed_and_never_overwrites(tmp_path: Path) -> None:
    shown = run("template").stdout_bytes
    assert shown.startswith(b"\xef\xbb\xbfRecord,")
    path = tmp_path / "mine.csv"
    assert run("template", "--format", "xlsx", "-o", str(path)).exit_code == 0
    assert path.read_bytes().startswith(b"PK")
    result = run("template", "-o", str(path))
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)
    assert path.read_bytes().startswith(b"PK")
    assert "cannot be written" in run("template", "-o", str(tmp_path / "gone" / "x.csv")).stderr


def test_run_and_convert_minimise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pseudonyms are made with the deployment's key; where there is none, nothing is made up."""
    sample = str(SHIPPED / "hub_report_csv" / "samples" / "template.csv")
    monkeypatch.setenv("TAXII_HUB_SECRETS_DIR", str(tmp_path / "secrets"))
    result = run("run", sample, "--minimise", "coarse")
    assert (result.exit_code, "there is no secrets folder" in result.stderr) == (2, True)
    Keyring.open(tmp_path / "secrets", create=True)
    result = run("run", sample, "--minimise", "coarse")
    assert result.exit_code == 0, result.stderr
    assert "Minimised by coarse: dropped: Address (1)," in result.stderr
    assert "Quillfeather" not in result.stdout
    made = CliRunner().invoke(main, ["convert", sample, "--minimise", "coarse"])
    assert made.exit_code == 0
    assert "Minimised by coarse" in made.stderr
    pseudonyms = set(re.findall(r"pseudonym-1-[0-9a-f]{20}", made.stdout))
    assert len(pseudonyms) > 3
    assert pseudonyms == set(re.findall(r"pseudonym-1-[0-9a-f]{20}", result.stdout))
