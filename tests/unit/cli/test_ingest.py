"""``taxii-hub ingest`` on a real MongoDB: editions, what they change, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from taxii_hub.bootstrap import open_hub
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.cli import main
from taxii_hub.cli.ingest_views import words
from taxii_hub.model import EditionChanges, Outcome, Problem, Receipt, RecordChange, Status
from taxii_hub.settings import Settings
from tests.support.inprocess import AGENCIES, ROOT

LIST = """<CONSOLIDATED_LIST dateGenerated="{}T00:00:00Z"><INDIVIDUALS>{}</INDIVIDUALS></CONSOLIDATED_LIST>"""
PERSON = "<INDIVIDUAL><FIRST_NAME>{}</FIRST_NAME><REFERENCE_NUMBER>{}</REFERENCE_NUMBER></INDIVIDUAL>"

Run = Callable[..., Result]


@pytest.fixture
def cli(mongodb_uri: str, mongodb_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("TAXII_HUB_MONGODB_DATABASE", mongodb_database)
    monkeypatch.setenv("TAXII_HUB_DATA_DIR", str(tmp_path / "data"))
    files = tmp_path / "collections"
    files.mkdir()
    (files / "agencies.yaml").write_text(AGENCIES)
    (files / "test.yaml").write_text(ROOT)

    async def apply() -> None:
        async with open_hub(Settings.from_environment()) as hub:
            await hub.catalogs.apply(to_document(load_catalog(files)), by="test")

    asyncio.run(apply())

    def run(*arguments: object) -> Result:
        options = ["ingest", "--to", "test/strict", "--agency", "gb-owl", *map(str, arguments)]
        return CliRunner().invoke(main, options, catch_exceptions=False)

    return run


def edition(folder: Path, day: str, **people: str) -> Path:
    path = folder / f"{day}.xml"
    records = "".join(PERSON.format(name, ref) for ref, name in people.items())
    path.write_text(LIST.format(day, records))
    return path


def test_a_list_from_edition_to_edition(cli: Run, tmp_path: Path) -> None:
    first = edition(tmp_path, "2026-01-01", A1="ANNA INVENTED", C3="CLARA INVENTED")
    second = edition(tmp_path, "2026-02-01", A1="ANNA RENAMED", D4="DAVID INVENTED")
    begun = cli(first)
    assert begun.exit_code == 0
    assert "edition   2026-01-01T00:00:00.000Z, the first of this list" in begun.stdout
    assert "changes   2 added" in begun.stdout

    shown = cli("--diff", second)
    assert shown.exit_code == 0
    for line in (
        "  added     D4",
        "  changed   A1: identity.name, identity.names",
        "  vanished  C3",
        "  dry run   nothing was stored",
    ):
        assert line in shown.stdout, line

    receipt = json.loads(cli("--json", second).stdout)
    told = receipt["changes"]
    assert (told["added"], [c["record"] for c in told["changed"]], told["vanished"]) == (
        ["D4"],
        ["A1"],
        ["C3"],
    )
    assert receipt["status"]["stored"] == told["new"] + told["versions"] + told["revoked"]

    again = cli(second)
    assert "changes   nothing changed" in again.stdout
    assert "stored 0" in again.stdout
    assert "status" not in again.stdout, "nothing was published"

    late = edition(tmp_path, "2026-01-15", B2="BORIS INVENTED")
    refused = cli(late)
    assert refused.exit_code == 1
    assert "2026-01-15" in refused.stderr
    assert "2026-02-01" in refused.stderr
    unknown = tmp_path / "unknown.bin"
    unknown.write_bytes(b"\x00\x01")
    assert cli(unknown).stderr.count("unknown.bin") == 1
    unknown.unlink()
    assert cli("--list", "another", late).exit_code == 0
    filled = cli("--backfill", late)
    assert filled.exit_code == 0, filled.stderr
    assert "1 revoked" in filled.stdout

    folder = cli("--list", "a folder of editions", tmp_path)
    assert folder.exit_code == 0, folder.stderr
    assert [line.partition(":")[0] for line in folder.stdout.splitlines() if line[0] != " "] == [
        "2026-01-01.xml",
        "2026-01-15.xml",
        "2026-02-01.xml",
    ]


def test_a_receipt_in_words() -> None:
    changes = EditionChanges(
        edition="2026-02-01T00:00:00.000Z",
        previous="2026-01-01T00:00:00.000Z",
        source_list="SDN",
        changed=(RecordChange("A1", ("identity.name", "-relationship")),),
        returned=("B2",),
        missing=("C3",),
        held=("D4",),
        new=1,
        versions=2,
        skipped=3,
    )
    outcomes = (
        Outcome("identity--1", None, ok=False, message="no name"),
        Outcome("identity--2", "v", ok=True, stored=True),
    )
    status = Status("s-1", "gb", "un", "c", 1, outcomes, stored=1)
    problem = Problem(
        "bad-value", "is no date", line=4, record="A1", path="DATE", value="x", remedy="mend it"
    )
    receipt = Receipt("a.xml", "un", 3, 1, 9, 5, (("mapped", 5),), (problem,), status, changes=changes)
    text = words(receipt, details=True)
    for line in (
        "  edition   2026-02-01T00:00:00.000Z of SDN, after 2026-01-01T00:00:00.000Z",
        "  changes   1 changed, 1 returned, 1 missing, 1 held back",
        "  objects   9 made: stored 1, refused 1 (1 new, 2 new versions, 3 not to be changed any more)",
        "  returned  B2",
        "  changed   A1: identity.name, -relationship",
        "  missing   C3: left out; revoked if the next editions leave it out too",
        "  held back D4: a record could not be read, so it counts as there",
        "  refused   identity--1: no name",
        "  problem   line 4, A1, DATE: is no date ('x'): mend it",
        "  status    s-1",
    ):
        assert line in text.splitlines(), line
    many = Receipt("a.xml", "un", 3, 1, 9, 5, (), (problem,) * 25, status)
    assert "… and 5 more" in words(many)


def test_a_receipt_says_loudly_what_would_be_refused() -> None:
    changes = EditionChanges(
        edition="2026-02-01T00:00:00.000Z", vanished=("A1",), lost=412, standing=1003, mass_revocation=True
    )
    text = words(Receipt("a.xml", "un", 3, 1, 9, 5, (), (), None, dry_run=True, changes=changes))
    assert "  ATTENTION 412 of 1003 records that stand are revoked: without --allow-mass-revocation" in text
