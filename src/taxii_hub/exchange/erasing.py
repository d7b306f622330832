"""What an origin's officers do for privacy's sake: erase, and keep from being erased (a legal hold).

An erasure ends every version and copy that the agency published of an object, what waits for release, and
the words of every status about it; its past receivers find it among their withdrawals. A legal hold takes
two officers to set and two to lift; meanwhile what is withdrawn, erased or over is kept where nobody reads
it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.changes import EVERY, apply, change_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.tear_lines import tear_line_ids
from taxii_hub.ledger.leaves import legible
from taxii_hub.model import Account, HoldAsked, LegalHold
from taxii_hub.stix import timestamps

Word = Literal["hold", "lift"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold as its officers see it; ``waits_for``: a second officer's word, to set or to lift it."""

    collection: str
    object_id: str
    reason: str
    in_force: bool
    set_by: tuple[str, ...]
    asked_by: str | None
    asked_at: str
    waits_for: Word | None


def require_officer(account: Account) -> None:
    """Raises ForbiddenError for who is no liaison officer."""
    if "liaison" not in account.roles:
        raise ForbiddenError("this is for accounts with the role liaison")


async def erase(hub: Hub, place: Place, object_id: str, reason: str) -> bool:
    """Erase all that the agency published of an object; True where a legal hold keeps it, unreadable.

    Also in a collection that is retired. Raises NotFoundError, ForbiddenError.
    """
    require_officer(place.account)
    part, derived = tear_line_ids(hub.settings.id_namespace, place.account.agency, object_id)
    whole, *also = [
        replace(await change_of(hub, place, each, EVERY), kind="erase", reason=reason)
        for each in (object_id, derived, part)
    ]
    await apply(hub, replace(whole, also=tuple(also)))
    hold = await hub.privacy.hold_on(place.collection.feed, object_id, place.account.agency)
    return hold is not None and hold.in_force


async def legal_hold(hub: Hub, place: Place, object_id: str, reason: str) -> bool:
    """One officer's word for a legal hold; True when it is the second and the hold is in force.

    Raises NotFoundError for an object that the agency has not published here, BadRequestError.
    """
    require_officer(place.account)
    rows = await hub.feed.standing(place.collection.feed, object_id)
    classes = await hub.feed.classes(place.collection.feed)
    if not any(classes[row.policy].origin == place.account.agency for row in rows):
        raise NotFoundError("there is no such object of this agency in this collection")
    return await _said(hub, place, object_id, "hold", reason)


async def lift_hold(hub: Hub, place: Place, object_id: str, reason: str) -> bool:
    """One officer's word for the end of a legal hold; True when it is the second one."""
    require_officer(place.account)
    return await _said(hub, place, object_id, "lift", reason)


async def holds(hub: Hub, place: Place) -> list[Hold]:
    """The legal holds of the account's agency in a collection, also those that wait for a second word."""
    require_officer(place.account)
    found = await hub.privacy.holds(place.account.agency, place.collection.feed)
    return [_shown(place, each) for each in found]


async def _said(hub: Hub, place: Place, object_id: str, word: Word, reason: str) -> bool:
    account = place.account
    asked = HoldAsked(place.collection.feed, object_id, account.agency, account.id, hub.now(), reason)
    answer = await (hub.privacy.hold(asked) if word == "hold" else hub.privacy.lift(asked))
    if answer == "same-officer":
        raise BadRequestError(
            "this officer has said so already; another liaison officer of the agency has to say it too"
        )
    if answer == "none":
        raise NotFoundError("there is no legal hold on this object")
    if answer == "already":
        raise BadRequestError("the legal hold is in force already")
    await hub.audit.act(
        f"legal-{word}",
        account,
        feed=place.collection.feed,
        collection=place.collection.id,
        object=legible(object_id),
        reason=legible(reason),
        done=answer == "done",
    )
    return answer == "done"


def _shown(place: Place, hold: LegalHold) -> Hold:
    waits: Word | None = None
    if hold.asked_by is not None:
        waits = "lift" if hold.in_force else "hold"
    return Hold(
        collection=place.name,
        object_id=hold.object_id,
        reason=hold.reason,
        in_force=hold.in_force,
        set_by=hold.set_by,
        asked_by=hold.asked_by,
        asked_at=timestamps.format(hold.asked_at),
        waits_for=waits,
    )
