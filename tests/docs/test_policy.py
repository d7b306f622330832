"""docs/policy.md: its tables are those of the vocabularies, and its worked examples come out as it says."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from taxii_hub.bootstrap import open_hub
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.cli import main
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.ingest import target
from taxii_hub.exchange.publish import publish
from taxii_hub.model import Account
from taxii_hub.policy.extensions import terms_of_releasability
from taxii_hub.settings import Settings
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "policy.md"
EXAMPLE = re.compile(
    r"`([\w-]+)` publishes to `([\w/-]+)`:\n\n```json\n(.*?)```.*?```console\n(.*?)```", re.DOTALL
)


def test_the_tables_are_up_to_date() -> None:
    command = [sys.executable, ROOT / "scripts" / "policy_docs.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_marking_shown_is_understood() -> None:
    (shown,) = re.findall(
        r'"extensions": \{\n    "extension-definition--[\w-]+": (\{.*?\n    \})', PAGE.read_text(), re.DOTALL
    )
    assert terms_of_releasability(orjson.loads(shown))


def examples() -> list[tuple[str, str, str, list[tuple[str, list[str]]]]]:
    found = []
    for agency, where, envelope, console in EXAMPLE.findall(PAGE.read_text()):
        commands: list[tuple[str, list[str]]] = []
        for line in console.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        found.append((agency, where, envelope, commands))
    return found


def fits(told: list[str], shown: list[str]) -> bool:
    """An ellipsis stands for what differs from run to run."""
    patterns = [".*".join(re.escape(part) for part in line.split("…")) for line in shown]
    return len(told) == len(shown) and all(
        re.fullmatch(pattern, line.rstrip()) for pattern, line in zip(patterns, told, strict=True)
    )


@pytest.fixture
def hub(mongodb_uri: str, mongodb_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("TAXII_HUB_MONGODB_DATABASE", mongodb_database)
    monkeypatch.setenv("TAXII_HUB_DATA_DIR", str(tmp_path))

    async def fill() -> None:
        async with open_hub(Settings.from_environment()) as opened:
            await opened.catalogs.apply(to_document(load_catalog(ROOT / "collections")), by="test")
            for agency, where, envelope, _ in examples():
                place = Place(
                    Account("example", agency, frozenset({"reader", "writer"})), *target(opened, where)
                )
                status = await publish(opened, place, envelope.encode(), 1)
                assert all(outcome.ok for outcome in status.outcomes), status.outcomes

    asyncio.run(fill())


def test_the_worked_examples(hub: None) -> None:
    assert len(examples()) == 4
    for _, _, _, commands in examples():
        assert commands
        for command, shown in commands:
            done = CliRunner().invoke(main, shlex.split(command)[1:])
            told = done.output.splitlines()
            assert fits(told, shown), f"$ {command}\n" + done.output
