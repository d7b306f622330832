"""What the desk shows, over HTTP and by command alike: proposals, what became of them, questions; no content."""

from __future__ import annotations

from dataclasses import dataclass

from taxii_hub.exchange import release_requests, releases
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Ended, ReleaseRequest
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Proposal


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature that was given."""

    account: str
    at: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits. ``kind``: ``publish`` a new version, ``release`` or ``regrade`` one that is there.
    ``collection`` is its id, ``alias`` its name in the catalogue (none where it is retired); ``pressing``:
    less than 24 hours are left."""

    id: str
    kind: str
    api_root: str
    collection: str
    object_id: str
    version: str
    submitter: str
    submitted_at: str
    deadline: str
    pressing: bool
    signatures: int
    signed: list[Signed]
    alias: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of something that waited. ``by``: the accounts that decided."""

    id: str
    kind: str
    api_root: str
    collection: str
    object_id: str
    version: str
    submitter: str
    result: str
    message: str | None
    by: list[str]
    at: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question as everybody sees it who may: ``open``, ``answered`` or ``no answer``."""

    id: str
    api_root: str
    collection: str
    object_id: str
    agency: str
    reason: str
    asked_at: str
    deadline: str
    state: str
    granted: bool | None = None
    answer: str | None = None


def waiting_view(hub: Hub, each: Proposal) -> Waiting:
    """A proposal without its content."""
    return Waiting(
        id=each.id,
        kind=each.kind,
        api_root=each.api_root,
        collection=each.collection_id,
        object_id=each.object_id,
        version=each.version_text,
        submitter=each.account,
        submitted_at=timestamps.format(each.at),
        deadline=timestamps.format(each.due),
        pressing=each.due < hub.now() + releases.SOON,
        signatures=each.signatures,
        signed=[Signed(account=one.account, at=timestamps.format(one.at)) for one in each.signed],
        alias=_alias(hub, each.collection_id),
        reason=each.reason or None,
    )


def settled_view(hub: Hub, each: Ended) -> Settled:
    """What became of a proposal."""
    return Settled(
        id=each.proposal,
        kind=each.kind,
        api_root=each.api_root,
        collection=each.collection_id,
        object_id=each.object_id,
        version=each.version_text,
        submitter=each.account,
        result=each.result,
        message=each.message,
        by=list(each.by),
        at=timestamps.format(each.ended_at),
        alias=_alias(hub, each.collection_id),
    )


def question_view(hub: Hub, each: ReleaseRequest) -> Question:
    """A question."""
    return Question(
        id=each.id,
        api_root=each.api_root,
        collection=each.collection,
        object_id=each.object_id,
        agency=each.agency,
        reason=each.reason,
        asked_at=timestamps.format(each.at),
        deadline=timestamps.format(each.due),
        state=release_requests.state_of(each, hub.now()),
        granted=None if each.answer is None else each.granted,
        answer=each.answer,
    )


def _alias(hub: Hub, collection_id: str) -> str | None:
    found = (each for root in hub.catalog.api_roots for each in root.collections)
    return next((each.alias for each in found if each.id == collection_id), None)
