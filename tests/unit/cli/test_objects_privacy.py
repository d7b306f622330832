"""``taxii-hub objects``, ``agencies record`` and ``audit report`` for those who answer for personal data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from taxii_hub.cli import main
from taxii_hub.exchange.account_admin import NewAccount
from tests.support.inprocess import opened_hub
from tests.support.probe import indicator
from tests.unit.exchange.test_privacy import identity, let, post, read_by

Run = Callable[..., Result]
THING = indicator(0)
PLACE = ("--in", "test/strict", "--as", "gb-owl")
KEYS: dict[str, str] = {}
WHY = ("--reason", "order 12")


@pytest.fixture
def run(tmp_path: Path, mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line beside a database in which gb-owl has shared two objects with us-elk."""

    async def fill() -> None:
        async with opened_hub(mongodb_uri, mongodb_database, tmp_path) as hub:
            await let(hub, review_days=1, retention_days=30)
            agencies = [agency.name for agency in hub.catalog.agencies]
            for name in ("one", "two"):
                who = NewAccount(name, "gb-owl", frozenset({"liaison"}))
                KEYS[name] = (await hub.accounts.admin.add(who, agencies)).key.text
            await post(hub, THING, identity(1, "Jan Novák"))
            await read_by(hub, "us-elk")

    asyncio.run(fill())
    monkeypatch.setenv("TAXII_HUB_MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("TAXII_HUB_MONGODB_DATABASE", mongodb_database)
    monkeypatch.setenv("TAXII_HUB_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> Result:
        """``--by`` an officer gives that officer's key."""
        officer = arguments[arguments.index("--by") + 1] if "--by" in arguments else ""
        return CliRunner().invoke(main, arguments, input=KEYS.get(officer, "none") + "\n")

    return run


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_an_officers_day(run: Run, tmp_path: Path) -> None:
    found = ok(run("objects", "subject-search", "--as", "gb-owl", "--name", "novak jan", "--by", "one", *WHY))
    assert "received by us-elk" in found
    assert "1 found in 2 versions looked at" in found
    hold = ("objects", "legal-hold", THING["id"], *PLACE, *WHY)
    assert "a second officer" in ok(run(*hold, "--by", "one"))
    assert run(*hold, "--by", "one").exit_code == 1
    assert "asked to hold it" in ok(run("objects", "legal-holds", *PLACE))
    assert "in force" in ok(run(*hold, "--by", "two"))
    assert "under a legal hold" in ok(run("objects", "explain", THING["id"], *PLACE))
    erase = ("objects", "erase", THING["id"], *PLACE, *WHY)
    assert "2 versions" not in ok(run("objects", "erase-expired", "--dry-run"))
    for _ in range(2):
        assert "(dry run: nothing was changed)" in ok(run(*erase, "--dry-run"))
    assert "a legal hold keeps it" in ok(run(*erase))
    assert "waiting for us-elk" in ok(run("objects", "withdrawals", *PLACE))
    assert "nothing is overdue" in ok(run("objects", "withdrawals", *PLACE, "--overdue"))
    export = tmp_path / "log"
    ok(run("audit", "export", "-o", str(export)))
    told = json.loads(ok(run("audit", "report", "--export", str(export), "--json")))
    assert {"objects published", "entries read", "erasures"} <= {line["measure"] for line in told}
    assert "erasures" in ok(run("audit", "report", "--from", "2020-01-01"))


def test_nothing_is_due_or_over_on_the_first_day(run: Run) -> None:
    assert "nothing is due" in ok(run("objects", "review-due", *PLACE))
    assert "the next review is due on 2" in ok(run("objects", "reviewed", THING["id"], *PLACE, *WHY))
    assert ok(run("objects", "erase-expired")) == "0 versions were erased\n"
    assert json.loads(ok(run("objects", "erase-expired", "--dry-run", "--json"))) == []
    record = ok(run("agencies", "record", "gb-owl"))
    assert "30 days after publication" in record
    assert json.loads(ok(run("agencies", "record", "gb-owl", "--json")))["controller"] == "gb-owl"
    assert run("agencies", "record", "nobody").exit_code == 2
    search = ("objects", "subject-search", "--as", "us-elk", "--name", "x", *WHY)
    assert "one is no account of us-elk" in run(*search, "--by", "one").output
    assert run(*search, "--by", "nobody").exit_code == 1
