"""What each account last did, in MongoDB: one document for each account and collection.

``consumers``: ``{_id: "account collection-id", account, collection, last, refused, cursor: {at, stamp},
requests, objects}``. Several processes add to one document without reading it first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.store.account_records import ConsumerNews, ConsumerRecord, RequestFacts
from taxii_hub.store.accounts import reached

Document = dict[str, Any]


class ConsumerStore:
    """The consumers' doings; answers :class:`taxii_hub.store.account_records.ConsumerLog`."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._consumers = database["consumers"]

    async def tell(self, news: Iterable[ConsumerNews]) -> None:
        """Add the news of one process."""
        writes = [_write(item) for item in news]
        if writes:
            with reached():
                await self._consumers.bulk_write(writes, ordered=False)

    async def read(self, account: str | None = None) -> tuple[ConsumerRecord, ...]:
        """What is known of one account, or of all."""
        # A name holds no blank, and "!" is what follows the blank: the index of _id is enough.
        wanted = {} if account is None else {"_id": {"$gte": f"{account} ", "$lt": f"{account}!"}}
        with reached():
            documents = await self._consumers.find(wanted).sort("_id").to_list()
        return tuple(_record(document) for document in documents)


def _write(news: ConsumerNews) -> UpdateOne:
    # Documents compare field by field in order: `at` stands first, so $max keeps the later one.
    latest: Document = {"last": asdict(news.last)}
    if news.refused is not None:
        latest["refused"] = asdict(news.refused)
    if news.cursor is not None:
        latest["cursor"] = {"at": news.cursor_at, "stamp": news.cursor}
    return UpdateOne(
        {"_id": f"{news.account} {news.collection or ''}"},
        {
            "$set": {"account": news.account, "collection": news.collection},
            "$max": latest,
            "$inc": {"requests": news.requests, "objects": news.objects},
        },
        upsert=True,
    )


def _record(document: Mapping[str, Any]) -> ConsumerRecord:
    refused = document.get("refused")
    cursor = document.get("cursor", {})
    return ConsumerRecord(
        account=document["account"],
        collection=document["collection"],
        last=RequestFacts(**document["last"]),
        refused=RequestFacts(**refused) if refused else None,
        cursor=cursor.get("stamp"),
        cursor_at=cursor.get("at"),
        requests=document["requests"],
        objects=document["objects"],
    )
