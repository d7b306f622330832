"""``taxii-hub objects``: what an origin does with its own objects after they were published."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from taxii_hub.cli.accounts import EXIT_CODES, json_option, with_hub
from taxii_hub.cli.objects_privacy import COMMANDS
from taxii_hub.cli.placing import as_option, in_option, place_of, reason_option, rehearsable
from taxii_hub.exchange import acts
from taxii_hub.exchange import explain as why
from taxii_hub.exchange import withdrawals as following
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.changes import EVERY
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.ingest import target
from taxii_hub.model import Account, VersionFilter
from taxii_hub.policy.reading import LADDER, describe
from taxii_hub.stix import timestamps


@click.group(epilog=EXIT_CODES)
def objects() -> None:
    """What an agency does with its own objects after they were published.

    Every change is a new entry of the feed: clients whose cursor has passed get it, once.
    """


@objects.command(epilog=EXIT_CODES)
@click.argument("object_id", metavar="ID")
@in_option
@as_option
@click.option("--to", "to", multiple=True, required=True, help="Agency, country or group; may be repeated.")
@reason_option
@with_hub
@rehearsable
async def release(hub: Hub, object_id: str, to: tuple[str, ...], reason: str, **place: str) -> None:
    """Let more agencies read the last version of object ID."""
    moved = await acts.release(hub, place_of(hub, **place), object_id, to, reason)
    if moved.proposal is not None:
        click.echo(_proposed(moved.proposal))
        return
    click.echo(f"released to {', '.join(moved.added)}" if moved.added else "they could read it already")


@objects.command(epilog=EXIT_CODES)
@click.argument("object_id", metavar="ID")
@in_option
@as_option
@click.option("--level", type=click.Choice(LADDER), help="The classification.")
@click.option("--audience", multiple=True, help="Agency, country, group or `everyone`; may be repeated.")
@click.option("--origin-only", is_flag=True, help="Nobody but the origin.")
@click.option("--need", "needs", multiple=True, help="A compartment that readers must hold.")
@click.option("--purpose", "purposes", multiple=True, help="A purpose for which it may be read.")
@reason_option
@with_hub
@rehearsable
async def regrade(hub: Hub, object_id: str, reason: str, where: str, agency: str, **asked: Any) -> None:
    """Give the last version of object ID another policy; what is not named stays as it is."""
    place = place_of(hub, where, agency)
    everyone = "everyone" in asked["audience"]
    named = set(asked["audience"]) - {"everyone"}
    grade = acts.Grade(
        level=None if asked["level"] is None else LADDER.index(asked["level"]),
        audience=acts.agencies_named(hub, place, named) if named or asked["origin_only"] else None,
        everyone=everyone,
        needs=frozenset(asked["needs"]) if asked["needs"] else None,
        purposes=frozenset(asked["purposes"]) if asked["purposes"] else None,
    )
    moved = await acts.regrade(hub, place, object_id, grade, reason)
    if moved.proposal is not None:
        click.echo(_proposed(moved.proposal))
        return
    click.echo(f"it is read by: {describe(moved.after)}")


@objects.command(epilog=EXIT_CODES)
@click.argument("object_id", metavar="ID")
@in_option
@as_option
@click.option("--last", is_flag=True, help="The last version only; the one before becomes the last.")
@reason_option
@with_hub
@rehearsable
async def withdraw(hub: Hub, object_id: str, last: bool, reason: str, **place: str) -> None:
    """Take object ID back: it is gone for its readers, and named in their withdrawals."""
    versions = VersionFilter() if last else EVERY
    await acts.withdraw(hub, place_of(hub, **place), object_id, reason, versions)
    click.echo("withdrawn; `taxii-hub objects withdrawals` shows who has acknowledged it")


@objects.command(epilog=EXIT_CODES)
@click.argument("object_id", metavar="ID")
@in_option
@click.option("--as", "agency", metavar="AGENCY", help="The agency that asks why.")
@click.option("--who", is_flag=True, help="Every member, and why it does or does not see it.")
@json_option
@with_hub
async def explain(hub: Hub, object_id: str, where: str, as_json: bool, **asked: Any) -> None:
    """Say who sees object ID, and the clause that decided; nothing of its content is shown."""
    if (asked["agency"] is None) != asked["who"]:
        raise click.UsageError("say --as AGENCY or --who")
    api_root, collection = target(hub, where)
    place = Place(Account("cli", "", frozenset()), api_root, collection)
    agencies = sorted(api_root.members) if asked["who"] else [asked["agency"]]
    found = await why.explain(hub, place, object_id, agencies)
    await hub.audit.act("explain", place.account, collection=collection.id, object=object_id, asked=agencies)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        click.echo("\n".join(_explained(each)))


def _explained(each: why.Explained) -> list[str]:
    until = f", until {each.expires[:10]}" if each.expires else ""
    lines = [
        f"{each.object_id}  version {each.version}",
        f"  published by {each.origin}, added {each.added[:19]}Z",
        f"  read by {each.policy}{until}; set by {each.set_by}",
    ]
    for one in each.clauses:
        more = "".join(f"; duty: {duty}" for duty in one.duties) + (f"; {one.note}" if one.note else "")
        lines.append(f"    {one.term} ({one.row}, {one.marking}): {one.policy}{more}")
    if each.told_apart:
        lines.append(f"  tells persons and facts apart in {', '.join(each.told_apart)}")
    if each.legal_hold:
        lines.append("  under a legal hold: nothing of it is erased")
    lines += [f"  {a.agency:<16} {'yes' if a.reads else 'no '}  {a.reason}" for a in each.answers]
    return lines


@objects.command(epilog=EXIT_CODES)
@in_option
@as_option
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--overdue", is_flag=True, help="Only what somebody should have acted on by now.")
@json_option
@with_hub
async def withdrawals(hub: Hub, limit: int, overdue: bool, as_json: bool, **place: str) -> None:
    """Show what AGENCY withdrew or erased, and which of those who received it have still to act on it."""
    asked = following.overdue if overdue else following.followed
    found = await asked(hub, place_of(hub, **place), limit)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        one = each.lost.withdrawal
        state = f"waiting for {', '.join(each.outstanding)}" if each.outstanding else "acknowledged by all"
        late = "  OVERDUE" if each.overdue else ""
        click.echo(f"{timestamps.format(one.at)[:19]}Z  {one.kind:<9} {one.object_id}  {one.version}")
        click.echo(f"    {one.reason or 'no reason given'}; {state}{late}")
    if not found:
        click.echo("nothing is overdue" if overdue else "nothing was withdrawn")


def _proposed(proposal: str) -> str:
    return (
        f"proposed as {proposal}: nothing has changed yet; liaison officers sign it by "
        "`taxii-hub releases sign`"
    )


for _command in COMMANDS:
    objects.add_command(_command)
