"""Status resources as stored: small arrays instead of documents, since one may hold 30,000 rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bson.int64 import Int64

from taxii_hub.model import Outcome, Status
from taxii_hub.store.base import Publication
from taxii_hub.store.words import told_of


def status_for(publication: Publication, outcomes: tuple[Outcome, ...]) -> Status:
    """What a publication is answered with."""
    return Status(
        id=publication.id,
        agency=publication.agency,
        api_root=publication.api_root,
        collection=publication.collection_id,
        requested_at=publication.requested_at,
        outcomes=outcomes,
        stored=sum(outcome.stored for outcome in outcomes),
    )


def statuses_for(
    publications: Sequence[Publication], outcomes: Sequence[tuple[Outcome, ...]]
) -> tuple[list[Status], list[dict[str, Any]]]:
    """What each publication is answered with, and its stored form."""
    statuses = [status_for(*each) for each in zip(publications, outcomes, strict=True)]
    return statuses, [status_document(s, p.keep) for s, p in zip(statuses, publications, strict=True)]


def status_document(status: Status, keep: int | None = None) -> dict[str, Any]:
    """The stored form; ``at`` drives its expiry, which counts from ``keep`` (microseconds) where given."""
    told = told_of((outcome.id, outcome.message) for outcome in status.outcomes)
    return {
        "_id": status.id,
        "agency": status.agency,
        "api_root": status.api_root,
        "collection": status.collection,
        "requested_at": Int64(status.requested_at),
        "stored": status.stored,
        "outcomes": [_row(outcome) for outcome in status.outcomes],
        "at": datetime.now(UTC) if keep is None else datetime.fromtimestamp(keep / 1_000_000, UTC),
        **({"told": told} if told else {}),
    }


def change_document(change_id: str) -> dict[str, Any]:
    """Remembers that an act was committed, for when it is sent again; never shown."""
    return {"_id": change_id, "at": datetime.now(UTC)}


def status_of(document: Mapping[str, Any]) -> Status:
    """The noun of a stored status."""
    return Status(
        id=document["_id"],
        agency=document["agency"],
        api_root=document["api_root"],
        collection=document["collection"],
        requested_at=document["requested_at"],
        outcomes=tuple(
            Outcome(
                id=row[0],
                version=row[1],
                ok=row[2],
                message=row[3],
                stored=row[4],
                pending=row[5] if len(row) > 5 else None,
            )
            for row in document["outcomes"]
        ),
        stored=document["stored"],
    )


def with_ends(status: Status, ends: Mapping[str, Mapping[str, Any]]) -> Status:
    """The status with what became of its proposals; those that still wait stay as they are."""
    if not ends:
        return status
    outcomes = tuple(
        replace(one, ok=ends[one.pending]["ok"], message=ends[one.pending]["message"], pending=None)
        if one.pending is not None and one.pending in ends
        else one
        for one in status.outcomes
    )
    return replace(status, outcomes=outcomes)


def _row(outcome: Outcome) -> list[Any]:
    row = [outcome.id, outcome.version, outcome.ok, outcome.message, outcome.stored]
    return row if outcome.pending is None else [*row, outcome.pending]
