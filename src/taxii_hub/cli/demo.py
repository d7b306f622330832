"""``taxii-hub demo``: a whole hub with invented members and reports, for trying and showing.

The accounts of a demo live in one file, ``demo.json``, so that a second start offers the same ones.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from taxii_hub.bootstrap import open_hub
from taxii_hub.catalog.documents import to_document
from taxii_hub.catalog.loader import load_catalog
from taxii_hub.cli.answering import base_url
from taxii_hub.cli.supervise import APP, Plan, run
from taxii_hub.exchange.account_admin import NewAccount
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import Ingest, ingest
from taxii_hub.mapping.golden import EDITION_OF_SAMPLES
from taxii_hub.mapping.registry import Registry, registry_of
from taxii_hub.settings import Settings

SANDBOX, SCRATCH, SANDBOX_AGENCY = "sandbox", "scratch", "hub-lab"
ALONE = 0.05
"""Seconds that a process trusts its policy classes while there is no other one."""
STAFF = {"demo-admin": "admin", "demo-auditor": "auditor", "demo-liaison": "liaison"}


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--app", default=APP, hidden=True)
def demo(port: int, data: Path, app: str) -> None:
    """Serve a demo hub on 127.0.0.1: own MongoDB, invented members, invented reports.

    Prints a line that starts with "TAXII Hub ready" and has written DATA/demo.json (mode 0600) with
    the accounts. Ends with Ctrl-C; the next start finds everything still there.
    """
    settings = replace(Settings.from_environment(), port=port, data_dir=data, host="127.0.0.1")
    run(Plan(settings, lambda started: prepare(started, data), lambda _: announce(data), app))


async def prepare(settings: Settings, data: Path) -> None:
    """Put the catalogue in force, make the accounts, ingest the sample of every mapping."""
    known = _read(data)
    # Before the first start nobody else reads: new policy classes have not to wait for other processes.
    async with open_hub(settings) if known else open_hub(settings, ALONE) as hub:
        registry = registry_of(settings)
        catalog = load_catalog(settings.collections_dir, frozenset(spec.format for spec in registry))
        await hub.catalogs.apply(to_document(catalog), by="demo")
        accounts = await _accounts(hub, known)
        # demo.json is written last: where it is, the samples are in. Taking them in again would not be
        # without effect, because a list in two shapes (XML and CSV) differs in its details.
        if not known:
            await _ingest_samples(hub, registry)
        _write(data, settings, hub, accounts)


async def announce(data: Path) -> None:
    """The line that scripts wait for."""
    document = _read(data)
    click.echo(
        f"TAXII Hub ready at {document['discovery_url']} (accounts in {data / 'demo.json'}; Ctrl-C ends it)"
    )


async def _accounts(hub: Hub, known: dict[str, Any]) -> list[dict[str, Any]]:
    """One account for each agency, and the staff; those of an earlier start stay as they are."""
    before = {account["user"]: account for account in known.get("accounts", ())}
    there = {record.id for record, _ in await hub.accounts.admin.list() if record.revoked_at is None}
    agencies = [agency.name for agency in hub.catalog.agencies]
    wanted = [NewAccount(name, name, frozenset({"reader", "writer"})) for name in agencies]
    wanted += [NewAccount(name, SANDBOX_AGENCY, frozenset({role})) for name, role in STAFF.items()]
    made = []
    for account in wanted:
        if account.name in before and account.name in there:
            made.append(before[account.name])
            continue
        if account.name in there:
            issued = await hub.accounts.admin.rotate(account.name, overlap=0)
        else:
            issued = await hub.accounts.admin.add(account, agencies)
        made.append(
            {
                "agency": account.agency,
                "user": account.name,
                "password": issued.key.text,
                "roles": sorted(account.roles),
            }
        )
    return made


async def _ingest_samples(hub: Hub, registry: Registry) -> None:
    for api_root in hub.catalog.api_roots:
        for collection in api_root.collections:
            for name in collection.accepts:
                # What files of the format do not say is what their goldens are made with.
                edition = EDITION_OF_SAMPLES if registry.get(name).edition is None else None
                samples = hub.settings.mappings_dir / name / "samples"
                for path in sorted(samples.iterdir()) if samples.is_dir() else ():
                    if not path.name.endswith(".expected.json"):
                        to = f"{api_root.path}/{collection.alias}"
                        # Each sample is a list of its own: none of them is the next edition of another.
                        wanted = Ingest(
                            path,
                            to,
                            min(collection.write),
                            name,
                            source_list=f"{name}/{path.stem}",
                            edition=edition,
                        )
                        await ingest(hub, registry, wanted)


def _read(data: Path) -> dict[str, Any]:
    path = data / "demo.json"
    if not path.exists():
        return {}
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _write(data: Path, settings: Settings, hub: Hub, accounts: list[dict[str, Any]]) -> None:
    """Replace demo.json in one step; it is never readable by others, not even while it is written."""
    root = next(r for r in hub.catalog.api_roots if r.path == SANDBOX)
    scratch = next(c for c in root.collections if c.alias == SCRATCH)
    engineer = next(account for account in accounts if account["user"] == SANDBOX_AGENCY)
    base = base_url(settings)
    document = {
        "discovery_url": f"{base}/taxii2/",
        "accounts": accounts,
        "sandbox": {
            "api_root_url": f"{base}/{SANDBOX}/",
            "collection_id": scratch.id,
            "user": engineer["user"],
            "password": engineer["password"],
        },
    }
    partial = data / "demo.json.new"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(document, file, indent=2)
    shutil.move(partial, data / "demo.json")
