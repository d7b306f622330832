"""The release queue as stored: ``held`` is what waits, with its bytes; ``settled`` what became of it, without.

What waits is no entry of the feed: no query for readers can meet it. A status names the proposals that it
waits for, and is told from ``settled`` how they ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pymongo
from bson.int64 import Int64
from pymongo import ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taxii_hub.errors import UnavailableError
from taxii_hub.model import Ended, Signature
from taxii_hub.store.audit_queue import PATIENCE, durable, queued
from taxii_hub.store.base import Offer, Proposal

Document = dict[str, Any]

FEW = 20
"""Usually nothing waits, and to ask for a thousand ids costs more than to ask twice."""
KEPT_DAYS = 100
"""Days after a proposal's deadline for which its end is known: longer than any status lives."""
_OFFER = [field.name for field in fields(Offer)]
_PROPOSAL = [field.name for field in fields(Proposal)]
_ENDED = [field.name for field in fields(Ended)]
WITHOUT_CONTENT = {"offer": 0}


def held_document(proposal: Proposal) -> Document:
    """The stored form; read back by :func:`proposal_from`."""
    plain = {name: getattr(proposal, name) for name in _PROPOSAL}
    for name in ("at", "due", "version"):
        plain[name] = Int64(plain[name])
    plain["signed"] = [[each.account, Int64(each.at)] for each in proposal.signed]
    if proposal.offer is not None:
        plain["offer"] = [getattr(proposal.offer, name) for name in _OFFER]
    return {"_id": plain.pop("id"), **plain}


def proposal_from(document: Mapping[str, Any]) -> Proposal:
    """The noun of a stored proposal."""
    plain: Document = {name: document.get(name) for name in _PROPOSAL}
    plain["id"] = document["_id"]
    plain["signed"] = tuple(Signature(*row) for row in document["signed"])
    if plain["offer"] is not None:
        offer = dict(zip(_OFFER, plain["offer"], strict=False))
        plain["offer"] = Offer(**{**offer, "data": bytes(offer["data"]), "digest": bytes(offer["digest"])})
    return Proposal(**plain)


def settled_document(ended: Ended, settlement: str) -> Document:
    """What is kept of a proposal; ``settlement`` is the act that ended it, for when that is sent again."""
    plain = {name: getattr(ended, name) for name in _ENDED}
    until = datetime.fromtimestamp(ended.due / 1_000_000 + KEPT_DAYS * 86_400, UTC)
    for name in ("at", "due", "ended_at"):
        plain[name] = Int64(plain[name])
    return {
        "_id": plain.pop("proposal"),
        **plain,
        "by": list(ended.by),
        "ok": ended.result == "released",
        "settlement": settlement,
        "until": until,
    }


def ended_from(document: Mapping[str, Any]) -> Ended:
    """The noun of a settled proposal."""
    plain: Document = {name: document.get(name) for name in _ENDED}
    return Ended(**{**plain, "proposal": document["_id"], "by": tuple(document["by"])})


async def ends_of(database: AsyncDatabase[Document], proposals: Iterable[str]) -> dict[str, Document]:
    """What became of these proposals, as far as anything has."""
    found = database["settled"].find({"_id": {"$in": list(proposals)}}, {"ok": 1, "message": 1})
    return {document["_id"]: document async for document in found}


class HeldStore:
    """MongoDB's answer to :class:`taxii_hub.exchange.release_queue.ReleaseQueue`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._client = database.client
        safe = durable(database)
        self._held = safe["held"]
        self._settled = safe["settled"]
        self._audit = safe["audit_queue"]

    async def waiting(self, agency: str, limit: int) -> tuple[Proposal, ...]:
        """The most urgent first; without content."""
        async with _errors():
            rows = self._held.find(
                {"agency": agency}, WITHOUT_CONTENT, sort=[("due", 1), ("_id", 1)], limit=limit
            )
            return tuple(proposal_from(row) for row in await rows.to_list())

    async def proposal(self, agency: str, proposal_id: str) -> Proposal | None:
        """One that waits, with its content."""
        async with _errors():
            row = await self._held.find_one({"_id": proposal_id, "agency": agency})
        return None if row is None else proposal_from(row)

    async def ended(self, agency: str, proposal_id: str) -> Ended | None:
        """What became of one."""
        async with _errors():
            row = await self._settled.find_one({"_id": proposal_id, "agency": agency})
        return None if row is None else ended_from(row)

    async def ends(self, agency: str, since: int, limit: int) -> tuple[Ended, ...]:
        """The newest first."""
        wanted = {"agency": agency, "ended_at": {"$gte": since}}
        async with _errors():
            rows = self._settled.find(wanted, sort=[("ended_at", -1), ("_id", 1)], limit=limit)
            return tuple(ended_from(row) for row in await rows.to_list())

    async def of_objects(self, agency: str, collection: int, ids: Sequence[str]) -> tuple[Proposal, ...]:
        """New versions of these objects that nobody is fed yet."""
        wanted = {
            "collection": collection,
            "agency": agency,
            "kind": "publish",
            "object_id": {"$in": list(ids)},
        }
        few = {name: wanted[name] for name in ("collection", "agency", "kind")}
        async with _errors():
            if len(ids) > FEW and not await self._held.find_one(few, {"_id": 1}, hint="version"):
                return ()
            rows = self._held.find(wanted, hint="version")
            return tuple(proposal_from(row) for row in await rows.to_list())

    async def overdue(self, now: int, limit: int) -> tuple[Proposal, ...]:
        """What nobody settled in time."""
        async with _errors():
            rows = self._held.find({"due": {"$lte": now}}, WITHOUT_CONTENT, sort=[("due", 1)], limit=limit)
            return tuple(proposal_from(row) for row in await rows.to_list())

    async def propose(self, proposal: Proposal, leaf: bytes) -> bool:
        """Add a release or regrading, with its leaf in the same transaction."""

        async def body(session: AsyncClientSession) -> None:
            await self._held.insert_one(held_document(proposal), session=session)
            await self._audit.insert_one(queued(leaf), session=session)

        async with _errors(), self._client.start_session() as session:
            try:
                await session.with_transaction(
                    body, ReadConcern("snapshot"), WriteConcern("majority", j=True), ReadPreference.PRIMARY
                )
            except DuplicateKeyError:
                return False
        return True

    async def pressing(self, now: int, soon: int) -> Mapping[str, tuple[int, int]]:
        """For each agency how many wait, and how many of them are due before ``soon``."""
        due = {"$sum": {"$cond": [{"$lt": ["$due", soon]}, 1, 0]}}
        stages: list[Document] = [
            {"$match": {"due": {"$gt": now}}},
            {"$group": {"_id": "$agency", "waiting": {"$sum": 1}, "due": due}},
        ]
        async with _errors():
            rows = await self._held.aggregate(stages)
            return {row["_id"]: (row["waiting"], row["due"]) async for row in rows}


@asynccontextmanager
async def _errors() -> AsyncIterator[None]:
    try:
        with pymongo.timeout(PATIENCE):
            yield
    except PyMongoError as error:
        raise UnavailableError("the release queue cannot be read right now; try again soon") from error
