"""Several hubs asked as one, and every answer looked at: it is a TAXII resource, or it is counted as wrong.

A broken connection is no answer; a client has to ask again. So is a 503, and it has to say when.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson

from tests.support.wire_client import Answer, WireClient

TAXII = "application/taxii+json;version=2.1"
BROKEN = (OSError, EOFError, asyncio.LimitOverrunError)
PATIENCE = 45.0
"""Seconds after which a request hangs."""


@dataclass(frozen=True)
class Target:
    """A collection's URL (without final slash) and who asks."""

    url: str
    auth: tuple[str, str]


class Watched:
    """Each request goes to the next of the targets; ``answers`` counts them by method and status."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._clients = [WireClient(target.url, target.auth) for target in targets]
        self._turn = itertools.cycle(self._clients)
        self._good: dict[str, list[float]] = {"GET": [], "POST": []}
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest = 0.0

    async def get(self, path: str, parameters: dict[str, str] | None = None) -> Answer | None:
        """GET; None where the connection broke."""
        return await self._asked("GET", lambda client: client.get(path, parameters))

    async def post(self, path: str, body: bytes) -> Answer | None:
        """POST an envelope; None where the connection broke."""
        return await self._asked("POST", lambda client: client.post(path, body))

    async def _asked(self, method: str, ask: Callable[[WireClient], Awaitable[Answer]]) -> Answer | None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await ask(next(self._turn))
        except TimeoutError:
            self.wrong.append(f"{method} hung for {PATIENCE:.0f} s")
            return None
        except BROKEN:
            self.answers[f"{method} broken"] += 1
            return None
        now = time.monotonic()
        self.slowest = max(self.slowest, now - began)
        self.answers[f"{method} {answer.status}"] += 1
        if answer.status in (200, 202):
            self._good[method].append(now)
        if fault := _fault(answer):
            self.wrong.append(f"{method} {answer.status}: {fault}: {answer.body[:300]!r}")
        return answer

    def first_good(self, method: str, after: float) -> float | None:
        """When the first request succeeded that was answered after this moment (monotonic seconds)."""
        return next((moment for moment in self._good[method] if moment > after), None)

    def longest_gap(self, method: str, began: float, ended: float) -> float:
        """The longest time in which no request of this method succeeded."""
        moments = [began, *(m for m in self._good[method] if began < m < ended), ended]
        return max(later - earlier for earlier, later in itertools.pairwise(moments))

    def close(self) -> None:
        """End all connections."""
        for client in self._clients:
            client.close()


def _fault(answer: Answer) -> str | None:
    """What is wrong with it for a client that did nothing wrong itself."""
    if answer.headers.get("content-type") != TAXII:
        return f"the content type is {answer.headers.get('content-type')}"
    try:
        body = orjson.loads(answer.body)
    except ValueError:
        return "the body is not JSON"
    if not isinstance(body, dict):
        return "the body is not an object"
    if answer.status in (200, 202):
        return None
    if answer.status != 503:
        return "neither success nor 503"
    if "title" not in body:
        return "it is no error resource"
    return None if answer.headers.get("retry-after", "").isdigit() else "it does not say when to ask again"
