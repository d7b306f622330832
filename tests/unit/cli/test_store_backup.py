"""``taxii-hub store backup`` and ``store restore`` as an operator meets them: words, JSON, exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pymongo import MongoClient

from taxii_hub.cli import main
from taxii_hub.errors import StoreError
from tests.support.inprocess import opened_hub
from tests.support.probe import indicator
from tests.unit.exchange.test_audit import post

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("TAXII_HUB_MONGODB_DATABASE", mongodb_database)
    monkeypatch.setenv("TAXII_HUB_DATA_DIR", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main, ["store", *arguments])


def test_an_operators_worst_day(run: Run, tmp_path: Path, mongodb_uri: str, mongodb_database: str) -> None:
    async def publish(number: int) -> None:
        async with opened_hub(mongodb_uri, mongodb_database, tmp_path) as hub:
            await post(hub, "gb-owl", *(indicator(n) for n in range(number)))

    file, log = str(tmp_path / "hub.backup"), str(tmp_path / "log.jsonl")
    asyncio.run(publish(3))
    planned = json.loads(run("backup", "--dry-run", "--json", file).stdout)
    assert planned["collections"]["entries"] == 3
    assert "would write" in run("backup", "--dry-run", file).stdout
    assert not Path(file).exists()
    made = run("backup", "--json", file)
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["collections"]["entries"]["documents"] == 3
    assert run("backup", file).exit_code == 1, "an older backup is never written over"
    # Nothing was done since: nothing has to be done again.
    again = run("restore", "--replace", file)
    assert again.exit_code == 0, again.output
    assert "to be sent again: 0" in again.stdout

    asyncio.run(publish(60))
    assert CliRunner().invoke(main, ["audit", "export", "-o", log]).exit_code == 0
    told = run("restore", "--replace", "--dry-run", "--json", file)
    assert told.exit_code == 3
    (unsent,) = json.loads(told.stdout)["to_send_again"]
    assert (unsent["agency"], unsent["account"], unsent["stored"]) == ("gb-owl", "gb-owl-siem", 60)
    with MongoClient(mongodb_uri) as client:
        client.drop_database(mongodb_database)
    unknown = run("restore", "--dry-run", file)
    assert unknown.exit_code == 3
    assert "not known: what was acknowledged" in unknown.stdout
    restored = run("restore", "--audit-export", log, file)
    assert restored.exit_code == 3
    assert "it goes on from the export" in restored.stdout
    assert f"status {unsent['status']}" in restored.stdout
    refused = run("restore", file)
    assert isinstance(refused.exception, StoreError) or refused.exit_code == 1
    assert CliRunner().invoke(main, ["audit", "verify"]).exit_code == 0


def test_what_is_asked_wrongly(run: Run, tmp_path: Path) -> None:
    assert run("restore").exit_code == 2
    assert run("restore", str(tmp_path / "absent")).exit_code == 2
    assert asyncio.run(_secrets(tmp_path)) is None
    assert "there is no restore to give up" in run("restore", "--abort").stdout


async def _secrets(data: Path) -> None:
    from taxii_hub.keyring import Keyring

    Keyring.open(data / "secrets", create=True)
