"""The order probe: writers and pollers against any TAXII 2.1 collection, then the sums.

missed      acknowledged, and never delivered to a poller that followed its cursor
lost        acknowledged, and not in the collection afterwards
duplicated  the same version twice to one poller
reordered   a page, or a following page, whose stamps do not ascend
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.support.wire_client import Answer, WireClient

FIRST, LAST = "x-taxii-date-added-first", "x-taxii-date-added-last"
BROKEN = (OSError, EOFError)


@dataclass(frozen=True)
class Target:
    """A collection's URL (without final slash) and who asks."""

    url: str
    auth: tuple[str, str]


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

    @property
    def clean(self) -> bool:
        """Nothing missed, lost, duplicated or out of order."""
        return not self.lost and not any(
            poller[what] for poller in self.pollers.values() for what in ("missed", "duplicated", "reordered")
        )


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
    """One run against one collection."""

    def __init__(self, target: Target, writers: int = 8, batch: int = 10) -> None:
        self._target = target
        self._path = urlsplit(target.url).path
        self._writers = writers
        self._batch = batch
        self._acknowledged: set[tuple[str, str]] = set()
        self._writing = True
        self._written = False
        self._retries = 0

    async def run(self, seconds: float, disturb: Callable[[], Any] | None = None) -> Sums:
        """Write and poll for ``seconds``, let the pollers come to the end, then count."""
        client = WireClient(self._target.url, self._target.auth)
        try:
            start = await self._newest(client)
            pollers = {
                "next": asyncio.create_task(self._by_next(client, start, 100)),
                "header": asyncio.create_task(self._by_header(client, start, "objects", 7, 0)),
                "manifest": asyncio.create_task(self._by_header(client, start, "manifest", 100, 0)),
                "sleepy": asyncio.create_task(self._by_header(client, start, "objects", 10_000, 0.4)),
            }
            began = time.monotonic()
            disturbing = asyncio.create_task(disturb()) if disturb else None
            writing = [asyncio.create_task(self._write(client)) for _ in range(self._writers)]
            await asyncio.sleep(seconds)
            self._writing = False
            await asyncio.gather(*writing)
            self._written = True
            took = time.monotonic() - began
            if disturbing is not None:
                disturbing.cancel()
            seen = {name: await task for name, task in pollers.items()}
            stored = Seen("walk")
            async for page, first, last in self._pages(client, "objects", start, 1000):
                stored.take(page, first, last)
        finally:
            client.close()
        return Sums(
            acknowledged=len(self._acknowledged),
            per_second=len(self._acknowledged) / took,
            lost=len(self._acknowledged - stored.versions),
            pollers={name: self._sums(poller) for name, poller in seen.items()},
            retries=self._retries,
        )

    def _sums(self, poller: Seen) -> dict[str, int]:
        return {
            "missed": len(self._acknowledged - poller.versions),
            "duplicated": poller.duplicated,
            "reordered": poller.reordered,
            "requests": poller.requests,
        }

    async def _newest(self, client: WireClient) -> str:
        """Where the collection ends now: a far future ``added_after`` is answered with the newest."""
        _, _, last = await self._page(client, "objects", {"added_after": "2999-01-01T00:00:00Z"})
        return last if last and last < "2999" else "2000-01-01T00:00:00Z"

    async def _write(self, client: WireClient) -> None:
        number = 0
        while self._writing:
            objects = [indicator(number + n) for n in range(self._batch)]
            number += self._batch
            body = orjson.dumps({"objects": objects})
            while True:
                answer = await self._tried(client.post(f"{self._path}/objects/", body))
                if answer is not None and answer.status == 202:
                    break
                self._retries += 1
                await asyncio.sleep(0.05)
            status = answer.json()
            for success in status.get("successes", []):  # type: ignore[attr-defined]
                self._acknowledged.add((success["id"], _instant(success["version"])))

    async def _by_next(self, client: WireClient, start: str, limit: int) -> Seen:
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
            await asyncio.sleep(0.005)

    async def _by_header(self, client: WireClient, start: str, what: str, limit: int, pause: float) -> Seen:
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
            await asyncio.sleep(pause if page else max(pause, 0.005))

    async def _pages(
        self, client: WireClient, what: str, start: str, limit: int
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
        self, client: WireClient, what: str, parameters: dict[str, str]
    ) -> tuple[list[tuple[str, str]], str | None, str | None]:
        answer = await self._get(client, what, parameters)
        return _versions(answer.json()), answer.headers.get(FIRST), answer.headers.get(LAST)

    async def _get(self, client: WireClient, what: str, parameters: dict[str, str]) -> Answer:
        while True:
            answer = await self._tried(client.get(f"{self._path}/{what}/", parameters))
            if answer is not None and answer.status == 200:
                return answer
            if answer is not None and answer.status < 500:
                raise AssertionError(f"{answer.status}: {answer.body!r}")
            await asyncio.sleep(0.05)

    @staticmethod
    async def _tried(asking: Awaitable[Answer]) -> Answer | None:
        try:
            return await asking
        except BROKEN:
            return None


def _versions(body: Any) -> list[tuple[str, str]]:
    found = []
    for item in body.get("objects", []):
        found.append((item["id"], _instant(item.get("version") or item["modified"])))
    return found


def _instant(text: str) -> str:
    """Equal for spellings that differ in the number of digits only."""
    return text.rstrip("Z").ljust(26, "0")
