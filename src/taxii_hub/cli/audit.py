"""``taxii-hub audit``: the log of who did what; looking at it, proving it, taking it away."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from taxii_hub.cli.accounts import json_option, with_hub
from taxii_hub.cli.acting import operator
from taxii_hub.cli.audit_views import (
    csv_text,
    disclosure_json,
    leaf_json,
    leaf_line,
    report_json,
    report_lines,
)
from taxii_hub.cli.moments import moment
from taxii_hub.errors import BadRequestError, StoreError
from taxii_hub.exchange.audit_reading import exported, verified
from taxii_hub.exchange.disclosures import DisclosureFilter, disclosures
from taxii_hub.exchange.transparency import report as report_of
from taxii_hub.keyring import Keyring
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.checkpoint import VerifierKey, verifiers_of
from taxii_hub.ledger.export import ExportError, verify_export
from taxii_hub.ledger.findings import Report
from taxii_hub.ledger.transparency import Line, tally_export, text_of
from taxii_hub.settings import Settings
from taxii_hub.stix import timestamps

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

EXIT_CODES = "Exit codes: 0 done; 1 refused or failed, the reason is on standard error; 2 wrong usage."
FILE = click.Path(dir_okay=False, path_type=Path)
READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
since_option = click.option("--since", type=moment, metavar="TIME", help="From that day or moment on (UTC).")
until_option = click.option("--until", type=moment, metavar="TIME", help="Before that day or moment (UTC).")


@click.group(epilog=EXIT_CODES)
def audit() -> None:
    """The log of who read, wrote and did what, which nobody edits quietly.

    docs/audit.md says what is in it, and what a verification proves. No command shows the content of an
    object; every look at the log is itself written into it.
    """


@audit.command()
@click.option(
    "--export", "export_file", type=READABLE, metavar="FILE", help="Verify this file; needs no database."
)
@click.option(
    "--checkpoint",
    "checkpoints",
    type=READABLE,
    multiple=True,
    metavar="FILE",
    help="A checkpoint that was kept elsewhere; may be repeated.",
)
@click.option("--key", type=READABLE, metavar="FILE", help="Public keys, as `audit key` prints them.")
@json_option
def verify(export_file: Path | None, checkpoints: tuple[Path, ...], key: Path | None, as_json: bool) -> None:
    """Look whether a row was changed, added, removed or moved since it was written, and which.

    Exit codes: 0 everything is as it was written; 1 something is not (each thing is named), or the log
    could not be looked at.
    """
    outside = [path.read_text(errors="replace") for path in checkpoints]
    keys = _keys(key)
    if export_file is None:
        _verify_stored(outside=outside, keys=keys, as_json=as_json)
        return
    with export_file.open("rb") as lines:
        try:
            report = verify_export(lines, keys or _own_keys(), outside)
        except ExportError as error:
            raise BadRequestError(f"{export_file}: {error}") from None
    _tell(report, as_json)


@with_hub
async def _verify_stored(hub: Hub, outside: list[str], keys: list[VerifierKey], as_json: bool) -> None:
    await hub.audit.catch_up(sign=False)
    report = await verified(hub.audit, outside, keys)
    await hub.audit.act(
        "audit-read", operator(), what="verify", rows=report.size, findings=len(report.findings)
    )
    _tell(report, as_json)


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report_json(report), indent=2))
    else:
        for line in report_lines(report):
            click.echo(line)
    if not report.sound:
        sys.exit(1)


@audit.command(epilog=EXIT_CODES)
@click.option("-o", "--output", type=FILE, required=True, metavar="FILE", help="Where to; replaced if there.")
@with_hub
async def export(hub: Hub, output: Path) -> None:
    """Write the whole log into FILE, for `audit verify --export` on any machine."""
    await hub.audit.act("audit-export", operator(), file=output.name)
    await _caught_up(hub, sign=True)
    beside = output.with_name(f".{output.name}.new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            async for line in exported(hub.audit):
                file.write(line)
        beside.replace(output)
    except OSError as error:
        raise StoreError(f"{output}: cannot be written ({error.strerror}); choose another -o") from None
    tree = await hub.audit.records.tree()
    click.echo(
        f"{output}: the log up to row {tree.size - 1}. Keep a checkpoint elsewhere (`audit checkpoint`)."
    )


@audit.command(epilog=EXIT_CODES)
@with_hub
async def checkpoint(hub: Hub) -> None:
    """Sign the log as it is now and print that; what is kept elsewhere proves the log later."""
    await _caught_up(hub, sign=True)
    kept = await hub.audit.records.newest_kept()
    click.echo("The log is empty." if kept is None else kept.note, nl=kept is None)


@audit.command(epilog=EXIT_CODES)
@click.option("--kind", "kinds", multiple=True, help="page, empty, publish, gap …; may be repeated.")
@click.option("--account", help="Only what this account did.")
@click.option("--agency", help="Only what accounts of this agency did.")
@since_option
@until_option
@click.option("--after", type=click.IntRange(0), metavar="ROW", help="From the row after that one on.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="So many rows.")
@json_option
@with_hub
async def show(hub: Hub, as_json: bool, after: int | None, limit: int, **wanted: Any) -> None:
    """Show the newest rows, or those after ROW; --json prints one leaf a line."""
    await hub.audit.catch_up(sign=False)
    await hub.audit.act("audit-read", operator(), what="show", asked=_asked(wanted))
    asked = {name: value for name, value in wanted.items() if value}
    first = 0 if after is None else after + 1
    found = RowFilter(first=first, newest=after is None, **asked)
    rows = [row async for row in hub.audit.records.rows(found, limit)]
    for row in sorted(rows, key=lambda each: each.n):
        click.echo(json.dumps(leaf_json(row), ensure_ascii=False) if as_json else leaf_line(row))


@audit.command("disclosures", epilog=EXIT_CODES)
@click.option("--agency", required=True, help="Whose objects.")
@click.option("--object", "object_id", metavar="ID", help="Only this object.")
@since_option
@until_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
@with_hub
async def disclosures_(hub: Hub, agency: str, as_json: bool, as_csv: bool, **wanted: Any) -> None:
    """Show who received which objects of an agency, when and for what purpose."""
    if as_json and as_csv:
        raise click.UsageError("either --json or --csv")
    await hub.audit.flush()
    await hub.audit.catch_up(sign=False)
    await hub.audit.act("audit-read", operator(), what="disclosures", of=agency, asked=_asked(wanted))
    if as_csv:
        click.echo(csv_text(None), nl=False)
    async for each in disclosures(hub.audit.records, DisclosureFilter(agency, **wanted)):
        told = disclosure_json(hub.catalogs, each)
        if as_json:
            click.echo(json.dumps(told))
        elif as_csv:
            click.echo(csv_text(told), nl=False)
        else:
            purpose = f" for {told['purpose']}" if told["purpose"] else ""
            who = f"{told['agency']}/{told['account']}"
            click.echo(
                f"{told['at']}  {who}{purpose}  {told['view']}  {told['collection']}  {told['object']}  {told['version']}"
            )


@audit.command(epilog=EXIT_CODES)
@click.option("--from", "since", type=moment, metavar="TIME", help="From that day or moment on (UTC).")
@click.option("--to", "until", type=moment, metavar="TIME", help="Before that day or moment (UTC).")
@click.option(
    "--export", "export_file", type=READABLE, metavar="FILE", help="Make it of this file; needs no database."
)
@json_option
def report(since: int | None, until: int | None, export_file: Path | None, as_json: bool) -> None:
    """Print the transparency report: how much of what was done, by framework and agency.

    Small numbers are left out, with so many others that subtracting does not find them. The log and an
    export of it give the same; verify the export first.
    """
    if export_file is None:
        _report_stored(since=since, until=until, as_json=as_json)
        return
    with export_file.open("rb") as lines:
        try:
            found = tally_export(lines, since, until).lines()
        except ExportError as error:
            raise BadRequestError(f"{export_file}: {error}") from None
    _tell_report(found, as_json)


@with_hub
async def _report_stored(hub: Hub, since: int | None, until: int | None, as_json: bool) -> None:
    found = await report_of(hub, since, until)
    asked = _asked({"since": since, "until": until})
    await hub.audit.act("audit-read", operator(), what="report", asked=asked)
    _tell_report(found, as_json)


def _tell_report(lines: tuple[Line, ...], as_json: bool) -> None:
    click.echo(json.dumps([asdict(line) for line in lines], indent=2) if as_json else text_of(lines))


@audit.command(epilog=EXIT_CODES)
def key() -> None:
    """Print the public keys that verify the log, the newest first; needs no database."""
    for each in _own_keys():
        click.echo(each.text())


def _own_keys() -> list[VerifierKey]:
    return verifiers_of(Keyring.open(Settings.from_environment().secrets, create=False))


def _keys(path: Path | None) -> list[VerifierKey]:
    if path is None:
        return []
    try:
        keys = [
            VerifierKey.parse(line) for line in path.read_text(errors="replace").splitlines() if line.strip()
        ]
    except ValueError as error:
        raise BadRequestError(f"{path}: {error}; `taxii-hub audit key` prints them") from None
    if not keys:
        raise BadRequestError(f"{path}: there is no key in it; `taxii-hub audit key` prints them")
    return keys


async def _caught_up(hub: Hub, *, sign: bool) -> None:
    """Also where a running hub grows the tree: it does that within two seconds."""
    await hub.audit.settled(sign=sign)


def _asked(wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The options that were given, as a leaf can say them."""
    said = {name: timestamps.format(v) if isinstance(v, int) else v for name, v in wanted.items() if v}
    return said or None
