"""Feeds on a database of their own, with policy classes that need no waiting."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from taxii_hub.model import Policy
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Offer, Publication
from taxii_hub.store.feed import INDEXES, MongoFeed
from taxii_hub.store.migrations import Deployment, migrate

V1 = 1_700_000_000_000_000


@asynccontextmanager
async def opened_feed(uri: str, database: str, lifetime: float = 0.05) -> AsyncIterator[MongoFeed]:
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        await migrate(client[database], INDEXES, Deployment("test", "test"))
        feed = MongoFeed(client[database], lifetime)
        try:
            yield feed
        finally:
            await feed.stop()


@pytest.fixture
def feeds(mongodb_uri: str, mongodb_database: str) -> Callable[[int], Any]:
    """``async with feeds(n) as (feed, …)``: n feeds of one database, as n processes would hold."""

    @asynccontextmanager
    async def open_several(count: int) -> AsyncIterator[list[MongoFeed]]:
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(opened_feed(mongodb_uri, mongodb_database))
                for _ in range(count)
            ]

    return open_several


def policy(origin: str = "gb", *, red: bool = False) -> Policy:
    return Policy(origin, audience=frozenset() if red else None)


def offer(position: int, policy_class: int, **more: Any) -> Offer:
    object_id = more.pop("id", None) or f"x-thing--{uuid.uuid4()}"
    version = more.pop("version", V1 + position * 1000)
    data = more.pop("data", f'{{"id":"{object_id}","n":{position}}}'.encode())
    text = None if version is None else timestamps.canonical(version)
    return Offer(
        position=position,
        id=object_id,
        type=more.pop("type", "x-thing"),
        version=version,
        version_text=text,
        digest=more.pop("digest", data[-16:].rjust(16, b"\0")),
        data=data,
        policy=policy_class,
        **more,
    )


def publication(*offers: Offer, collection: int = 1, **more: Any) -> Publication:
    return Publication(
        id=more.pop("id", None) or str(uuid.uuid4()),
        collection=collection,
        collection_id="c0",
        api_root="root",
        agency=more.pop("agency", "gb"),
        account="acc",
        epoch=1,
        requested_at=1,
        readable=more.pop("readable", tuple({o.policy for o in offers})),
        offers=offers,
    )
