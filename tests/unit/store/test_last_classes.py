from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pymongo import MongoClient

from taxii_hub.model import Visibility
from taxii_hub.store import last_classes
from taxii_hub.store.base import Publication
from taxii_hub.store.queries import class_finds, class_scans
from tests.support.feeds import V1, offer, opened_feed, policy, publication

Feeds = Callable[[int], Any]
IDS = [f"x-thing--{n}" for n in range(10)]


def copies(which: int, version: int = V1, ids: Sequence[str] = IDS) -> Publication:
    offers = (offer(n, which, id=object_id, version=version) for n, object_id in enumerate(ids))
    return publication(*offers)


@pytest.mark.parametrize("few", [0, 10_000], ids=["through the classes", "object by object"])
async def test_the_class_of_what_a_reader_sees_last(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """R4: whichever way is taken, also where the classes hold more than is asked for."""
    monkeypatch.setattr(last_classes, "FEW_PAIRS", few)
    async with feeds(1) as (feed,):
        policies = [policy(), policy("a1"), policy("a2")]
        known = await feed.intern(1, frozenset(policies))
        wide, narrow, hidden = (known[each] for each in policies)
        await feed.commit(copies(wide))
        await feed.commit(copies(narrow, V1 + 1, IDS[1:3]))
        await feed.commit(copies(hidden, V1 + 2))
        seen = Visibility(1, "gb", (wide, narrow), 1, V1)
        newer = {IDS[1]: narrow, IDS[2]: narrow}
        assert await feed.classes_of(seen, IDS[:4], (narrow,)) == newer
        assert await feed.classes_of(seen, IDS[:1], (wide, narrow)) == {IDS[0]: wide}
        every = await feed.classes_of(seen, [*IDS, "x-thing--none"], (wide, narrow))
        assert every == dict.fromkeys(IDS, wide) | newer


async def test_what_is_hidden_costs_no_key(mongodb_uri: str, mongodb_database: str) -> None:
    """R4: neither way."""
    async with opened_feed(mongodb_uri, mongodb_database) as feed:
        known = await feed.intern(1, frozenset(policy(f"a{n:02}") for n in range(5)))
        numbers = sorted(known.values())
        for which in numbers:
            await feed.commit(copies(which))
    readable = numbers[::2]
    seen = Visibility(1, "gb", tuple(readable), 1, V1)
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        entries = client[mongodb_database]["entries"]
        for find in (*class_finds(seen, [*IDS, "x-thing--none"], readable), *class_scans(seen, readable)):
            rows = entries.find(find.filter, {"i": 1}).sort(list(find.order)).hint(find.hint)
            assert rows.explain()["executionStats"]["totalKeysExamined"] == len(IDS) * len(readable)
