"""``/api/v1/audit``: the log of who did what, for auditors; and its own disclosures for every agency.

Never the content of an object. Every look is itself a leaf, written before the answer.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from taxii_hub.errors import NotFoundError
from taxii_hub.exchange.audit_reading import Proof, proved_consistency, proved_inclusion
from taxii_hub.exchange.disclosures import Disclosure, DisclosureFilter, some_disclosures
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.sealed import sealed, unsealed
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.rows import told
from taxii_hub.model import Account
from taxii_hub.stix import timestamps
from taxii_hub.web.api.callers import account_with, hub_of
from taxii_hub.web.api.moments import moment

router = APIRouter(prefix="/api/v1/audit")

MOST = 1000
SECONDS = 3.0
"""That looking through the log for disclosures may take; the rest is asked for with ``next``."""
_LAST = 2**53 - 1  # what every JSON reader counts exactly, and the database holds
Size = Annotated[
    int | None, Query(ge=1, le=_LAST, description="Of the tree as it was then; absent: as it is.")
]
Time = Annotated[str | None, Query(description="RFC 3339, UTC.", max_length=40)]
Limit = Annotated[int, Query(ge=1, le=MOST)]
After = Annotated[int, Query(ge=-1, le=_LAST, description="Only what comes after this number.")]


class LeavesAsked(BaseModel):
    """Which rows: those after number ``after`` of these kinds, by this account, of this agency, in this time."""

    after: Annotated[int, Field(ge=-1, le=_LAST)] = -1
    limit: Annotated[int, Field(ge=1, le=MOST)] = MOST
    kind: Annotated[list[str], Field(max_length=30)] = []
    account: Annotated[str | None, Field(max_length=300)] = None
    agency: Annotated[str | None, Field(max_length=300)] = None
    since: Annotated[str | None, Field(max_length=40)] = None
    until: Annotated[str | None, Field(max_length=40)] = None


class Leaf(BaseModel):
    """One row: its number, the hash of its leaf (hexadecimal), and the leaf."""

    n: int
    hash: str
    leaf: dict[str, Any]


class Leaves(BaseModel):
    """Rows by their numbers. ``next_after`` goes on where this page ends; absent on the last one."""

    leaves: list[Leaf]
    next_after: int | None = None


class SignedCheckpoint(BaseModel):
    """A checkpoint of the log as a signed note."""

    number: int
    note: str


class Checkpoints(BaseModel):
    """Checkpoints by their numbers."""

    checkpoints: list[SignedCheckpoint]
    next_after: int | None = None


class Keys(BaseModel):
    """What verifies checkpoints, the newest first, as signed notes spell keys; and the log's name."""

    origin: str
    keys: list[str]


class ProofAnswer(BaseModel):
    """A proof by RFC 9162; ``root`` and ``hashes`` are base64."""

    size: int
    root: str
    hashes: list[str]


class Count(BaseModel):
    """How many leaves there are of one kind by accounts of one agency."""

    kind: str
    agency: str | None
    leaves: int


class Statistics(BaseModel):
    """Of the whole log, or of some time."""

    counts: list[Count]


class Disclosed(BaseModel):
    """One version of an object on one page that was answered to another agency (docs/audit.md)."""

    at: str
    agency: str | None
    account: str
    purpose: str | None
    view: str
    collection: str
    object_id: str = Field(serialization_alias="object")
    version: str
    date_added: str


class Disclosures(BaseModel):
    """``next`` goes on where this answer ends, be it an empty one; absent on the last one."""

    disclosures: list[Disclosed]
    next: str | None = None


async def _auditor(request: Request, what: str) -> Hub:
    """The hub, for an auditor whose look at it is logged."""
    account = account_with(request, "auditor")
    return await _told(request, account, what)


async def _told(request: Request, account: Account, what: str) -> Hub:
    hub = hub_of(request)
    asked = {name[:40]: value[:300] for name, value in list(request.query_params.items())[:20]}
    await hub.audit.act("audit-read", account, what=what, asked=asked or None)
    return hub


@router.get("/leaves", response_model_exclude_none=True, summary="Who did what")
async def leaves(request: Request, asked: Annotated[LeavesAsked, Query()]) -> Leaves:
    """Rows by their numbers; what was done in the last second or two may not be numbered yet."""
    hub = await _auditor(request, "leaves")
    wanted = RowFilter(
        first=asked.after + 1,
        kinds=tuple(asked.kind),
        account=asked.account,
        agency=asked.agency,
        since=moment("since", asked.since),
        until=moment("until", asked.until),
    )
    limit = asked.limit
    rows = [row async for row in hub.audit.records.rows(wanted, limit + 1)]
    return Leaves(
        leaves=[Leaf(n=row.n, hash=row.hash.hex(), leaf=told(row)) for row in rows[:limit]],
        next_after=rows[limit - 1].n if len(rows) > limit else None,
    )


@router.get("/checkpoints", response_model_exclude_none=True, summary="What the hub has signed")
async def checkpoints(request: Request, after: After = 0, limit: Limit = MOST) -> Checkpoints:
    """Checkpoints after number ``after``."""
    hub = await _auditor(request, "checkpoints")
    kept = await hub.audit.records.kept(after, limit + 1)
    return Checkpoints(
        checkpoints=[SignedCheckpoint(number=each.number, note=each.note) for each in kept[:limit]],
        next_after=kept[limit - 1].number if len(kept) > limit else None,
    )


@router.get("/checkpoints/latest", response_class=PlainTextResponse, summary="The newest checkpoint")
async def latest(request: Request) -> PlainTextResponse:
    """As text, to be kept elsewhere."""
    hub = await _auditor(request, "checkpoint")
    kept = await hub.audit.records.newest_kept()
    if kept is None:
        raise NotFoundError(
            "nothing was signed yet; the first checkpoint comes within a minute of the first leaf"
        )
    return PlainTextResponse(kept.note)


@router.get("/keys", summary="What verifies the checkpoints")
async def keys(request: Request) -> Keys:
    """Compare them with what you were given another way."""
    hub = await _auditor(request, "keys")
    return Keys(origin=hub.audit.origin, keys=[key.text() for key in hub.audit.verifiers()])


@router.get("/proofs/inclusion", summary="That a row is in the log")
async def inclusion(
    request: Request, row: Annotated[int, Query(ge=0, le=_LAST)], size: Size = None
) -> ProofAnswer:
    """For the hash that ``leaves`` names of the row."""
    hub = await _auditor(request, "inclusion")
    return _proof(await proved_inclusion(hub.audit.records, row, size))


@router.get("/proofs/consistency", summary="That the log begins as it was")
async def consistency(
    request: Request, old: Annotated[int, Query(ge=1, le=_LAST)], size: Size = None
) -> ProofAnswer:
    """For two checkpoints."""
    hub = await _auditor(request, "consistency")
    return _proof(await proved_consistency(hub.audit.records, old, size))


@router.get("/statistics", response_model_exclude_none=True, summary="How much of what")
async def statistics(request: Request, since: Time = None, until: Time = None) -> Statistics:
    """Numbers of leaves, by kind and agency."""
    hub = await _auditor(request, "statistics")
    bounds = moment("since", since), moment("until", until)
    found = await hub.audit.records.counts(*bounds)
    return Statistics(counts=[Count(kind=kind, agency=agency, leaves=n) for kind, agency, n in found])


@router.get(
    "/disclosures",
    response_model_exclude_none=True,
    summary="Who received which of my agency's objects",
)
async def disclosed(
    request: Request,
    object_id: Annotated[str | None, Query(alias="object", max_length=300)] = None,
    since: Time = None,
    until: Time = None,
    next_: Annotated[str | None, Query(alias="next", max_length=100)] = None,
) -> Disclosures:
    """Of the asking account's own agency, for its liaison officers, admins and auditors."""
    account, hub = account_with(request, "liaison", "admin", "auditor"), hub_of(request)
    purpose = f"disclosures {account.agency}"
    first = 0 if next_ is None else unsealed(hub.keyring, purpose, next_, hub.now())
    bounds = moment("since", since), moment("until", until)
    await _told(request, account, "disclosures")
    wanted = DisclosureFilter(account.agency, object_id, first, *bounds)
    found, row = await some_disclosures(hub.audit.records, wanted, MOST, SECONDS)
    more = None if row is None else sealed(hub.keyring, purpose, row)
    return Disclosures(disclosures=[*map(_disclosed, found)], next=more)


def _disclosed(each: Disclosure) -> Disclosed:
    return Disclosed(
        at=each.at,
        agency=each.agency,
        account=each.account,
        purpose=each.purpose,
        view=each.view,
        collection=each.collection,
        object_id=each.object_id,
        version=each.version,
        date_added=timestamps.format(each.stamp),
    )


def _proof(proof: Proof) -> ProofAnswer:
    return ProofAnswer(
        size=proof.size, root=_text(proof.root), hashes=[_text(hashed) for hashed in proof.hashes]
    )


def _text(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode()
