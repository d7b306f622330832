"""``taxii-hub accounts``: who may log in, with which key, and what each client last did."""

from __future__ import annotations

import asyncio
import functools
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import click

from taxii_hub.cli.account_views import account_json, key_state, report_json, report_lines, time_text
from taxii_hub.cli.acting import operator
from taxii_hub.cli.narrowing import narrowed, narrowing_lines, narrowing_options, require_held, widened
from taxii_hub.exchange.account_admin import DAY, HOUR, PROFILES, ROLES, IssuedKey, NewAccount
from taxii_hub.exchange.consumer_report import duration, moment, report_on
from taxii_hub.model import ClientProfile
from taxii_hub.settings import Settings
from taxii_hub.store.account_records import Narrowing

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

EXIT_CODES = "Exit codes: 0 done; 1 refused or failed, the reason is on standard error; 2 wrong usage."


def with_hub(command: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs ``command(hub, …)`` beside a running hub, or on a database started for the duration."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from taxii_hub.bootstrap import open_hub

        async def main() -> None:
            async with open_hub(Settings.from_environment()) as hub:
                await command(hub, *args, **kwargs)

        asyncio.run(main())

    return run


dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
days_option = click.option(
    "--expires", type=click.IntRange(1, 3650), metavar="DAYS", help="The key ends after."
)


@click.group(epilog=EXIT_CODES)
def accounts() -> None:
    """Accounts of agencies and their keys.

    An agency holds accounts (one for each client: a SIEM, a TIP, a script), an account holds up to
    two live keys. A change is effective on every running hub within 5 seconds.
    """


@accounts.command(epilog=EXIT_CODES)
@click.argument("name")
@click.option("--agency", required=True, help="An agency of the catalogue in force.")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="May be repeated."
)
@click.option("--client-profile", type=click.Choice(PROFILES), default="standard", show_default=True)
@click.option("--title", help="What the account is for, in words.")
@narrowing_options
@days_option
@dry_run_option
@json_option
@with_hub
async def add(hub: Hub, name: str, agency: str, roles: tuple[str, ...], **more: Any) -> None:
    """Add account NAME and print its key, this once.

    It reads what its agency reads, and less where --level, --clearance and --purpose say so.
    """
    narrowing = narrowed(Narrowing(), more)
    require_held(narrowing, agency, hub.catalog)
    wanted = NewAccount(
        name=name,
        agency=agency,
        roles=frozenset(roles),
        client_profile=more["client_profile"],
        title=more["title"],
        lifetime=_days(more["expires"]),
        narrowing=narrowing,
    )
    known = {known.name for known in hub.catalog.agencies}
    issued = await hub.accounts.admin.add(wanted, known, more["dry_run"], operator())
    what = f"account {name} of agency {agency} (roles: {', '.join(sorted(roles))})"
    _print_issued(f"Added {what}.", issued, more) if not more["dry_run"] else click.echo(
        f"Dry run: {what} would be added. Nothing was changed, no key was made."
    )


@accounts.command(epilog=EXIT_CODES)
@click.argument("name")
@click.option("--overlap", type=click.IntRange(0, 2160), default=24, show_default=True, metavar="HOURS")
@days_option
@dry_run_option
@json_option
@with_hub
async def rotate(hub: Hub, name: str, overlap: int, **more: Any) -> None:
    """Give account NAME a new key; the old one goes on for --overlap hours.

    Without --expires the new key lives as long as the old one was meant to.
    """
    admin = hub.accounts.admin
    issued = await admin.rotate(name, overlap * HOUR, _days(more["expires"]), more["dry_run"], operator())
    old = ", ".join(key.id for key in issued.ending) or "none"
    if more["dry_run"]:
        click.echo(
            f"Dry run: {name} would get a new key; ending within {overlap} h: {old}. Nothing was changed."
        )
        return
    _print_issued(f"Account {name} has a new key. Ending within {overlap} h: {old}.", issued, more)


@accounts.command(epilog=EXIT_CODES)
@click.argument("name")
@click.option("--key", metavar="ID", help="Only this key (its id is the part after thub_).")
@dry_run_option
@with_hub
async def revoke(hub: Hub, name: str, key: str | None, dry_run: bool) -> None:
    """End account NAME for good, with all its keys; or only one key.

    A revoked name is not used again. To let the agency back in, add another account.
    """
    ended = await hub.accounts.admin.revoke(name, key, dry_run, operator())
    what = f"key {key} of account {name}" if key else f"account {name}"
    keys = f"{len(ended)} live key{'' if len(ended) == 1 else 's'}"
    if dry_run:
        click.echo(f"Dry run: {what} would be revoked ({keys}). Nothing was changed.")
        return
    click.echo(f"Revoked {what} ({keys}). It is refused everywhere within 5 seconds.")


@accounts.command("set", epilog=EXIT_CODES)
@click.argument("name")
@click.option("--client-profile", type=click.Choice(PROFILES))
@narrowing_options
@dry_run_option
@with_hub
async def set_(hub: Hub, name: str, client_profile: str | None, dry_run: bool, **more: Any) -> None:
    """Change account NAME: how answers are shaped for its client, and what it reads of its agency's rights.

    standard: by the letter of TAXII. elastic: an empty answer has an empty list `objects`.
    absolute-urls: API roots are always absolute URLs.
    """
    admin = hub.accounts.admin
    account, _ = await admin.get(name)
    narrowing = narrowed(account.narrowing, more)
    if client_profile is None and narrowing == account.narrowing:
        raise click.UsageError("nothing would change; name what is to be set")
    require_held(narrowing, account.agency, hub.catalog)
    start = "Dry run: would set" if dry_run else "Set"
    if client_profile is not None:
        await admin.set_profile(name, cast("ClientProfile", client_profile), dry_run, operator())
        click.echo(f"{start} the client profile of {name} to {client_profile}.")
    if narrowing != account.narrowing:
        await admin.set_narrowing(name, narrowing, dry_run, operator())
        lines = narrowing_lines(narrowing) or ["  all that its agency may read"]
        if widened(account.narrowing, narrowing):
            lines.append("What that opens lies behind its client's cursor: let it walk once from the start.")
        click.echo("\n".join([f"{start} what {name} reads:", *lines]))


@accounts.command("list", epilog=EXIT_CODES)
@json_option
@with_hub
async def list_(hub: Hub, as_json: bool) -> None:
    """List every account with its keys."""
    now = time.time_ns() // 1000
    rows = await hub.accounts.admin.list()
    if as_json:
        click.echo(json.dumps([account_json(account, keys, now) for account, keys in rows], indent=2))
        return
    if not rows:
        click.echo("There are no accounts yet: taxii-hub accounts add NAME --agency A --role reader")
    for account, keys in rows:
        live = sum(key_state(key, now).startswith("live") for key in keys)
        used = max((key.last_used for key in keys if key.last_used), default=None)
        state = "revoked" if account.revoked_at else f"{live} live key{'' if live == 1 else 's'}"
        last = f"used {duration(now - used)} ago" if used else "never used"
        roles = ",".join(sorted(account.roles))
        click.echo(
            f"{account.id:24} {account.agency:12} {roles:24} {account.client_profile:14} {state}, {last}"
        )


@accounts.command(epilog=EXIT_CODES)
@click.argument("name")
@json_option
@with_hub
async def show(hub: Hub, name: str, as_json: bool) -> None:
    """Show account NAME: its keys, its last requests, its lag, what is withheld from it and why.

    What the account last did is up to a second old, when its keys were last used up to ten.
    """
    now = time.time_ns() // 1000
    report = await report_on(hub, name)
    if as_json:
        click.echo(json.dumps(report_json(report, now), indent=2, ensure_ascii=False))
        return
    for line in report_lines(report, now):
        click.echo(line)


def _days(days: int | None) -> int | None:
    return None if days is None else days * DAY


def _print_issued(done: str, issued: IssuedKey, more: dict[str, Any]) -> None:
    if more["as_json"]:
        told = {"account": issued.account, "key_id": issued.key.id, "key": issued.key.text}
        click.echo(json.dumps({**told, "expires_at": time_text(issued.expires_at)}, indent=2))
        return
    ends = "does not expire" if issued.expires_at is None else f"expires {moment(issued.expires_at)}"
    click.echo(f"{done}\n\nIts key, shown this once and kept nowhere:\n\n    {issued.key.text}\n")
    click.echo(
        f"It {ends}. The client sends it as the password of HTTP Basic (any user name), as Bearer or Token,"
    )
    click.echo("or in the header X-API-Key; docs/accounts.md says what to type into which product.")
