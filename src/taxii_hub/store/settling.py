"""The release queue inside a commit's transaction: what waits comes, is signed, and goes (R6).

One refusal refuses, the last signature that is needed releases. Both happen in the collection's own
transaction, so that of two officers who act at once one is second and sees what the first one did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from bson.int64 import Int64
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.ledger.leaves import Actor, leaf_of, legible
from taxii_hub.model import Ended
from taxii_hub.store.audit_queue import queued
from taxii_hub.store.base import Change, Proposal, ProposalKind, Publication, Settlement, SettleResult
from taxii_hub.store.held import FEW, held_document, proposal_from, settled_document

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """How a proposal ends: ``act`` is who did what, and its id; ``at`` the stamp of the commit."""

    act: str
    account: str
    agency: str
    at: int
    result: str
    message: str | None


def judge(proposal: Proposal, said: Settlement) -> SettleResult:
    """What follows from an officer's word: pure. Neither the submitter nor the same account twice signs."""
    if said.agency != proposal.agency:
        return "gone"
    if said.word == "refuse":
        return "refused"
    overdue = proposal.due <= said.at
    if said.word == "expire":
        return "expired" if overdue else "not-due"
    return "late" if overdue else _signed(proposal, said)


def _signed(proposal: Proposal, said: Settlement) -> SettleResult:
    if said.account == proposal.account:
        return "submitter"
    if said.account in {each.account for each in proposal.signed}:
        return "again"
    needed = max(proposal.signatures, said.signatures)
    return "signed" if len(proposal.signed) + 1 < needed else "released"


def words_for(proposal: Proposal, said: Settlement) -> str:
    """What the submitter is told of a refusal or of a deadline that passed."""
    if said.word == "refuse":
        return f"refused by a liaison officer of {said.agency}: {said.reason}"
    return "no liaison officer released it in time; publish it again if it is still meant to be shared"


def publication_of(proposal: Proposal, said: Settlement) -> Publication:
    """The publication that a last signature makes, on behalf of the one who submitted it."""
    if proposal.offer is None or said.policy is None:
        raise ValueError(f"proposal {proposal.id} has no content to publish")
    offer = replace(
        proposal.offer,
        position=0,
        policy=said.policy,
        expires=said.expires,
        signatures=0,
        proposal=None,
        due=None,
    )
    return Publication(
        id=said.id,
        collection=proposal.collection,
        collection_id=proposal.collection_id,
        api_root=proposal.api_root,
        agency=proposal.agency,
        account=proposal.account,
        epoch=said.epoch,
        requested_at=proposal.at,
        readable=said.readable,
        offers=(offer,),
    )


class QueueInCommit:
    """What a transaction of one collection does to the queue; every call is part of it."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._held = database["held"]
        self._settled = database["settled"]
        self._audit = database["audit_queue"]

    async def waiting(self, session: AsyncClientSession, group: Sequence[Publication]) -> list[Proposal]:
        """What waits already of that which these publications offer."""
        ids = {offer.id for each in group for offer in each.offers}
        if not ids:
            return []
        wanted: Document = {
            "collection": group[0].collection,
            "agency": {"$in": sorted({each.agency for each in group})},
            "kind": "publish",
        }
        if len(ids) > FEW and not await self._held.find_one(
            wanted, {"_id": 1}, hint="version", session=session
        ):
            return []
        wanted["object_id"] = {"$in": list(ids)}
        return [proposal_from(row) async for row in self._held.find(wanted, hint="version", session=session)]

    async def hold(self, session: AsyncClientSession, proposals: Sequence[Proposal]) -> None:
        """Put new versions into the queue."""
        if proposals:
            await self._held.insert_many([held_document(each) for each in proposals], session=session)

    async def find(self, session: AsyncClientSession, proposal_id: str) -> Proposal | None:
        """One that waits."""
        row = await self._held.find_one({"_id": proposal_id}, session=session)
        return None if row is None else proposal_from(row)

    async def told_before(self, session: AsyncClientSession, said: Settlement) -> SettleResult:
        """The result of an act that was committed before and whose answer was lost; else it is gone."""
        row = await self._settled.find_one({"_id": said.proposal, "settlement": said.id}, session=session)
        return "gone" if row is None else row["result"]

    async def sign(self, session: AsyncClientSession, proposal: Proposal, said: Settlement, at: int) -> None:
        """One signature of several."""
        signature = [said.account, Int64(said.at)]
        await self._held.update_one({"_id": proposal.id}, {"$push": {"signed": signature}}, session=session)
        await self._told(session, "sign", proposal, End(said.id, said.account, said.agency, at, "", None))

    async def take(self, session: AsyncClientSession, proposal: Proposal) -> None:
        """Out of the queue."""
        await self._held.delete_one({"_id": proposal.id}, session=session)

    async def end(self, session: AsyncClientSession, proposal: Proposal, end: End) -> None:
        """Out of the queue, with what became of it, which every status that waits for it says from now on."""
        await self.take(session, proposal)
        signers = [each.account for each in proposal.signed]
        ended = Ended(
            proposal=proposal.id,
            kind=proposal.kind,
            api_root=proposal.api_root,
            collection_id=proposal.collection_id,
            agency=proposal.agency,
            account=proposal.account,
            object_id=proposal.object_id,
            version_text=proposal.version_text,
            at=proposal.at,
            due=proposal.due,
            ended_at=end.at,
            result=end.result,
            message=end.message,
            by=(*signers, end.account),
        )
        await self._settled.insert_one(settled_document(ended, end.act), session=session)
        await self._told(session, f"proposal-{end.result}", proposal, end)

    async def withdraw(
        self, session: AsyncClientSession, change: Change, held: Sequence[Proposal], at: int
    ) -> None:
        """Out of the queue because its origin took it back."""
        words = "withdrawn by its agency before it was released"
        for each in held:
            end = End(change.id, change.account, change.agency, at, "withdrawn", words)
            await self.end(session, each, end)

    async def chosen(self, session: AsyncClientSession, change: Change) -> list[Proposal]:
        """What waits of the versions that the origin takes back; ``first`` and ``last`` mean versions that
        somebody was fed."""
        wanted: Document = {
            "collection": change.collection,
            "agency": change.agency,
            "kind": {"$in": list(get_args(ProposalKind))},
            "object_id": change.object_id,
        }
        if "all" not in change.versions.keywords:
            wanted["version"] = {"$in": list(change.versions.exact)}
        return [proposal_from(row) async for row in self._held.find(wanted, session=session)]

    async def _told(self, session: AsyncClientSession, kind: str, proposal: Proposal, end: End) -> None:
        details = {
            "proposal": proposal.id,
            "feed": proposal.collection,
            "collection": proposal.collection_id,
            "object": legible(proposal.object_id),
            "what": proposal.kind,
            "submitter": proposal.account,
            "signers": [each.account for each in proposal.signed] or None,
            "reason": end.message,
        }
        leaf = leaf_of(kind, end.at, Actor(end.account, end.agency), details)
        await self._audit.insert_one(queued(leaf), session=session)
