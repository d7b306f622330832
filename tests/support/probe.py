"""The order probe: writers and pollers against any TAXII 2.1 collection, then the sums.

missed      acknowledged, and never delivered to a poller that followed its cursor
lost        acknowledged, and not in the collection afterwards
duplicated  the same version twice to one poller
reordered   a page, or a following page, whose stamps do not ascend
wrong       an answer that is not what a client of this hub may meet (``watched.py``)
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.support.watched import Target, Watched
from tests.support.wire_client import Answer

FIRST, LAST = "x-taxii-date-added-first", "x-taxii-date-added-last"

__all__ = ("Probe", "Sums", "Target", "indicator")


@dataclass
class Seen:
    """What one poller got."""

    name: str
    versions: set[tuple[str, str]] = field(default_factory=set)
    duplicated: int = 0
    reordered: int = 0
    requests: int = 0
    last_stamp: str = ""

    def take(self, versions: list[tuple[str, str]], first: str | None, last: str | None) -> None:
        """One page."""
        if versions and first is not None and last is not None:
            if not self.last_stamp < first <= last:
                self.reordered += 1
            self.last_stamp = last
        for version in versions:
            self.duplicated += version in self.versions
            self.versions.add(version)


@dataclass
class Sums:
    """The outcome of a run."""

    acknowledged: int
    per_second: float
    lost: int
    pollers: dict[str, dict[str, int]]
    retries: int
    refused: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    write_gap: float = 0.0
    poll_gap: float = 0.0
    slowest: float = 0.0

    @property
    def clean(self) -> bool:
        """Nothing missed, lost, duplicated or out of order, and nothing answered that should not be."""
        return not (self.lost or self.refused or self.wrong) and not any(
            self.worst(what) for what in ("missed", "duplicated", "reordered")
        )

    def worst(self, what: str) -> int:
        """Of the poller that had most of it."""
        return max(poller[what] for poller in self.pollers.values())


def indicator(number: int) -> dict[str, Any]:
    """An invented object that every validator accepts."""
    now = time.time_ns() // 1_000_000
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1000)) + f".{now % 1000:03}Z"
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": stamp,
        "modified": stamp,
        "name": f"probe {number}",
        "indicator_types": ["anomalous-activity"],
        "pattern": f"[domain-name:value = 'p{number}.example']",
        "pattern_type": "stix",
        "valid_from": stamp,
    }


class Probe:
    """One run against one collection, which several hubs may serve.

    ``pace``: seconds a writer waits after an answer, and a poller after an empty one.
    """

    def __init__(self, *targets: Target, writers: int = 8, batch: int = 10, pace: float = 0.0) -> None:
        self.watched = Watched(targets)
        self._path = urlsplit(targets[0].url).path
        self._writers = writers
        self._batch = batch
        self._pace = pace
        self._acknowledged: set[tuple[str, str]] = set()
        self._refused = 0
        self._writing = True
        self._written = False
        self._retries = 0

    @property
    def acknowledged(self) -> int:
        """Versions so far."""
        return len(self._acknowledged)

    async def run(self, seconds: float | None, disturb: Callable[[], Any] | None = None) -> Sums:
        """Write and poll for ``seconds``, let the pollers come to the end, then count.

        Without ``seconds``: until ``disturb`` has ended by itself.
        """
        client = self.watched
        try:
            start = await self._newest(client)
            async with asyncio.TaskGroup() as group:
                following = {
                    "next": self._by_next(client, start, 100),
                    "header": self._by_header(client, start, "objects", 7, 0),
                    "manifest": self._by_header(client, start, "manifest", 100, 0),
                    "sleepy": self._by_header(client, start, "objects", 10_000, 0.4),
                }
                pollers = {name: group.create_task(each) for name, each in following.items()}
                began = time.monotonic()
                await self._disturbed(group, seconds, disturb)
                self._written = True
                ended = time.monotonic()
            seen = {name: task.result() for name, task in pollers.items()}
            stored = seen["walk"] = Seen("walk")
            async for page, first, last in self._pages(client, "objects", start, 1000):
                stored.take(page, first, last)
        finally:
            client.close()
        return Sums(
            acknowledged=len(self._acknowledged),
            per_second=len(self._acknowledged) / (ended - began),
            lost=len(self._acknowledged - stored.versions),
            pollers={name: self._sums(poller) for name, poller in seen.items()},
            retries=self._retries,
            refused=self._refused,
            answers=dict(sorted(client.answers.items())),
            wrong=client.wrong,
            write_gap=client.longest_gap("POST", began, ended),
            poll_gap=client.longest_gap("GET", began, ended),
            slowest=client.slowest,
        )

    async def _disturbed(
        self, group: asyncio.TaskGroup, seconds: float | None, disturb: Callable[[], Any] | None
    ) -> None:
        """Writers, until it is time, and until each of them has heard of what it sent last."""
        disturbing = group.create_task(disturb()) if disturb else None
        writing = [group.create_task(self._write(self.watched)) for _ in range(self._writers)]
        if seconds is not None:
            await asyncio.sleep(seconds)
        elif disturbing is not None:
            await disturbing
        self._writing = False
        await asyncio.gather(*writing)
        if disturbing is not None:
            disturbing.cancel()

    def _sums(self, poller: Seen) -> dict[str, int]:
        return {
            "missed": len(self._acknowledged - poller.versions),
            "duplicated": poller.duplicated,
            "reordered": poller.reordered,
            "requests": poller.requests,
        }

    async def _newest(self, client: Watched) -> str:
        """Where the collection ends now: a far future ``added_after`` is answered with the newest."""
        _, _, last = await self._page(client, "objects", {"added_after": "2999-01-01T00:00:00Z"})
        return last if last and last < "2999" else "2000-01-01T00:00:00Z"

    async def _write(self, client: Watched) -> None:
        number = 0
        while self._writing:
            objects = [indicator(number + n) for n in range(self._batch)]
            number += self._batch
            body = orjson.dumps({"objects": objects})
            while True:
                answer = await client.post(f"{self._path}/objects/", body)
                if answer is not None and answer.status == 202:
                    break
                self._retries += 1
                await asyncio.sleep(0.05)
            status: Any = answer.json()
            self._refused += len(objects) - status["success_count"]
            for success in status.get("successes", []):
                self._acknowledged.add((success["id"], _instant(success["version"])))
            await asyncio.sleep(self._pace)

    async def _by_next(self, client: Watched, start: str, limit: int) -> Seen:
        seen = Seen("next")
        cursor = start
        while True:
            done = self._written
            grew = False
            async for page, first, last in self._pages(client, "objects", cursor, limit):
                seen.requests += 1
                seen.take(page, first, last)
                grew = grew or bool(page)
                cursor = last or cursor
            if done and not grew:
                return seen
            await asyncio.sleep(max(self._pace, 0.005))

    async def _by_header(self, client: Watched, start: str, what: str, limit: int, pause: float) -> Seen:
        seen = Seen(what)
        cursor = start
        while True:
            done = self._written
            page, first, last = await self._page(client, what, {"added_after": cursor, "limit": str(limit)})
            seen.requests += 1
            seen.take(page, first, last)
            cursor = last or cursor
            if done and not page:
                return seen
            await asyncio.sleep(pause if page else max(pause, self._pace, 0.005))

    async def _pages(
        self, client: Watched, what: str, start: str, limit: int
    ) -> AsyncIterator[tuple[list[tuple[str, str]], str | None, str | None]]:
        parameters = {"added_after": start, "limit": str(limit)}
        while True:
            answer = await self._get(client, what, parameters)
            body: Any = answer.json()
            yield _versions(body), answer.headers.get(FIRST), answer.headers.get(LAST)
            if not body.get("more"):
                return
            parameters = {"limit": str(limit), "next": body["next"]}

    async def _page(
        self, client: Watched, what: str, parameters: dict[str, str]
    ) -> tuple[list[tuple[str, str]], str | None, str | None]:
        answer = await self._get(client, what, parameters)
        return _versions(answer.json()), answer.headers.get(FIRST), answer.headers.get(LAST)

    async def _get(self, client: Watched, what: str, parameters: dict[str, str]) -> Answer:
        while True:
            answer = await client.get(f"{self._path}/{what}/", parameters)
            if answer is not None and answer.status == 200:
                return answer
            if answer is not None and answer.status < 500:
                raise AssertionError(f"{answer.status}: {answer.body!r}")
            await asyncio.sleep(0.05)


def _versions(body: Any) -> list[tuple[str, str]]:
    found = []
    for item in body.get("objects", []):
        found.append((item["id"], _instant(item.get("version") or item["modified"])))
    return found


def _instant(text: str) -> str:
    """Equal for spellings that differ in the number of digits only."""
    return text.rstrip("Z").ljust(26, "0")
