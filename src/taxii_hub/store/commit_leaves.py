"""What a commit says of itself in the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from taxii_hub.ledger.leaves import Actor, leaf_of, legible, stamps_document, values_of
from taxii_hub.model import Status
from taxii_hub.store.base import Change, Publication
from taxii_hub.store.change import ChangePlan
from taxii_hub.store.plan import Plan


def publish_leaves(
    todo: Sequence[Publication], statuses: Sequence[Status], plan: Plan, last: int
) -> list[bytes]:
    """One for each request, with the stamps of what it added (the plan's inserts are in their order), and
    one for each that has something on hold."""
    leaves, done = [], 0
    held = {proposal.id for proposal in plan.held}
    for publication, status, number in zip(todo, statuses, plan.added, strict=True):
        added = [document["s"] for document in plan.inserts[done : done + number]]
        done += number
        details = {
            "status": publication.id,
            "feed": publication.collection,
            "collection": publication.collection_id,
            "epoch": publication.epoch,
            "offered": len(status.outcomes),
            "stored": number,
            **(stamps_document(added) if added else {}),
        }
        by = Actor(publication.account, publication.agency)
        leaves.append(leaf_of("publish", last, by, details))
        if waits := [each.pending for each in status.outcomes if each.pending in held]:
            told = {name: details[name] for name in ("status", "feed", "collection", "epoch")}
            leaves.append(leaf_of("hold", last, by, {**told, "proposals": values_of(waits)}))
    return leaves


def change_leaf(change: Change, plan: ChangePlan, last: int) -> bytes:
    details = {
        "status": change.id,
        "feed": change.collection,
        "epoch": change.epoch,
        "object": legible(change.object_id),
        "versions": len(plan.taken),
        "fed": len(plan.fed),
        **({} if change.to is None else {"class": change.to}),
        **({"reason": change.reason} if change.reason else {}),
    }
    return leaf_of(change.kind, last, Actor(change.account, change.agency), details)
