"""The catalogue's commands, on the real MongoDB where they need one."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pymongo import MongoClient

from taxii_hub.cli import main
from taxii_hub.cli.acting import author

SHIPPED = Path(__file__).resolve().parents[3] / "collections"
Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files, without names of mappings."""
    copy = tmp_path / "collections"
    shutil.copytree(SHIPPED, copy)
    for path in copy.glob("*.yaml"):
        path.write_text(re.sub(r" *accepts:.*\n", "", path.read_text()))
    return copy


@pytest.fixture
def run(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with these files, and no database to be had."""
    monkeypatch.setenv("TAXII_HUB_COLLECTIONS_DIR", str(folder))
    monkeypatch.setenv("TAXII_HUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", "mongodb://127.0.0.1:1/")

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture
def run_in_force(run: Run, mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command beside a database of its own."""
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("TAXII_HUB_MONGODB_DATABASE", mongodb_database)
    return run


def change(path: Path, text: str, instead: str) -> None:
    assert text in path.read_text()
    path.write_text(path.read_text().replace(text, instead, 1))


def test_check_needs_no_database(run, folder):
    assert (
        run("collections", "check").stdout == "Nothing is wrong: 6 API roots, 24 collections, 15 agencies.\n"
    )
    assert json.loads(run("collections", "check", str(folder), "--json").stdout) == {
        "ok": True,
        "problems": [],
    }


def test_check_tells_every_problem(run, folder):
    change(folder / "g7.yaml", "alias: reports", "alias: indicators")
    change(folder / "sandbox.yaml", "title: Scratch", "titel: Scratch")
    result = run("collections", "check", code=1)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert re.fullmatch(
        r"g7\.yaml:\d+: collections\[2\]\.alias: 'indicators' stands in g7\.yaml:\d+ already; .*", lines[0]
    )
    found = json.loads(run("collections", "check", "--json", code=1).stdout)
    assert found["ok"] is False
    assert [each["source"] for each in found["problems"]] == ["g7.yaml", "sandbox.yaml", "sandbox.yaml"]


def test_check_of_nothing(run, tmp_path):
    assert "cannot be read" in run("collections", "check", str(tmp_path / "none"), code=1).stderr


def test_check_knows_the_mappings(run, folder, tmp_path, monkeypatch):
    change(folder / "sandbox.yaml", "    validation", "    accepts: [some_xml]\n    validation")
    monkeypatch.setenv("TAXII_HUB_MAPPINGS_DIR", str(tmp_path))
    assert "there is no mapping 'some_xml'" in run("collections", "check", code=1).stderr
    (tmp_path / "some_xml").mkdir()
    (tmp_path / "some_xml" / "mapping.yaml").touch()
    run("collections", "check")


def test_list_and_show_of_files(run, folder):
    every = run("collections", "list", "--files", str(folder)).stdout
    assert every.startswith("Proposed by files\n")
    assert len(re.findall(r"^  [a-z-]+ +[0-9a-f-]{36}  ", every, re.MULTILINE)) == 24
    found = json.loads(run("collections", "list", "sandbox", "--files", str(folder), "--json").stdout)
    assert [each["alias"] for each in found] == ["scratch"]
    by_id = run("collections", "show", f"sandbox/{found[0]['id']}", "--files", str(folder), "--json").stdout
    assert json.loads(by_id) == found[0]
    root = json.loads(run("collections", "show", "un-gcts", "--files", str(folder), "--json").stdout)
    assert root["collections"] == [
        "designations",
        "indicators",
        "national-lists",
        "notices",
        "reports",
        "reports-for-siems",
    ]
    words = run("collections", "show", "un-gcts", "--files", str(folder)).stdout
    assert re.search(r"^was +-$", words, re.MULTILINE)
    words = run("collections", "show", "/sandbox/scratch/", "--files", str(folder)).stdout
    assert re.search(r"^retired +no$", words, re.MULTILINE)
    assert re.search(r"^accepts +-$", words, re.MULTILINE)


def test_how_members_stand_is_shown(run, folder):
    words = run("collections", "show", "five-eyes", "--files", str(folder)).stdout
    assert re.search(r"^agreement +title Memorandum .*; purposes border, ct; review 20", words, re.MULTILINE)
    assert re.search(
        r"^  nz-kea +up to restricted; for ct; agreement FE/CT/2025/2 from 2025-03-01 until",
        words,
        re.MULTILINE,
    )
    found = json.loads(run("collections", "show", "five-eyes", "--files", str(folder), "--json").stdout)
    assert found["memberships"][-1]["clearances"] == ["HCS", "SI"]
    assert found["memberships"][-1]["level"] == "secret"
    kea = run("agencies", "show", "nz-kea", "--files", str(folder)).stdout
    assert re.search(r"^  five-eyes +up to restricted; for ct;", kea, re.MULTILINE)


def test_apply_tells_who_gains_and_which_agreements_end(run_in_force, folder):
    first = run_in_force("collections", "apply").stdout
    assert "us-kite gains reading up to secret in five-eyes (was unclassified)\n" in first
    change(folder / "five-eyes.yaml", "level: restricted", "level: confidential")
    change(folder / "five-eyes.yaml", "until: 2040-02-28", "until: 2026-01-31")
    dry = run_in_force("collections", "apply", "--dry-run").stdout.splitlines()
    assert dry[0] == "nz-kea gains reading up to confidential in five-eyes (was restricted)"
    ended = "Note: the agreement of nz-kea in five-eyes (FE/CT/2025/2) ended on 2026-01-31: no access"
    assert ended in dry
    done = json.loads(run_in_force("collections", "apply", "--json").stdout)
    assert done["notices"][0]["ended"] is True
    assert run_in_force("collections", "apply").stdout.startswith("Nothing changes.")


def test_show_of_what_is_not_there(run, folder):
    assert (
        "there is no API root 'gamma'"
        in run("collections", "show", "gamma", "--files", str(folder), code=2).stderr
    )
    result = run("collections", "show", "sandbox/pit", "--files", str(folder), code=2)
    assert "/sandbox/ has no collection 'pit'; it has scratch" in result.stderr


def test_new_writes_a_stanza(run, folder):
    result = run(
        "collections",
        "new",
        "g7",
        "lists",
        "--title",
        "G7 lists",
        "--write",
        "us-kite",
        "--write",
        "jp-tanuki",
    )
    assert "collections apply" in result.stderr
    found = json.loads(run("collections", "show", "g7/lists", "--files", str(folder), "--json").stdout)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found["id"])
    assert (found["title"], found["write"]) == ("G7 lists", ["jp-tanuki", "us-kite"])
    assert found["id"] in result.stdout
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("g7", "reports", "--title", "Again"), "'reports' stands in g7.yaml:"),
        (("g7", "fine", "--title", "A, B"), 'without "." and ","'),
        (("g7", "fine", "--title", "Fine", "--write", "nobody"), "there is no agency 'nobody'"),
        (("g8", "fine", "--title", "Fine"), "g8.yaml: there is no such file"),
    ],
)
def test_new_changes_nothing_when_it_would_be_wrong(run, folder, arguments, words):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert words in run("collections", "new", *arguments, code=1).stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_new_dry_run_and_a_folder_that_cannot_be_written(run, folder, monkeypatch):
    before = (folder / "g7.yaml").read_bytes()
    arguments = ("collections", "new", "g7", "fine", "--title", "Fine")
    assert "alias: fine" in run(*arguments, "--dry-run").stdout
    assert (folder / "g7.yaml").read_bytes() == before
    (folder / ".g7.yaml.new").mkdir()
    assert "cannot be written" in run(*arguments, code=1).stderr
    assert (folder / "g7.yaml").read_bytes() == before


def test_apply(run_in_force, folder):
    assert "no catalogue is in force" in run_in_force("collections", "list", code=1).stderr
    dry = run_in_force("collections", "apply", "--dry-run").stdout
    assert dry.endswith("Dry run: no catalogue is in force.\n")
    assert "hub-lab gains read and write on sandbox/scratch\n" in dry
    first = run_in_force("collections", "apply").stdout
    assert first.endswith("Version 1 is in force: 6 API roots, 24 collections, 15 agencies.\n")
    assert run_in_force("collections", "apply").stdout.startswith("Nothing changes.\nVersion 1 is in force")
    assert run_in_force("collections", "list").stdout.startswith("In force: version 1 (")
    assert json.loads(run_in_force("collections", "show", "sandbox/scratch", "--json").stdout)["number"] > 0

    change(folder / "sandbox.yaml", "write: members", "write: [hub-lab]")
    dry = run_in_force("collections", "apply", "--dry-run").stdout
    assert dry.splitlines()[0] == "au-quoll loses write on sandbox/scratch"
    assert dry.splitlines()[-1] == "Dry run: version 1 stays in force."
    done = json.loads(run_in_force("collections", "apply", str(folder), "--json").stdout)
    assert (done["version"], done["dry_run"], len(done["changes"])) == (2, False, 14)
    assert done["changes"][0] == {
        "kind": "loses",
        "subject": "sandbox/scratch",
        "words": "au-quoll loses write on sandbox/scratch",
        "agency": "au-quoll",
    }


def test_what_apply_refuses(run_in_force, folder, mongodb_uri, mongodb_database):
    run_in_force("collections", "apply")
    number = json.loads(run_in_force("collections", "show", "g7/reports", "--json").stdout)["number"]
    with MongoClient(mongodb_uri) as client:
        client[mongodb_database]["entries"].insert_one({"c": number, "i": "x", "p": 0, "v": 0, "s": 0})
    (folder / "g7.yaml").rename(folder / "seven.yaml")
    for mode in ((), ("--dry-run",)):
        assert "say `was: g7` in seven.yaml" in run_in_force("collections", "apply", *mode, code=1).stderr
    (folder / "seven.yaml").unlink()
    for mode in ((), ("--dry-run",)):
        assert "retire it instead" in run_in_force("collections", "apply", *mode, code=1).stderr
    assert "In force: version 1" in run_in_force("collections", "list").stdout
    change(folder / "sandbox.yaml", "title: Scratch", "title: 1.2")
    assert "sandbox.yaml:" in run_in_force("collections", "apply", code=1).stderr


def test_agencies(run, folder):
    assert "hub-lab          ZZ  " in run("agencies", "list", "--files", str(folder)).stdout
    every = json.loads(run("agencies", "list", "--files", str(folder), "--json").stdout)
    assert len(every) == 15
    lab = run("agencies", "show", "hub-lab", "--files", str(folder)).stdout
    assert re.search(r"^  sandbox/scratch +read-write$", lab, re.MULTILINE)
    found = json.loads(run("agencies", "show", "nz-kea", "--files", str(folder), "--json").stdout)
    assert found["rights"]["interpol/requests"] == "write"
    assert found["rights"]["interpol/notices"] == "read"
    assert "g7/reports" not in found["rights"]
    assert (
        "there is no agency 'ghost'"
        in run("agencies", "show", "ghost", "--files", str(folder), code=2).stderr
    )


def test_who_applies(monkeypatch):
    assert "@" in author()
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert author().startswith("uid 4000000000@")
