"""``taxii-hub objects``: retention, erasure, legal holds, reviews, and the search for a person."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from taxii_hub.cli.accounts import EXIT_CODES, dry_run_option, json_option, with_hub
from taxii_hub.cli.placing import (
    as_option,
    in_option,
    officer_before,
    officer_for,
    officer_option,
    place_of,
    reason_option,
    rehearsable,
)
from taxii_hub.exchange import erasing, retention, reviews, subjects

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub

id_argument = click.argument("object_id", metavar="ID")
why_option = click.option("--reason", required=True, help="For the log.")


@click.command(epilog=EXIT_CODES)
@id_argument
@in_option
@as_option
@reason_option
@with_hub
@rehearsable
async def erase(hub: Hub, object_id: str, reason: str, **place: str) -> None:
    """Erase every version and copy of object ID that AGENCY published, and what waits of it.

    Past receivers find it among their withdrawals; docs/privacy.md says where bytes may remain.
    """
    kept = await erasing.erase(hub, place_of(hub, **place), object_id, reason)
    if kept:
        click.echo("nobody reads it any more; a legal hold keeps it until two officers lift that")
        return
    click.echo("erased; `taxii-hub objects withdrawals` shows which of its receivers have acknowledged it")


@click.command("erase-expired", epilog=EXIT_CODES)
@dry_run_option
@json_option
@with_hub
async def erase_expired(hub: Hub, dry_run: bool, as_json: bool) -> None:
    """Erase what is over, in all collections; running hubs do the same every ten minutes."""
    found = await retention.expired(hub)
    if not dry_run:
        await retention.erase_expired(hub)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        held = "  kept under a legal hold" if each.held else ""
        click.echo(f"{each.expired[:10]}  {each.collection}  {each.object_id}  {each.version}{held}")
    number = sum(not each.held for each in found)
    click.echo(f"{number} versions {'would be' if dry_run else 'were'} erased")


@click.command("legal-hold", epilog=EXIT_CODES)
@id_argument
@in_option
@as_option
@officer_option
@click.option("--lift", is_flag=True, help="End it; that takes two officers too.")
@why_option
@with_hub
@rehearsable
async def legal_hold(hub: Hub, object_id: str, reason: str, lift: bool, **where: str) -> None:
    """Keep object ID from being erased, whatever happens to it, until two officers lift the hold.

    In force once a second liaison officer of AGENCY has said the same. What is withdrawn, erased or over
    meanwhile is read by nobody.
    """
    place = officer_before(hub, **where)
    done = await (erasing.lift_hold if lift else erasing.legal_hold)(hub, place, object_id, reason)
    word = "lifted" if lift else "in force"
    click.echo(f"the legal hold is {word}" if done else "noted; a second officer has to say the same")


@click.command("legal-holds", epilog=EXIT_CODES)
@in_option
@as_option
@json_option
@with_hub
async def legal_holds(hub: Hub, as_json: bool, **place: str) -> None:
    """List the legal holds of AGENCY, also those that wait for a second officer."""
    found = await erasing.holds(hub, place_of(hub, **place))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        state = f"in force, set by {' and '.join(each.set_by)}" if each.in_force else "not in force"
        waits = f"; {each.asked_by} asked to {each.waits_for} it" if each.waits_for else ""
        click.echo(f"{each.object_id}  {state}{waits}\n    {each.reason}")
    if not found:
        click.echo("there are none")


@click.command("review-due", epilog=EXIT_CODES)
@in_option
@as_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@with_hub
async def review_due(hub: Hub, limit: int, as_json: bool, **place: str) -> None:
    """List what AGENCY should look at again, the longest due first."""
    found = await reviews.review_due(hub, place_of(hub, **place), limit)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        click.echo(f"{each.due}  {each.object_id}  {each.version}")
    if not found:
        click.echo("nothing is due")


@click.command(epilog=EXIT_CODES)
@id_argument
@in_option
@as_option
@why_option
@with_hub
@rehearsable
async def reviewed(hub: Hub, object_id: str, reason: str, **place: str) -> None:
    """Note that AGENCY looked at object ID and still needs it."""
    due = await reviews.reviewed(hub, place_of(hub, **place), object_id, reason)
    click.echo(f"the next review is due on {due}")


@click.command("subject-search", epilog=EXIT_CODES)
@as_option
@officer_option
@click.option("--name", "names", multiple=True, help="A person's name; may be repeated.")
@click.option("--identifier", "identifiers", multiple=True, help="A document's number and the like.")
@why_option
@json_option
@with_hub
async def subject_search(
    hub: Hub, agency: str, officer: str, reason: str, as_json: bool, **wanted: Any
) -> None:
    """Search what AGENCY published for a person, who received it, and when it is over.

    Only its own objects are looked at. Who is searched for is not written into the log.
    """
    account = officer_for(hub, agency, officer)
    answer = await subjects.subject_search(hub, account, subjects.Subject(**wanted), reason)
    if as_json:
        click.echo(json.dumps(asdict(answer), indent=2))
        return
    for hit in answer.hits:
        until = f"until {hit.expires[:10]}" if hit.expires else "no end"
        state = "waits for release" if hit.waiting else until
        duties = f"; duties: {', '.join(hit.duties)}" if hit.duties else ""
        click.echo(f"{hit.collection}  {hit.object_id}  {hit.version}  {state}{duties}")
        for who, at in hit.receivers:
            click.echo(f"    received by {who}, last {at[:19]}Z")
    bound = "" if answer.complete else "; NOT all, the search reached its bound"
    click.echo(f"{len(answer.hits)} found in {answer.looked_at} versions looked at{bound}")


COMMANDS = (
    erase,
    erase_expired,
    legal_hold,
    legal_holds,
    review_due,
    reviewed,
    subject_search,
)
