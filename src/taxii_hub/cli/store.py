"""``taxii-hub store``: the schema's version, the secrets, backups."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from taxii_hub.cli.store_backup import backup, restore
from taxii_hub.keyring import KINDS, Keyring, Kind
from taxii_hub.settings import Settings
from taxii_hub.store.engine import engine_for


@click.group()
def store() -> None:
    """The database's schema, its backups, and the hub's secrets.

    Exit codes: 0 done, 1 refused or failed (the reason is on standard error), 2 wrong usage.
    """


store.add_command(backup)
store.add_command(restore)


@store.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
def migrate(dry_run: bool) -> None:
    """Bring the database's schema to this release; an interrupted run is resumed by the next one."""
    steps = asyncio.run(_migrated(Settings.from_environment(), dry_run))
    for step in steps:
        click.echo(f"{'would do' if dry_run else 'done'}: {step}")
    if not steps:
        click.echo("nothing to do: the schema is up to date")


@store.command()
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def status(as_json: bool) -> None:
    """Show engine, version, schema, pending steps, and the numbers of the keys (never the keys)."""
    found = asyncio.run(_status(Settings.from_environment()))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        if not isinstance(value, list):
            click.echo(f"{name:12} {value}")
            continue
        for item in value or ["none"]:
            shown = (
                item if isinstance(item, str) else f"{item['kind']}: {item['keys']}, newest {item['newest']}"
            )
            click.echo(f"{name:12} {shown}")


@store.command("rotate-key")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
def rotate_key(kind: Kind, dry_run: bool) -> None:
    """Add a key of that KIND, which signs from now on; older ones go on verifying.

    Running hubs on this machine take it over within a second. Copy the secrets folder to the other
    hubs of the same database at once: what is signed with the new key does not verify there before.
    """
    settings = Settings.from_environment()
    keyring = Keyring.open(settings.secrets, create=False)
    if dry_run:
        click.echo(f"would add {kind} key {keyring.newest(kind)[0] + 1} to {settings.secrets}")
        return
    number = keyring.rotate(kind)
    click.echo(f"{kind} key {number} signs from now on; copy {settings.secrets} to the other hubs")


async def _migrated(settings: Settings, dry_run: bool) -> tuple[str, ...]:
    from taxii_hub.bootstrap import prepare

    keyring = Keyring.open(settings.secrets, create=True)
    async with engine_for(settings) as uri:
        return await prepare(settings, uri, keyring, dry_run)


async def _status(settings: Settings) -> dict[str, Any]:
    from taxii_hub.bootstrap import prepare
    from taxii_hub.store.migrations import SCHEMA_VERSION, schema_version
    from taxii_hub.store.topology import check_topology, connect

    keyring = Keyring.open(settings.secrets, create=False)
    async with engine_for(settings) as uri:
        async with connect(uri) as client:
            topology = await check_topology(client)
            version = await schema_version(client[settings.mongodb_database])
        pending = await prepare(settings, uri, keyring, dry_run=True)
    return {
        "engine": topology.engine,
        "version": topology.version,
        "topology": topology.kind,
        "database": settings.mongodb_database,
        "schema": version,
        "known": SCHEMA_VERSION,
        "pending": list(pending),
        "fingerprint": keyring.fingerprint(),
        "keys": [
            {"kind": kind, "keys": len(keyring.all(kind)), "newest": keyring.newest(kind)[0]}
            for kind in KINDS
        ],
    }
