"""``taxii-hub releases``: what waits for liaison officers, and what readers ask them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from taxii_hub.cli.accounts import EXIT_CODES, json_option, with_hub
from taxii_hub.cli.placing import officer_of, officer_option, rehearsable
from taxii_hub.errors import HubError, NotFoundError
from taxii_hub.exchange import release_requests
from taxii_hub.exchange import releases as desks
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.release_views import (
    Question,
    Settled,
    Waiting,
    question_view,
    settled_view,
    waiting_view,
)
from taxii_hub.model import Account
from taxii_hub.policy.reading import describe
from taxii_hub.stix import timestamps

as_option = click.option("--as", "agency", required=True, metavar="AGENCY", help="Whose desk.")
limit_option = click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)


@click.group(epilog=EXIT_CODES)
def releases() -> None:
    """What waits for liaison officers of an agency, and what readers ask them.

    Who operates the hub sees what waits, never its content, and signs nothing: signing, refusing, answering
    and looking at content take the key of a liaison officer's account.
    """


@releases.command("list", epilog=EXIT_CODES)
@as_option
@click.option("--settled", is_flag=True, help="What was settled in the last 90 days instead.")
@limit_option
@json_option
@with_hub
async def list_(hub: Hub, agency: str, settled: bool, limit: int, as_json: bool) -> None:
    """Show what waits for the officers of AGENCY, the most urgent first."""
    desk = _desk(hub, agency)
    if settled:
        ended = await desks.ended(hub, desk, limit)
        _print(
            [_document(settled_view(hub, each)) for each in ended],
            [
                f"{_time(each.ended_at)}  {each.result:<9} {each.kind:<8} {each.object_id}  {each.version_text}"
                f"  by {', '.join(each.by)}" + (f": {each.message}" if each.message else "")
                for each in ended
            ],
            as_json,
        )
        return
    found = await desks.waiting(hub, desk, limit)
    shown = [waiting_view(hub, each) for each in found]
    _print([_document(each) for each in shown], [_line(each) for each in shown], as_json)


@releases.command(epilog=EXIT_CODES)
@click.argument("proposal_id", metavar="ID")
@officer_option
@json_option
@with_hub
async def show(hub: Hub, proposal_id: str, officer: str, as_json: bool) -> None:
    """Show one thing that waits with its content, to a liaison officer of its agency."""
    found = await desks.shown(hub, _officer(hub, officer), proposal_id)
    offer = found.proposal.offer
    waits = waiting_view(hub, found.proposal)
    told = {
        **_document(waits),
        "would_be_read_by": describe(found.policy),
        "is_read_by": None if found.was is None else describe(found.was),
        "may_sign": found.may_sign,
        "object": None if offer is None else json.loads(offer.data),
    }
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo(_line(waits))
    click.echo(f"  would be read by: {told['would_be_read_by']}")
    if found.was is not None:
        click.echo(f"  is read by:       {told['is_read_by']}")
    if not found.may_sign:
        click.echo("  this account submitted or signed it; another officer has to sign")
    if told["object"] is not None:
        click.echo(json.dumps(told["object"], indent=2, ensure_ascii=False))


@releases.command(epilog=EXIT_CODES)
@click.argument("proposals", metavar="ID...", nargs=-1, required=True)
@officer_option
@with_hub
@rehearsable
async def sign(hub: Hub, proposals: tuple[str, ...], officer: str) -> None:
    """Sign each ID as one of its officers; the last signature that is needed releases it.

    One that cannot be signed does not keep the others; the exit code is 1 then.
    """
    account = _officer(hub, officer)
    failed = False
    for each in proposals:
        try:
            result = await desks.sign(hub, account, each)
        except HubError as error:
            failed = True
            click.echo(f"{each}: {error}", err=True)
        else:
            more = "" if result == "released" else "; another liaison officer has to sign too"
            click.echo(f"{each}: {result}{more}")
    if failed:
        sys.exit(1)


@releases.command(epilog=EXIT_CODES)
@click.argument("proposal_id", metavar="ID")
@officer_option
@click.option("--reason", required=True, help="Told to the submitter.")
@with_hub
@rehearsable
async def refuse(hub: Hub, proposal_id: str, officer: str, reason: str) -> None:
    """Refuse ID: one refusal ends it."""
    await desks.refuse(hub, _officer(hub, officer), proposal_id, reason)
    click.echo("refused")


@releases.command(epilog=EXIT_CODES)
@as_option
@click.option("--mine", is_flag=True, help="What AGENCY asked itself.")
@limit_option
@json_option
@with_hub
async def requests(hub: Hub, agency: str, mine: bool, limit: int, as_json: bool) -> None:
    """Show what others ask AGENCY to release, the most urgent first."""
    look = release_requests.asked_by if mine else release_requests.concerning
    found = [question_view(hub, each) for each in await look(hub, _desk(hub, agency), limit)]
    _print([_document(each) for each in found], [_question(each) for each in found], as_json)


@releases.command(epilog=EXIT_CODES)
@click.argument("request_id", metavar="ID")
@officer_option
@click.option("--yes/--no", "granted", required=True, help="Release it to the asker's agency, or not.")
@click.option("--words", required=True, help="Told to the asker.")
@with_hub
@rehearsable
async def answer(hub: Hub, request_id: str, officer: str, granted: bool, words: str) -> None:
    """Answer question ID of a reader; a yes takes the signatures that every release takes."""
    account = _officer(hub, officer)
    _, proposal = await release_requests.answer(hub, account, request_id, granted=granted, words=words)
    click.echo(f"answered; the release waits for signatures as {proposal}" if proposal else "answered")


@releases.command(epilog=EXIT_CODES)
@click.argument("object_id", metavar="ID")
@click.option("--in", "where", required=True, metavar="ROOT/COLLECTION", help="Where it may be.")
@as_option
@click.option("--reason", required=True, help="Why AGENCY needs it.")
@with_hub
@rehearsable
async def ask(hub: Hub, object_id: str, where: str, agency: str, reason: str) -> None:
    """Ask on behalf of AGENCY for the release of object ID; the answer does not say whether it exists."""
    root, _, name = where.partition("/")
    wanted = release_requests.Asked(root, name, object_id, reason)
    made = await release_requests.ask(hub, _desk(hub, agency), wanted)
    click.echo(f"asked as {made.id}; it may be answered until {_time(made.due)}")


@releases.command(epilog=EXIT_CODES)
@as_option
@json_option
@with_hub
async def statistics(hub: Hub, agency: str, as_json: bool) -> None:
    """Show how the desk of AGENCY did in the last 90 days."""
    desk = _desk(hub, agency)
    one, two = await desks.figures(hub, desk), await release_requests.figures(hub, desk)
    if as_json:
        click.echo(json.dumps({"releases": asdict(one), "requests": asdict(two)}, indent=2))
        return
    ended = ", ".join(f"{number} {result}" for result, number in one.ended.items()) or "nothing settled"
    click.echo(f"releases  {one.waiting} waiting, {one.pressing} of them due within a day; {ended}")
    click.echo(f"          median time to a decision: {_duration(one.median_seconds)}")
    click.echo(
        f"requests  {two.open} open, {two.granted} granted, {two.denied} denied, {two.no_answer} without answer"
    )
    click.echo(f"          median time to an answer: {_duration(two.median_seconds)}")


def _desk(hub: Hub, agency: str) -> Account:
    """The operator in front of an agency's desk: he sees what lies there, and signs nothing."""
    known = {each.name for each in hub.catalog.agencies}
    if agency not in known:
        raise NotFoundError(f"there is no agency {agency}; there are {', '.join(sorted(known))}")
    return Account("cli", agency, frozenset({"reader", "liaison"}))


def _officer(hub: Hub, name: str) -> Account:
    account = officer_of(hub, name)
    desks.require_officer(account)
    return account


def _document(each: Waiting | Settled | Question) -> dict[str, Any]:
    return {name: value for name, value in asdict(each).items() if value is not None}


def _line(each: Waiting) -> str:
    pressing = "  DUE WITHIN A DAY" if each.pressing else ""
    signed = f"{len(each.signed)} of {each.signatures} signed"
    why = f": {each.reason}" if each.reason else ""
    place = f"{each.api_root}/{each.alias or each.collection}"
    return (
        f"{each.id}  until {_minute(each.deadline)}{pressing}\n"
        f"    {each.kind} {each.object_id}  {each.version}  in {place}, by {each.submitter}, {signed}{why}"
    )


def _question(each: Question) -> str:
    said = f"; {'yes' if each.granted else 'no'}: {each.answer}" if each.answer is not None else ""
    return (
        f"{each.id}  until {_minute(each.deadline)}  {each.state}{said}\n"
        f"    {each.object_id} in {each.api_root}/{each.collection}, asked by {each.agency}: {each.reason}"
    )


def _print(documents: list[dict[str, Any]], lines: list[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
        return
    for line in lines or ["nothing"]:
        click.echo(line)


def _time(microseconds: int) -> str:
    return _minute(timestamps.format(microseconds))


def _minute(timestamp: str) -> str:
    return timestamp[:16] + "Z"


def _duration(seconds: float | None) -> str:
    return "none yet" if seconds is None else f"{seconds / 3600:.1f} hours"
