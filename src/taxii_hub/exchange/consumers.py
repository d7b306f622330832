"""What each consumer last did, so that an admin can answer "why does my SIEM get nothing".

Requests are noted in memory and told to the database once a second, so that the command line beside
the hub sees what every worker saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from taxii_hub.errors import UnavailableError
from taxii_hub.store.account_records import (
    ConsumerLog,
    ConsumerNews,
    ConsumerRecord,
    RequestFacts,
)

PENDING = 10_000
LONGEST_TEXT = 200
WALKS = frozenset({"objects", "manifest"})


@dataclass(slots=True)
class _Seen:
    """What was noted of one account in one collection; added to in place, since every request does."""

    last: RequestFacts
    refused: RequestFacts | None = None
    cursor: int | None = None
    cursor_at: int | None = None
    requests: int = 0
    objects: int = 0

    def add(self, facts: RequestFacts) -> None:
        """One more request."""
        self.last = facts
        self.requests += 1
        self.objects += facts.objects
        if facts.status >= 400:
            self.refused = facts
        elif facts.method == "GET" and facts.kind in WALKS:
            cursor = facts.sent if facts.newest is None else facts.newest
            if cursor is not None:
                self.cursor, self.cursor_at = cursor, facts.at

    def follow(self, older: _Seen) -> None:
        """Count what was noted before."""
        self.refused = self.refused or older.refused
        if self.cursor is None:
            self.cursor, self.cursor_at = older.cursor, older.cursor_at
        self.requests += older.requests
        self.objects += older.objects

    def news(self, account: str) -> ConsumerNews:
        """As the database is told."""
        return ConsumerNews(
            account=account,
            collection=self.last.collection,
            last=_legible(self.last),
            refused=None if self.refused is None else _legible(self.refused),
            cursor=self.cursor,
            cursor_at=self.cursor_at,
            requests=self.requests,
            objects=self.objects,
        )


class Consumers:
    """The consumers as one process sees them."""

    def __init__(self, log: ConsumerLog) -> None:
        self._log = log
        self._seen: dict[tuple[str, str | None], _Seen] = {}

    def note(self, account: str, facts: RequestFacts) -> None:
        """Keep one request of an account; memory only. ``accept`` and ``user_agent`` may come raw."""
        pair = (account, facts.collection)
        # taken out and put back: the one that was heard of longest ago stands first
        seen = self._seen.pop(pair, None) or _Seen(facts)
        seen.add(facts)
        self._seen[pair] = seen
        if len(self._seen) > PENDING:
            del self._seen[next(iter(self._seen))]

    async def of(self, account: str) -> tuple[ConsumerRecord, ...]:
        """What every process saw of an account, up to a second ago. Raises UnavailableError."""
        return await self._log.read(account)

    async def refresh(self) -> None:
        """Tell the database; the heartbeat calls it once a second. Raises UnavailableError."""
        await self.flush()

    async def flush(self) -> None:
        """Tell the database what was noted; while it is away the news are kept for the next time."""
        told, self._seen = self._seen, {}
        try:
            await self._log.tell(_news(told))
        except UnavailableError:
            for pair, newer in self._seen.items():
                if (older := told.pop(pair, None)) is not None:
                    newer.follow(older)
            self._seen = dict([*told.items(), *self._seen.items()][-PENDING:])
            raise


def _news(seen: Mapping[tuple[str, str | None], _Seen]) -> list[ConsumerNews]:
    return [each.news(account) for (account, _), each in seen.items()]


def legible(text: str | None) -> str | None:
    """A header as it may stand in a list: at most 200 characters, none that move the cursor or hide."""
    if text is None:
        return None
    text = text[:LONGEST_TEXT]
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def _legible(facts: RequestFacts) -> RequestFacts:
    return replace(facts, accept=legible(facts.accept), user_agent=legible(facts.user_agent))
