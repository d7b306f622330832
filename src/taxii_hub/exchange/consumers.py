"""What each consumer last did, so that an admin can answer "why does my SIEM get nothing".

Requests are noted in memory and told to the database once a second, so that the command line beside
the hub sees what every worker saw.
"""

from __future__ import annotations

from dataclasses import replace

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


class Consumers:
    """The consumers as one process sees them."""

    def __init__(self, log: ConsumerLog) -> None:
        self._log = log
        self._news: dict[tuple[str, str | None], ConsumerNews] = {}

    def note(self, account: str, facts: RequestFacts) -> None:
        """Keep one request of an account; memory only. ``accept`` and ``user_agent`` may come raw."""
        facts = replace(facts, accept=legible(facts.accept), user_agent=legible(facts.user_agent))
        pair = (account, facts.collection)
        before = self._news.pop(pair, None)
        self._news[pair] = _added(before, _news(account, facts))
        if len(self._news) > PENDING:
            del self._news[next(iter(self._news))]

    async def of(self, account: str) -> tuple[ConsumerRecord, ...]:
        """What every process saw of an account, up to a second ago. Raises UnavailableError."""
        return await self._log.read(account)

    async def refresh(self) -> None:
        """Tell the database; the heartbeat calls it once a second. Raises UnavailableError."""
        await self.flush()

    async def flush(self) -> None:
        """Tell the database what was noted; while it is away the news are kept for the next time."""
        news, self._news = self._news, {}
        try:
            await self._log.tell(news.values())
        except UnavailableError:
            for pair, newer in self._news.items():
                news[pair] = _added(news.get(pair), newer)
            self._news = dict(list(news.items())[-PENDING:])
            raise


def legible(text: str | None) -> str | None:
    """A header as it may stand in a list: at most 200 characters, none that move the cursor or hide."""
    if text is None:
        return None
    text = text[:LONGEST_TEXT]
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def _news(account: str, facts: RequestFacts) -> ConsumerNews:
    answered = facts.status < 400
    walked = answered and facts.method == "GET" and facts.kind in WALKS
    cursor = (facts.sent if facts.newest is None else facts.newest) if walked else None
    return ConsumerNews(
        account=account,
        collection=facts.collection,
        last=facts,
        refused=None if answered else facts,
        cursor=cursor,
        cursor_at=None if cursor is None else facts.at,
        objects=facts.objects,
    )


def _added(before: ConsumerNews | None, news: ConsumerNews) -> ConsumerNews:
    if before is None:
        return news
    return replace(
        news,
        refused=news.refused or before.refused,
        cursor=before.cursor if news.cursor is None else news.cursor,
        cursor_at=before.cursor_at if news.cursor is None else news.cursor_at,
        requests=before.requests + news.requests,
        objects=before.objects + news.objects,
    )
