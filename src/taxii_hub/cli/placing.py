"""Which collection a command is about, and on whose behalf."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from taxii_hub.cli.accounts import dry_run_option
from taxii_hub.errors import ForbiddenError, NotFoundError
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.ingest import target
from taxii_hub.model import Account

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

in_option = click.option("--in", "where", required=True, metavar="ROOT/COLLECTION", help="Where it is.")
as_option = click.option("--as", "agency", required=True, metavar="AGENCY", help="On whose behalf.")
reason_option = click.option("--reason", required=True, help="For the log, and for those who lose it.")
officer_option = click.option(
    "--by",
    "officer",
    required=True,
    metavar="ACCOUNT",
    help="The liaison officer's account; its key is asked for, or read from standard input.",
)


def rehearsable(command: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """``--dry-run``: the same command on a hub that decides everything and changes nothing."""

    @dry_run_option
    @functools.wraps(command)
    async def run(hub: Hub, *args: Any, dry_run: bool, **options: Any) -> None:
        from taxii_hub.bootstrap import rehearsing

        if not dry_run:
            await command(hub, *args, **options)
            return
        await command(rehearsing(hub), *args, **options)
        click.echo("(dry run: nothing was changed)")

    return run


def place_of(hub: Hub, where: str, agency: str) -> Place:
    """The operator at the keyboard, on behalf of an agency of the collection's framework."""
    api_root, collection = target(hub, where)
    if agency not in api_root.members:
        raise NotFoundError(
            f"{agency} is no member of {api_root.path}; there are {', '.join(sorted(api_root.members))}"
        )
    return Place(Account("cli", agency, frozenset({"reader", "liaison"})), api_root, collection)


def officer_of(hub: Hub, name: str) -> Account:
    """The account whose key whoever sits here knows: no operator says an officer's word for him.

    Raises UnauthorizedError, ForbiddenError.
    """
    interactive = sys.stdin.isatty()
    key = click.prompt(f"Key of {name}", hide_input=True) if interactive else sys.stdin.readline().strip()
    account = hub.accounts.authenticate(f"Bearer {key}", None, "cli", time.time())
    if account.id != name:
        raise ForbiddenError(f"this key is not one of account {name}")
    return account


def officer_before(hub: Hub, where: str, agency: str, officer: str) -> Place:
    """An officer of the agency before a collection."""
    place = place_of(hub, where, agency)
    return Place(officer_for(hub, agency, officer), place.api_root, place.collection)


def officer_for(hub: Hub, agency: str, name: str) -> Account:
    """The same, where the account must be one of that agency."""
    account = officer_of(hub, name)
    if account.agency != agency:
        raise ForbiddenError(f"{name} is no account of {agency}")
    return account
