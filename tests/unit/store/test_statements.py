"""Documents that go to MongoDB in few commands."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import BulkWriteError

from taxii_hub.store.statements import MOST_BYTES, insert_all


async def test_all_are_inserted_whatever_their_size(mongodb_uri: str, mongodb_database: str) -> None:
    """A command may have 16 MB, classes and names included."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongodb_uri)
    async with client, client.start_session() as session:
        entries = client[mongodb_database]["entries"]
        await entries.create_index("s", unique=True)
        half = b"x" * (MOST_BYTES // 2)
        documents = [{"s": number, "b": half} for number in range(3)]
        documents += [
            {"s": number, "b": b"", "u": list(range(2**40, 2**40 + 30_000))} for number in range(3, 60)
        ]
        # No transaction: so many bytes of one may be more than what a small cache has left for it.
        await insert_all(entries, documents, session)
        await insert_all(entries, [], session)
        assert await entries.count_documents({}) == 60
        with pytest.raises(BulkWriteError):
            async with await session.start_transaction():
                await insert_all(entries, [{"s": 60, "b": b""}, {"s": 0, "b": b""}], session)
        assert await entries.count_documents({}) == 60
