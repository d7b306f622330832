"""``taxii-hub store backup`` and ``store restore``: the database as one sealed file, and back."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from taxii_hub.cli.acting import operator
from taxii_hub.keyring import Keyring
from taxii_hub.settings import Settings
from taxii_hub.stix import timestamps
from taxii_hub.store.engine import engine_for

if TYPE_CHECKING:
    from taxii_hub.store.backup import Database, Identity
    from taxii_hub.store.backup_evidence import Act
    from taxii_hub.store.backup_file import Manifest
    from taxii_hub.store.backup_restore import Outcome

SHOWN: Final = 50
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_READABLE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
_LOGS: Final = {
    "kept": "it goes on where it stood; nothing of it is lost",
    "export": "it goes on from the export",
    "backup": "it goes on from the backup: what was read and done after that is in no log",
}


@click.command()
@click.argument("file", type=_FILE)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@_json
def backup(file: Path, dry_run: bool, as_json: bool) -> None:
    """Write the whole database as it is now into FILE, beside running hubs.

    One snapshot: a commit is in it whole or not at all. FILE must not exist; it is for its owner only,
    sealed with the hub's secrets, which are not in it. Keep those elsewhere: without them it cannot be
    restored. It holds every object, so it has to be protected like the database.

    Exit codes: 0 written, 1 refused or failed (the reason is on standard error), 2 wrong usage.
    """
    settings = Settings.from_environment()
    if dry_run:
        found = asyncio.run(_counted(settings))
        text = f"would write {file}: {_counts(found)}"
        click.echo(json.dumps({"collections": found}, indent=2) if as_json else text)
        return
    manifest = asyncio.run(_backed_up(settings, file))
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": file.stat().st_size, **_of(manifest)}, indent=2))
        return
    click.echo(
        f"{file}: {manifest.documents} documents as of {timestamps.format(manifest.taken_at)},"
        f" {file.stat().st_size} bytes. The secrets are not in it: back them up apart from it."
    )


@click.command()
@click.argument("file", type=_READABLE, required=False)
@click.option("--replace", is_flag=True, help="Also where the database is not empty: what is there ends.")
@click.option(
    "--audit-export",
    "export",
    type=_READABLE,
    metavar="LOG",
    help="An export of the audit log that is newer than FILE: tells what has to be sent again.",
)
@click.option("--abort", "give_up", is_flag=True, help="Give up a restore that was interrupted.")
@click.option("--dry-run", is_flag=True, help="Read and compare everything, and change nothing.")
@_json
def restore(file: Path | None, give_up: bool, as_json: bool, **how: Any) -> None:
    """Put the database back to what FILE holds. All hubs have to be stopped.

    Nothing is written before all of FILE was read and found whole, and nothing is replaced before all of
    it is loaded; no hub starts meanwhile. A run that was interrupted is finished by the next one, or
    given up with --abort. The clocks of the feeds go on from after everything that may have been given,
    so clients go on polling from where they were.

    What was acknowledged after the backup is listed as to be sent again, where the database that is
    replaced still tells, or --audit-export does.

    Exit codes: 0 restored and nothing is known to be missing, 1 refused or failed (the reason is on
    standard error), 2 wrong usage, 3 restored, but something has to be sent or done again, or nobody knows.
    """
    settings = Settings.from_environment()
    if give_up:
        done = asyncio.run(_aborted(settings))
        click.echo("given up; the database is as it was" if done else "there is no restore to give up")
        return
    if file is None:
        raise click.UsageError("FILE is missing")
    outcome = asyncio.run(_restored(settings, file, **how))
    if as_json:
        click.echo(json.dumps(_report(outcome, how["dry_run"]), indent=2))
    else:
        for line in _lines(outcome, settings.mongodb_database, how["dry_run"]):
            click.echo(line)
    if outcome.evidence.acts or not _known(outcome):
        sys.exit(3)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[tuple[Database, Identity]]:
    from taxii_hub.bootstrap import deployment_of
    from taxii_hub.store.backup import Identity
    from taxii_hub.store.topology import check_topology, connect

    keyring = Keyring.open(settings.secrets, create=False)
    async with engine_for(settings) as uri, connect(uri) as client:
        await check_topology(client)
        yield client[settings.mongodb_database], Identity(keyring, deployment_of(settings, keyring))


async def _counted(settings: Settings) -> dict[str, int]:
    from taxii_hub.store.backup import counted

    async with _database(settings) as (database, _):
        return await counted(database)


async def _backed_up(settings: Settings, file: Path) -> Manifest:
    from taxii_hub.store.backup import back_up

    async with _database(settings) as (database, identity):
        return await back_up(database, file, identity)


async def _aborted(settings: Settings) -> bool:
    from taxii_hub.store.backup_restore import abort

    async with _database(settings) as (database, _):
        return await abort(database)


async def _restored(settings: Settings, file: Path, dry_run: bool, **how: Any) -> Outcome:
    from taxii_hub.bootstrap import INDEXES
    from taxii_hub.store.backup_restore import Order, restore

    async with _database(settings) as (database, identity):
        return await restore(database, Order(file, identity, INDEXES, operator(), **how), dry_run)


def _known(outcome: Outcome) -> bool:
    """Whether something could tell what was done after the backup."""
    return outcome.evidence.continues


def _of(manifest: Manifest) -> dict[str, Any]:
    return {
        "taken_at": timestamps.format(manifest.taken_at),
        "documents": manifest.documents,
        "schema": manifest.schema,
        "catalogue": manifest.catalogue,
        "release": manifest.release,
        "fingerprint": manifest.fingerprint,
        "log_rows": manifest.log,
        "collections": {name: asdict(tally) for name, tally in manifest.collections.items()},
    }


def _report(outcome: Outcome, dry_run: bool) -> dict[str, Any]:
    evidence = outcome.evidence
    return {
        "dry_run": dry_run,
        "backup": _of(outcome.manifest),
        "replaced": dict(outcome.there),
        "finished_an_interrupted_one": outcome.resumed,
        "clocks": {str(feed): timestamps.format(stamp) for feed, stamp in sorted(outcome.clocks.items())},
        "audit_log": outcome.log,
        "known_by": evidence.source if _known(outcome) else None,
        "to_send_again": [_act(act) for act in evidence.unsent],
        "to_do_again": [_act(act) for act in evidence.undone],
    }


def _act(act: Act) -> dict[str, Any]:
    return {
        "kind": act.kind,
        "at": timestamps.format(act.at),
        "agency": act.agency,
        "account": act.account,
        **act.told,
    }


def _lines(outcome: Outcome, database: str, dry_run: bool) -> Iterator[str]:
    manifest, evidence = outcome.manifest, outcome.evidence
    taken = timestamps.format(manifest.taken_at)
    if outcome.there:
        yield f"{'would replace' if dry_run else 'replaced'}: {_counts(outcome.there)}"
    yield f"{'would restore' if dry_run else 'restored'} {database} as of {taken}: {manifest.documents} documents"
    if outcome.clocks:
        earliest = timestamps.format(min(outcome.clocks.values()))
        yield f"clocks: {len(outcome.clocks)} feeds go on, from {earliest} or later"
    yield f"audit log: {_LOGS[outcome.log]}"
    if not _known(outcome):
        yield f"not known: what was acknowledged or done after {taken}; --audit-export with a newer export tells"
        return
    yield f"to be sent again: {len(evidence.unsent)} acknowledged requests that the backup does not hold"
    yield from _listed(evidence.unsent)
    yield f"to be done again: {len(evidence.undone)} other acts"
    yield from _listed(evidence.undone)


def _listed(acts: Sequence[Act]) -> Iterator[str]:
    for act in acts[:SHOWN]:
        who = f"{act.agency} {act.account}" if act.agency else act.account
        told = ", ".join(f"{name} {value}" for name, value in act.told.items())
        yield f"  {timestamps.format(act.at)} {act.kind} by {who}: {told}"
    if len(acts) > SHOWN:
        yield f"  and {len(acts) - SHOWN} more; --json lists all"


def _counts(counts: Any) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) or "nothing"
