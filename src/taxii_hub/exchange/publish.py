"""The one gate (rule R6): may write → parse → validate → mark → policy → store → audit → notify.

TAXII clients, file ingest and whatever comes later pass through :func:`publish_members`. Every
object has an outcome of its own; one bad object never spoils its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taxii_hub.catalog.lookup import agencies_by_identity
from taxii_hub.errors import NotFoundError
from taxii_hub.exchange.access import Place, require_writing, visibility_of
from taxii_hub.exchange.checking import Checked, Result, refused
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import policed
from taxii_hub.exchange.tear_lines import bytes_of, tear_lines
from taxii_hub.model import Account, ApiRoot, Collection, Outcome, Status
from taxii_hub.policy.holding import signatures_for
from taxii_hub.policy.marking import Marked
from taxii_hub.policy.reading import LADDER
from taxii_hub.policy.retention import over_at
from taxii_hub.stix.validation import version_of
from taxii_hub.store.base import Offer, Publication
from taxii_hub.taxii.envelope import Member, digest, require_room

HOUR = 3600 * 1_000_000


async def publish(hub: Hub, place: Place, body: bytes, requested_at: int) -> Status:
    """Publish the body of a POST. The status is complete, and what it calls a success is durable.

    Raises ForbiddenError, BadEnvelopeError, TooLargeError, UnavailableError.
    """
    require_writing(place)
    async with hub.checking.turn(len(body)):
        members = await hub.checking.parse(body)
        result = await hub.checking.check(hub.validator, place.collection, members, requested_at)
    return await _publish_checked(hub, place, result, requested_at)


async def publish_members(hub: Hub, place: Place, members: Sequence[Member], requested_at: int) -> Status:
    """Publish objects that were parsed already."""
    require_writing(place)
    require_room(len(members))
    async with hub.checking.turn(sum(len(member.data) for member in members)):
        result = await hub.checking.check(hub.validator, place.collection, members, requested_at)
    return await _publish_checked(hub, place, result, requested_at)


async def _publish_checked(hub: Hub, place: Place, result: Result, requested_at: int) -> Status:
    settled, checked = result
    checked = await _parted(hub, place, checked, len(settled) + len(checked))
    policies = await policed(hub, place, [c.value for c in checked])
    above, checked, policies = _admitted(hub, place, checked, policies)
    # Objects that are marked alike share their policy: what follows from it is found out once.
    distinct = {id(each): each for each in policies}
    numbers = await hub.feed.intern(
        place.collection.number, frozenset(each.policy for each in distinct.values())
    )
    classes = {key: (numbers[each.policy], each.expires) for key, each in distinct.items()}
    visibility = await visibility_of(hub, place.account, place.collection)
    terms = _Terms(place.collection, agencies_by_identity(hub.catalog), hub.now())
    publication = Publication(
        id=hub.new_id(),
        collection=place.collection.number,
        collection_id=place.collection.id,
        api_root=place.api_root.path,
        agency=place.account.agency,
        account=place.account.id,
        epoch=hub.catalog.version,
        requested_at=requested_at,
        readable=visibility.classes,
        offers=tuple(
            _offer(item, *classes[id(each)], terms) for item, each in zip(checked, policies, strict=True)
        ),
        settled=(*settled, *above),
    )
    return await hub.feed.commit(_on_hold(hub, publication, place.collection, policies))


async def _parted(hub: Hub, place: Place, checked: list[Checked], first: int) -> list[Checked]:
    """Each object with what the hub publishes beside it, at positions from ``first`` on."""
    lines = {id(each.of): each for each in await tear_lines(hub, place, [c.value for c in checked])}
    found: list[Checked] = []
    for item in checked:
        line = lines.get(id(item.value))
        if line is None:
            found.append(item)
        elif line.part is None or line.link is None:
            found.append(replace(item, note="; ".join(text for text in (item.note, line.note) if text)))
        else:
            found += [item, _beside(item, line.part, first, line.note), _beside(item, line.link, first + 1)]
            first += 2
    return found


def _beside(item: Checked, value: dict[str, Any], position: int, note: str | None = None) -> Checked:
    version, version_text = version_of(value)
    member = Member(value, bytes_of(value))
    return Checked(position, member, value, version, version_text, digest(value), note, item.position)


def _on_hold(
    hub: Hub, publication: Publication, collection: Collection, policies: Sequence[Marked]
) -> Publication:
    """The publication with what has to wait for liaison officers told from the rest."""
    due = hub.now() + collection.release_within_hours * HOUR
    # Only readers of the whole see what connects it with its tear line (it alone has no note), and the
    # whole is fed by then: it needs nobody's word of its own.
    distinct = {id(each): each for each in policies}
    signatures_by = {key: signatures_for(collection, each) for key, each in distinct.items()}
    if not any(signatures_by.values()):
        return publication
    needed = [
        0 if offer.beside is not None and offer.note is None else signatures_by[id(each)]
        for offer, each in zip(publication.offers, policies, strict=True)
    ]
    if not any(needed):
        return publication
    offers = tuple(
        replace(offer, signatures=signatures, proposal=hub.new_id(), due=due) if signatures else offer
        for offer, signatures in zip(publication.offers, needed, strict=True)
    )
    return replace(publication, offers=offers, keep=due)


def _admitted(
    hub: Hub, place: Place, checked: Sequence[Checked], policies: Sequence[Marked]
) -> tuple[list[tuple[int, Outcome]], list[Checked], list[Marked]]:
    """Settle what this hub may not hold and what the collection refuses; the rest goes on."""
    refusals = {key: _refusals(hub, place, each) for key, each in {id(e): e for e in policies}.items()}
    if not any(any(each) for each in refusals.values()):
        return [], list(checked), list(policies)
    settled, rest = [], []
    for item, each in zip(checked, policies, strict=True):
        above, unmarked = refusals[id(each)]
        problem = above or (unmarked if item.value["type"] != "marking-definition" else None)
        if problem is None:
            rest.append((item, each))
        elif item.beside is None:
            settled.append((item.position, refused(item.member, item.position, problem)))
    return settled, [item for item, _ in rest], [each for _, each in rest]


def _refusals(hub: Hub, place: Place, each: Marked) -> tuple[str | None, str | None]:
    """Why nothing that is marked so is taken in, and why nothing but the definition of a marking is."""
    above = unmarked = None
    ceiling = LADDER.index(hub.settings.ceiling)
    if each.policy.level > ceiling:
        above = (
            f"it is marked {LADDER[each.policy.level]}; this hub holds nothing above {LADDER[ceiling]}. "
            "Send it over a network that is cleared for it."
        )
    if place.collection.unmarked == "refuse" and each.unmarked:
        unmarked = (
            "it carries no marking that says who may read it, and this collection takes only what does; "
            "mark the object (object_marking_refs), with TLP for instance"
        )
    return above, unmarked


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for all objects of a request: where and when, and whose identities are agencies'."""

    collection: Collection
    creators: Mapping[str, str]
    now: int


def _offer(item: Checked, policy: int, expires: int | None, terms: _Terms) -> Offer:
    value = item.value
    creator = value.get("created_by_ref")
    return Offer(
        position=item.position,
        id=value["id"],
        type=value["type"],
        version=item.version,
        version_text=item.version_text,
        digest=item.digest,
        data=item.member.data,
        policy=policy,
        creator=terms.creators.get(creator) if isinstance(creator, str) else None,
        note=item.note,
        expires=over_at(terms.collection, value["type"], expires, terms.now),
        beside=item.beside,
    )


async def status(hub: Hub, account: Account, api_root: ApiRoot, status_id: str) -> Status:
    """A status of the last days, for the agency that sent the request. Raises NotFoundError."""
    found = await hub.feed.status(status_id)
    if found is None or found.agency != account.agency or found.api_root != api_root.path:
        raise NotFoundError("there is no status of this id for these credentials")
    return found
