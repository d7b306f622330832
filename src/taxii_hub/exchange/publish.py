"""The one gate (rule R6): may write → parse → validate → mark → policy → store → audit → notify.

TAXII clients, file ingest and whatever comes later pass through :func:`publish_members`. Every
object has an outcome of its own; one bad object never spoils its neighbours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taxii_hub.catalog.lookup import agencies_by_identity
from taxii_hub.errors import NotFoundError, TooLargeError
from taxii_hub.exchange.access import Place, require_writing, visibility_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import policed
from taxii_hub.exchange.tear_lines import bytes_of, tear_lines
from taxii_hub.model import Account, ApiRoot, Collection, Outcome, Status
from taxii_hub.policy.holding import signatures_for
from taxii_hub.policy.marking import Marked
from taxii_hub.policy.reading import LADDER
from taxii_hub.policy.retention import over_at
from taxii_hub.stix.findings import Finding
from taxii_hub.stix.validation import Validator, version_of
from taxii_hub.store.base import Offer, Publication
from taxii_hub.taxii.envelope import Member, digest, parse_envelope

MAX_OBJECTS = 30_000
"""Objects in one envelope: their outcomes have to fit into one status document of 16 MB."""
IN_THREAD_BYTES = 128 * 1024
MESSAGE_LENGTH = 500
HOUR = 3600 * 1_000_000
MESSAGES_LENGTH = 5_000_000


@dataclass(frozen=True, slots=True)
class Checked:
    """One object that may be stored; ``note`` tells what is worth knowing though it was accepted.
    ``beside``: the position of the object that the hub publishes it with, of itself."""

    position: int
    member: Member
    value: Mapping[str, Any]
    version: int | None
    version_text: str | None
    digest: bytes
    note: str | None
    beside: int | None = None


async def publish(hub: Hub, place: Place, body: bytes, requested_at: int) -> Status:
    """Publish the body of a POST. The status is complete, and what it calls a success is durable.

    Raises ForbiddenError, BadEnvelopeError, TooLargeError, UnavailableError.
    """
    require_writing(place)
    members = await _off_loop(len(body), lambda: parse_envelope(body))
    return await publish_members(hub, place, members, requested_at)


async def publish_members(hub: Hub, place: Place, members: Sequence[Member], requested_at: int) -> Status:
    """Publish objects that were parsed already."""
    require_writing(place)
    if len(members) > MAX_OBJECTS:
        raise TooLargeError(
            f"an envelope may hold {MAX_OBJECTS} objects; this one has {len(members)}. Send it in parts."
        )
    size = sum(len(member.data) for member in members)
    settled, checked = await _off_loop(
        size, lambda: check_members(hub.validator, place.collection, members, requested_at)
    )
    checked = await _parted(hub, place, checked, len(members))
    policies = await policed(hub, place, [c.value for c in checked])
    above, checked, policies = _admitted(hub, place, checked, policies)
    numbers = await hub.feed.intern(place.collection.number, frozenset(each.policy for each in policies))
    visibility = await visibility_of(hub, place.account, place.collection)
    creators = agencies_by_identity(hub.catalog)
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
            replace(
                _offer(item, numbers[each.policy], creators),
                expires=over_at(place.collection, item.value["type"], each.expires, hub.now()),
            )
            for item, each in zip(checked, policies, strict=True)
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
    needed = [
        0 if offer.beside is not None and offer.note is None else signatures_for(collection, each)
        for offer, each in zip(publication.offers, policies, strict=True)
    ]
    if not any(needed):
        return publication
    offers = tuple(
        replace(offer, signatures=signatures, proposal=hub.new_id(), due=due) if signatures else offer
        for offer, signatures in zip(publication.offers, needed, strict=True)
    )
    return replace(publication, offers=offers, keep=due)


def check_members(
    validator: Validator, collection: Collection, members: Sequence[Member], now: int
) -> tuple[list[tuple[int, Outcome]], list[Checked]]:
    """Settle what cannot be stored, by the collection's validation mode; the rest goes on."""
    settled: list[tuple[int, Outcome]] = []
    checked: list[Checked] = []
    longest = min(MESSAGE_LENGTH, MESSAGES_LENGTH // max(1, len(members)))
    for position, member in enumerate(members):
        problem, findings = _examined(validator, collection, member, now)
        if findings and collection.validation == "strict":
            problem = _words(findings, longest, "must")
        value = member.value
        if problem is not None or value is None:
            settled.append((position, _refused(member, position, (problem or "not a JSON object")[:longest])))
            continue
        note = _words(findings, longest, "must", "should") if findings else None
        checked.append(Checked(position, member, value, *version_of(value), digest(value), note))
    return settled, checked


def _examined(
    validator: Validator, collection: Collection, member: Member, now: int
) -> tuple[str | None, Sequence[Finding]]:
    """What forbids to store a member anywhere, and what a collection that validates makes of."""
    if member.problem is not None or member.value is None:
        return member.problem, ()
    problem = validator.floor(member.value)
    if problem is not None or collection.validation == "off":
        return problem, ()
    return None, validator.above_the_floor(member.value, now)


def _words(findings: Sequence[Finding], longest: int, *levels: str) -> str | None:
    words = [f"{f.path}: {f.message}" if f.path else f.message for f in findings if f.level in levels]
    text = "; ".join(words)
    return (text if len(text) <= longest else text[: longest - 1] + "…") or None


def _refused(member: Member, position: int, problem: str) -> Outcome:
    value = member.value or {}
    given = value.get("id")
    known = given if isinstance(given, str) and given else f"(no id; object {position + 1} of the request)"
    spelled = value.get("modified", value.get("created"))
    version = spelled if isinstance(spelled, str) and version_of(value)[0] is not None else None
    return Outcome(known[:300], version, ok=False, message=problem)


def _admitted(
    hub: Hub, place: Place, checked: Sequence[Checked], policies: Sequence[Marked]
) -> tuple[list[tuple[int, Outcome]], list[Checked], list[Marked]]:
    """Settle what this hub may not hold and what the collection refuses; the rest goes on."""
    ceiling = LADDER.index(hub.settings.ceiling)
    settled, rest = [], []
    for item, each in zip(checked, policies, strict=True):
        if each.policy.level > ceiling:
            problem = (
                f"it is marked {LADDER[each.policy.level]}; this hub holds nothing above {LADDER[ceiling]}. "
                "Send it over a network that is cleared for it."
            )
        elif (
            each.unmarked
            and place.collection.unmarked == "refuse"
            and item.value["type"] != "marking-definition"
        ):
            problem = (
                "it carries no marking that says who may read it, and this collection takes only what does; "
                "mark the object (object_marking_refs), with TLP for instance"
            )
        else:
            rest.append((item, each))
            continue
        if item.beside is None:
            settled.append((item.position, _refused(item.member, item.position, problem)))
    return settled, [item for item, _ in rest], [each for _, each in rest]


def _offer(item: Checked, policy: int, creators: Mapping[str, str]) -> Offer:
    creator = item.value.get("created_by_ref")
    return Offer(
        position=item.position,
        id=item.value["id"],
        type=item.value["type"],
        version=item.version,
        version_text=item.version_text,
        digest=item.digest,
        data=item.member.data,
        policy=policy,
        creator=creators.get(creator) if isinstance(creator, str) else None,
        note=item.note,
        beside=item.beside,
    )


async def _off_loop(size: int, work: Callable[[], Any]) -> Any:
    """Large bodies are worked on in a thread, so that other requests go on meanwhile."""
    return work() if size < IN_THREAD_BYTES else await asyncio.to_thread(work)


async def status(hub: Hub, account: Account, api_root: ApiRoot, status_id: str) -> Status:
    """A status of the last days, for the agency that sent the request. Raises NotFoundError."""
    found = await hub.feed.status(status_id)
    if found is None or found.agency != account.agency or found.api_root != api_root.path:
        raise NotFoundError("there is no status of this id for these credentials")
    return found
