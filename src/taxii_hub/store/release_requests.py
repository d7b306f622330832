"""Questions for release as stored. Asking writes one document, whatever exists, and reads nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pymongo
from bson.int64 import Int64
from pymongo import ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from taxii_hub.errors import UnavailableError
from taxii_hub.model import ReleaseRequest
from taxii_hub.store.audit_queue import PATIENCE, durable, queued

Document = dict[str, Any]

KEPT_DAYS = 400
_FIELDS = [field.name for field in fields(ReleaseRequest)]
_TIMES = ("at", "due", "answered_at")


class RequestStore:
    """MongoDB's answer to :class:`taxii_hub.exchange.release_queue.RequestLog`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._client = database.client
        safe = durable(database)
        self._requests = safe["release_requests"]
        self._audit = safe["audit_queue"]

    async def asked_since(self, account: str, since: int) -> tuple[int, ...]:
        """When this account asked, the oldest first."""
        wanted = {"account": account, "at": {"$gt": since}}
        async with _errors():
            rows = self._requests.find(wanted, {"at": 1}, sort=[("at", 1)], hint="account")
            return tuple(row["at"] for row in await rows.to_list())

    async def ask(self, request: ReleaseRequest, leaf: bytes) -> None:
        """Keep a question, with its leaf."""
        plain: Document = {name: getattr(request, name) for name in _FIELDS}
        until = datetime.fromtimestamp(request.due / 1_000_000 + KEPT_DAYS * 86_400, UTC)
        row = {"_id": plain.pop("id"), **plain, "until": until}
        await self._both(leaf, lambda session: self._requests.insert_one(_int64(row), session=session))

    async def of_asker(self, agency: str, limit: int) -> tuple[ReleaseRequest, ...]:
        """What an agency asked, the newest first."""
        async with _errors():
            rows = self._requests.find({"agency": agency}, sort=[("at", -1), ("_id", 1)], limit=limit)
            return tuple(_request(row) for row in await rows.to_list())

    async def about(self, api_roots: Sequence[str], since: int, limit: int) -> tuple[ReleaseRequest, ...]:
        """What was asked since of these API roots, the most urgent first."""
        wanted = {"api_root": {"$in": list(api_roots)}, "at": {"$gt": since}}
        async with _errors():
            rows = self._requests.find(wanted, sort=[("due", 1), ("_id", 1)], limit=limit)
            return tuple(_request(row) for row in await rows.to_list())

    async def one(self, request_id: str) -> ReleaseRequest | None:
        """One of them."""
        async with _errors():
            row = await self._requests.find_one({"_id": request_id})
        return None if row is None else _request(row)

    async def answer(self, request: ReleaseRequest, leaf: bytes) -> bool:
        """Keep an answer, with its leaf; False where somebody answered before."""
        told = ("answer", "granted", "answered_at", "answered_by")
        change = {"$set": _int64({name: getattr(request, name) for name in told})}
        open_one = {"_id": request.id, "answer": None}
        done = await self._both(
            leaf, lambda session: self._requests.update_one(open_one, change, session=session)
        )
        return bool(done.modified_count == 1)

    async def _both(self, leaf: bytes, write: Any) -> Any:
        async def body(session: AsyncClientSession) -> Any:
            done = await write(session)
            if getattr(done, "modified_count", 1):
                await self._audit.insert_one(queued(leaf), session=session)
            return done

        async with _errors(), self._client.start_session() as session:
            return await session.with_transaction(
                body, ReadConcern("snapshot"), WriteConcern("majority", j=True), ReadPreference.PRIMARY
            )


def _int64(row: Document) -> Document:
    return {
        name: Int64(value) if name in _TIMES and value is not None else value for name, value in row.items()
    }


def _request(row: Document) -> ReleaseRequest:
    return ReleaseRequest(**{**{name: row.get(name) for name in _FIELDS}, "id": row["_id"]})


@asynccontextmanager
async def _errors() -> AsyncIterator[None]:
    try:
        with pymongo.timeout(PATIENCE):
            yield
    except PyMongoError as error:
        raise UnavailableError("release requests cannot be read right now; try again soon") from error
