"""``taxii-hub audit`` on a real MongoDB: what it shows, what it proves, and its exit codes."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pymongo import MongoClient

from taxii_hub.cli import main
from taxii_hub.ledger.checkpoint import VerifierKey, opened
from tests.support.inprocess import opened_hub
from tests.support.probe import indicator
from tests.unit.exchange.test_audit import get, post

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line beside a database in which two agencies have shared three objects."""

    async def fill() -> None:
        async with opened_hub(mongodb_uri, mongodb_database, tmp_path) as hub:
            await post(hub, "gb-owl", *(indicator(n) for n in range(3)))
            await get(hub, "us-elk")

    asyncio.run(fill())
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("TAXII_HUB_MONGODB_DATABASE", mongodb_database)
    monkeypatch.setenv("TAXII_HUB_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["audit", *arguments])

    return run


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_an_auditors_day(run: Run, tmp_path: Path, mongodb_uri: str, mongodb_database: str) -> None:
    """Look, take a checkpoint and an export away, verify both; then somebody edits."""
    shown = ok(run("show", "--kind", "page"))
    assert "us-elk/us-elk-siem" in shown
    assert "view=objects" in shown
    assert "count=3" in shown
    (page,) = [json.loads(line) for line in ok(run("show", "--agency", "us-elk", "--json")).splitlines()]
    assert (page["kind"], page["count"]) == ("page", 3)
    assert json.loads(ok(run("show", "--after", "0", "--limit", "1", "--json")))["n"] == 1
    assert ok(run("show", "--since", "2999-01-01")) == ""
    assert "no UTC timestamp" in run("show", "--since", "soon").output

    (tmp_path / "keys").write_text(ok(run("key")))
    (tmp_path / "old").write_text(ok(run("checkpoint")))
    keys = [VerifierKey.parse(line) for line in (tmp_path / "keys").read_text().splitlines()]
    assert opened((tmp_path / "old").read_text(), keys).number > 1
    assert ok(run("verify", "--checkpoint", str(tmp_path / "old"))).startswith(
        "Everything is as it was written"
    )
    ok(run("export", "-o", str(tmp_path / "log.jsonl")))
    offline = ("verify", "--export", str(tmp_path / "log.jsonl"), "--checkpoint", str(tmp_path / "old"))
    assert json.loads(ok(run(*offline, "--key", str(tmp_path / "keys"), "--json")))["sound"]
    ok(run(*offline))

    with MongoClient(mongodb_uri) as client:
        client[mongodb_database]["audit_log"].update_one({"k": "page"}, {"$set": {"b": b"{}"}})
        found = run("verify")
        assert found.exit_code == 1
        assert f"row {page['n']} was changed" in found.output
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "log.jsonl").write_bytes(b"".join(lines[:-2]))
    found = run(*offline, "--json")
    assert found.exit_code == 1
    assert json.loads(found.output)["findings"][0]["what"] == "truncated"
    kinds = [
        json.loads(line).get("what")
        for line in ok(run("show", "--kind", "audit-read", "--json")).splitlines()
    ]
    assert kinds.count("verify") == 2
    assert kinds.count("show") >= 4


def test_who_received_what(run: Run) -> None:
    lines = ok(run("disclosures", "--agency", "gb-owl")).splitlines()
    assert [line.split("  ")[1:4] for line in lines] == [["us-elk/us-elk-siem", "objects", "test/strict"]] * 3
    rows = list(csv.DictReader(ok(run("disclosures", "--agency", "gb-owl", "--csv")).splitlines()))
    assert len({row["object"] for row in rows}) == 3
    some = rows[1]["object"]
    (one,) = map(
        json.loads, ok(run("disclosures", "--agency", "gb-owl", "--object", some, "--json")).splitlines()
    )
    assert (one["object"], one["agency"], one["purpose"]) == (some, "us-elk", None)
    assert ok(run("disclosures", "--agency", "fr-coq")) == ""
    assert run("disclosures", "--agency", "gb-owl", "--csv", "--json").exit_code == 2


def test_what_cannot_be_done_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "wrong").write_text("x\n")
    for arguments, words in (
        (("verify", "--export", str(tmp_path / "wrong")), "not that of an audit export"),
        (("verify", "--key", str(tmp_path / "wrong")), "verifier key; `taxii-hub audit key` prints them"),
        (("verify", "--key", str(tmp_path / "empty")), "there is no key in it"),
        (("export", "-o", str(tmp_path / "no" / "log")), "choose another -o"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1
        assert words in result.output
