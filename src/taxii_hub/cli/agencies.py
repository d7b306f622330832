"""``taxii-hub agencies``: the members of the catalogue, and what each of them may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from taxii_hub.catalog.lookup import find_agency
from taxii_hub.catalog.record import markdown, record_of
from taxii_hub.catalog.standing import standing_words
from taxii_hub.cli.accounts import EXIT_CODES, json_option
from taxii_hub.cli.collections import files_option, shown_catalog
from taxii_hub.model import Catalog


@click.group(epilog=EXIT_CODES)
def agencies() -> None:
    """The member agencies. They are written in collections/agencies.yaml."""


@agencies.command("list", epilog=EXIT_CODES)
@files_option
@json_option
def list_(files: Path | None, as_json: bool) -> None:
    """List the agencies in force."""
    catalog = shown_catalog(files)
    if as_json:
        click.echo(json.dumps([asdict(agency) for agency in catalog.agencies], indent=2))
        return
    for agency in catalog.agencies:
        roots = " ".join(root.path for root in catalog.api_roots if agency.name in root.members) or "nowhere"
        click.echo(f"{agency.name:<16} {agency.country}  {agency.title}  (member of: {roots})")


@agencies.command(epilog=EXIT_CODES)
@click.argument("name")
@files_option
@json_option
def show(name: str, files: Path | None, as_json: bool) -> None:
    """Show an agency: what it may do in every collection it knows of, and how it stands in each framework."""
    catalog = shown_catalog(files)
    agency = find_agency(catalog, name)
    if agency is None:
        known = ", ".join(each.name for each in catalog.agencies)
        raise click.UsageError(f"there is no agency {name!r}; there are {known}")
    rights = dict(_rights(catalog, name))
    standing = {
        root.path: standing_words(each)
        for root in catalog.api_roots
        for each in root.memberships
        if each.agency == name
    }
    if as_json:
        click.echo(json.dumps(asdict(agency) | {"rights": rights, "standing": standing}, indent=2))
        return
    for key, value in asdict(agency).items():
        click.echo(f"{key:<12}{value or '-'}")
    for collection, right in rights.items():
        click.echo(f"  {collection:<28}{right}")
    for path, words in standing.items():
        click.echo(f"  {path:<28}{words}")


@agencies.command(epilog=EXIT_CODES)
@click.argument("name")
@files_option
@json_option
def record(name: str, files: Path | None, as_json: bool) -> None:
    """Print the record of processing of agency NAME: purposes, recipients, retention, agreements, safeguards.

    As Markdown, made from the catalogue in force.
    """
    catalog = shown_catalog(files)
    agency = find_agency(catalog, name)
    if agency is None:
        known = ", ".join(each.name for each in catalog.agencies)
        raise click.UsageError(f"there is no agency {name!r}; there are {known}")
    found = record_of(catalog, agency)
    click.echo(json.dumps(asdict(found), indent=2) if as_json else markdown(found), nl=as_json)


def _rights(catalog: Catalog, agency: str) -> Iterator[tuple[str, str]]:
    """Collection → ``read``, ``write`` or ``read-write``, as an account with both roles would have it."""
    from taxii_hub.model import Account
    from taxii_hub.policy.grants import access

    account = Account("", agency, frozenset({"reader", "writer"}))
    for root in catalog.api_roots:
        for collection in root.collections:
            right = access(collection, root, account)
            if right != "none":
                yield f"{root.path}/{collection.alias}", right
