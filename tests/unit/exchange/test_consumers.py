"""Noting requests in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import UnavailableError
from taxii_hub.exchange.consumers import LONGEST_TEXT, Consumers, legible
from taxii_hub.store.account_records import RequestFacts

POLL = RequestFacts(at=1_000, method="GET", kind="objects", status=200, collection="c1", sent=10)


class Log:
    def __init__(self) -> None:
        self.told = []
        self.away = False

    async def tell(self, news):
        if self.away:
            raise UnavailableError("away")
        self.told += news


def flushed(*notes, log=None):
    log = log or Log()
    consumers = Consumers(log)
    for account, facts in notes:
        consumers.note(account, facts)
    asyncio.run(consumers.refresh())
    return log.told


def test_a_poll_moves_the_cursor_to_the_newest_stamp_given():
    (news,) = flushed(("a", replace(POLL, newest=20, objects=3)))
    assert (news.cursor, news.cursor_at, news.objects, news.requests) == (20, 1_000, 3, 1)


def test_an_empty_answer_confirms_the_position_asked_from():
    (news,) = flushed(("a", POLL))
    assert news.cursor == 10


@pytest.mark.parametrize(
    "facts",
    [
        replace(POLL, status=400),
        replace(POLL, kind="object", newest=20),
        replace(POLL, kind="status"),
        replace(POLL, method="POST", status=202),
        replace(POLL, sent=None),
    ],
)
def test_other_requests_leave_the_cursor(facts):
    (news,) = flushed(("a", POLL), ("a", replace(facts, at=2_000)))
    assert (news.cursor, news.cursor_at) == (10, 1_000)
    assert news.last.at == 2_000
    assert news.requests == 2


def test_the_last_refused_request_stays_known_beside_later_successes():
    refused = replace(POLL, status=406, accept="application/vnd.oasis.taxii+json")
    (news,) = flushed(("a", refused), ("a", replace(POLL, at=2_000)))
    assert news.refused == refused
    assert news.last.status == 200


def test_accounts_and_collections_are_kept_apart():
    told = flushed(("a", POLL), ("b", POLL), ("a", replace(POLL, collection=None)))
    assert sorted((n.account, n.collection or "") for n in told) == [("a", ""), ("a", "c1"), ("b", "c1")]


def test_nothing_is_told_twice_and_nothing_is_forgotten_while_the_database_is_away():
    log = Log()
    consumers = Consumers(log)
    consumers.note("a", replace(POLL, objects=1))
    log.away = True
    with pytest.raises(UnavailableError):
        asyncio.run(consumers.flush())
    consumers.note("a", replace(POLL, at=2_000, objects=2))
    consumers.note("b", POLL)
    with pytest.raises(UnavailableError):
        asyncio.run(consumers.flush())
    log.away = False
    asyncio.run(consumers.flush())
    asyncio.run(consumers.flush())
    assert {(n.account, n.requests, n.objects, n.last.at) for n in log.told} == {
        ("a", 2, 3, 2_000),
        ("b", 1, 0, 1_000),
    }


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("taxii_hub.exchange.consumers.PENDING", 3)
    told = flushed(*((f"a{i}", POLL) for i in range(10)))
    assert [n.account for n in told] == ["a7", "a8", "a9"]


def test_headers_are_shortened_and_made_legible():
    raw = "Mozilla\r\n\x1b[31m\u202ered\x00" + "x" * 500
    (news,) = flushed(("a", replace(POLL, accept=raw, user_agent=raw)))
    assert news.last.accept == news.last.user_agent
    assert news.last.accept.startswith("Mozilla[31mredxxx")
    assert len(news.last.accept) <= LONGEST_TEXT


@given(st.one_of(st.none(), st.text(alphabet=st.characters())))
def test_what_is_kept_can_be_stored_and_shown(text):
    kept = legible(text)
    if text is None:
        assert kept is None
    else:
        assert kept.isprintable()
        kept.encode()
