"""One try of a transaction, up to its commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from pymongo import ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

Result = TypeVar("Result")


async def attempted(session: AsyncClientSession, body: Callable[[], Awaitable[Result]]) -> Result:
    """Everything up to the commit; whatever goes wrong, the clock is let go."""
    await _abandon(session)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(_abandon, session)
        await session.start_transaction(
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
            read_preference=ReadPreference.PRIMARY,
        )
        result = await body()
        undo.pop_all()
    return result


async def _abandon(session: AsyncClientSession) -> None:
    if session.in_transaction:
        await session.abort_transaction()
