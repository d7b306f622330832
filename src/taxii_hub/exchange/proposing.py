"""Giving an object that is there already more readers, where that needs liaison officers beside its proposer."""

from __future__ import annotations

from dataclasses import dataclass

from taxii_hub.errors import BadRequestError
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.audit import actor_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import policed
from taxii_hub.ledger.leaves import leaf_of, legible
from taxii_hub.model import Entry, ObjectQuery, Policy, Visibility
from taxii_hub.policy.holding import widening_needs
from taxii_hub.policy.reading import covers, describe
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Proposal, ProposalKind
from taxii_hub.taxii.envelope import parse_envelope

HOUR = 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Widening:
    """The last version of an object and the policies before and after, as classes and as such."""

    kind: ProposalKind
    object_id: str
    before: Policy
    after: Policy
    taken_from: int
    to: int
    reason: str


async def proposed(hub: Hub, place: Place, wanted: Widening) -> str | None:
    """The proposal that this became; None where it needs nobody else's signature. Raises BadRequestError
    where one waits already."""
    if covers(wanted.before, wanted.after):
        return None
    entry = await _last(hub, place, wanted)
    if entry is None:
        return None
    (member,) = parse_envelope(b'{"objects":[' + entry.data + b"]}")
    (each,) = await policed(hub, place, [member.value or {}])
    needed = widening_needs(place.collection, each)
    if not needed:
        return None
    proposal = _proposal(hub, place, wanted, entry, needed)
    told = {
        "proposal": proposal.id,
        "feed": proposal.collection,
        "collection": proposal.collection_id,
        "object": legible(proposal.object_id),
        "what": proposal.kind,
        "to": describe(wanted.after),
        "reason": wanted.reason,
    }
    leaf = leaf_of("propose", proposal.at, actor_of(place.account), told)
    if not await hub.queue.propose(proposal, leaf):
        raise BadRequestError(
            f"another {wanted.kind} of this version waits for signatures; `taxii-hub releases list` shows it"
        )
    return proposal.id


async def _last(hub: Hub, place: Place, wanted: Widening) -> Entry | None:
    """The version that is meant, read as its origin may."""
    only = Visibility(
        place.collection.feed, place.account.agency, (wanted.taken_from,), hub.catalog.version, hub.now()
    )
    page = await hub.feed.object_page(only, wanted.object_id, ObjectQuery(), "objects", 1)
    return page.entries[-1] if page.stamps else None


def _proposal(hub: Hub, place: Place, wanted: Widening, entry: Entry, needed: int) -> Proposal:
    now = hub.now()
    return Proposal(
        id=hub.new_id(),
        kind=wanted.kind,
        collection=place.collection.feed,
        collection_id=place.collection.id,
        api_root=place.api_root.path,
        agency=place.account.agency,
        account=place.account.id,
        at=now,
        due=now + place.collection.release_within_hours * HOUR,
        signatures=needed,
        object_id=wanted.object_id,
        version=timestamps.parse_lenient(entry.version),
        version_text=entry.version,
        policy=wanted.to,
        taken_from=wanted.taken_from,
        reason=wanted.reason,
    )
