"""Which collection a command is about, and on whose behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from taxii_hub.errors import BadRequestError, NotFoundError
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.account_admin import account_of
from taxii_hub.exchange.ingest import target
from taxii_hub.model import Account

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

in_option = click.option("--in", "where", required=True, metavar="ROOT/COLLECTION", help="Where it is.")
as_option = click.option("--as", "agency", required=True, metavar="AGENCY", help="On whose behalf.")
reason_option = click.option("--reason", required=True, help="For the log, and for those who lose it.")
officer_option = click.option(
    "--by", "officer", required=True, metavar="ACCOUNT", help="The liaison officer whose word it is."
)


def place_of(hub: Hub, where: str, agency: str) -> Place:
    """The operator at the keyboard, on behalf of an agency of the collection's framework."""
    api_root, collection = target(hub, where)
    if agency not in api_root.members:
        raise NotFoundError(
            f"{agency} is no member of {api_root.path}; there are {', '.join(sorted(api_root.members))}"
        )
    return Place(Account("cli", agency, frozenset({"reader", "liaison"})), api_root, collection)


async def officer_before(hub: Hub, where: str, agency: str, officer: str) -> Place:
    """The same for what takes several persons: each of them says it under an account of his own."""
    record, _ = await hub.accounts.admin.get(officer)
    if record.agency != agency or record.revoked_at is not None or "liaison" not in record.roles:
        raise BadRequestError(f"{officer} is no account of {agency} with the role liaison")
    place = place_of(hub, where, agency)
    return Place(account_of(record), place.api_root, place.collection)
