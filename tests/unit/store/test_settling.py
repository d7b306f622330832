"""What follows from an officer's word: pure, and through a process that dies between (R2, R6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from taxii_hub.model import Signature, VersionFilter
from taxii_hub.store import committer
from taxii_hub.store.base import Change, Proposal, Settlement
from taxii_hub.store.feed import MongoFeed
from taxii_hub.store.held import HeldStore
from taxii_hub.store.plan import Planner
from taxii_hub.store.settling import judge, publication_of, words_for
from taxii_hub.store.wire import job_document, job_of
from tests.support.feeds import V1, offer, policy, publication
from tests.unit.store.test_feed import seen

Feeds = Callable[[int], Any]
DUE = V1 + 1000

WAITS = Proposal("p", "publish", 1, "c0", "root", "gb", "submitter", V1, DUE, 2, "x--1", V1, "", 1)
SAID = Settlement("s", 1, "p", "gb", "owl-1", 1, V1, "sign", signatures=2)


@pytest.mark.parametrize(
    ("said", "signed", "result"),
    [
        ({}, (), "signed"),
        ({}, ("owl-2",), "released"),
        ({}, ("owl-1",), "again"),
        ({"signatures": 3}, ("owl-2",), "signed"),
        ({"signatures": 1}, (), "signed"),
        ({"account": "submitter"}, ("owl-2",), "submitter"),
        ({"agency": "us"}, ("owl-2",), "gone"),
        ({"at": DUE}, ("owl-2",), "late"),
        ({"word": "refuse"}, (), "refused"),
        ({"word": "refuse", "account": "submitter"}, (), "refused"),
        ({"word": "expire"}, (), "not-due"),
        ({"word": "expire", "at": DUE}, ("owl-2",), "expired"),
    ],
)
def test_what_follows_from_a_word(said: dict[str, Any], signed: tuple[str, ...], result: str) -> None:
    waits = replace(WAITS, signed=tuple(Signature(name, V1) for name in signed))
    assert judge(waits, replace(SAID, **said)) == result


def test_words_and_publications_of_what_ends() -> None:
    assert "gb: because" in words_for(WAITS, replace(SAID, word="refuse", reason="because"))
    assert "in time" in words_for(WAITS, replace(SAID, word="expire"))
    with pytest.raises(ValueError, match="no content"):
        publication_of(WAITS, SAID)
    one = publication_of(
        replace(WAITS, offer=offer(3, 1, signatures=2, proposal="p", due=DUE)), replace(SAID, policy=7)
    )
    assert [(o.position, o.policy, o.signatures, o.proposal) for o in one.offers] == [(0, 7, 0, None)]


def test_jobs_survive_the_wire() -> None:
    said = replace(SAID, readable=(1, 2), policy=1, reason="ü")
    assert job_of(job_document(said)) == said
    move = Change("c", 1, "gb", "owl-1", 1, (1,), (1,), "x--1", VersionFilter(), V1, to=2, follow=True)
    moving = replace(move, also=(replace(move, id="d", object_id="y--1", pairs=((1, 2, None),)),))
    assert job_of(job_document(replace(said, change=moving))) == replace(said, change=moving)


def test_an_offer_that_is_to_wait_says_until_when() -> None:
    planner = Planner([], V1)
    with pytest.raises(ValueError, match="until when"):
        planner.publish(publication(offer(0, 1, signatures=1)))


async def held(feed: MongoFeed, count: int, signatures: int) -> tuple[int, list[str]]:
    (number,) = (await feed.intern(1, frozenset({policy()}))).values()
    offers = [offer(n, number, signatures=signatures, proposal=f"p{n}", due=DUE) for n in range(count)]
    status = await feed.commit(replace(publication(*offers), keep=DUE))
    assert [one.pending for one in status.outcomes] == [f"p{n}" for n in range(count)]
    return number, [f"p{n}" for n in range(count)]


def signature(number: int, proposal: str, account: str, **more: Any) -> Settlement:
    said = replace(SAID, id=f"{proposal}/{account}", proposal=proposal, account=account)
    return replace(said, policy=number, readable=(number,), signatures=1, **more)


async def test_two_processes_sign_at_once_and_repeat_what_they_said(feeds: Feeds) -> None:
    """R2: the same act sent again, since its answer was lost, changes nothing and is told the same."""
    async with feeds(2) as (one, two):
        number, proposals = await held(one, 5, signatures=2)
        for proposal in proposals:
            acts = [signature(number, proposal, "owl-1"), signature(number, proposal, "owl-2")]
            results = await asyncio.gather(one.settle(acts[0]), two.settle(acts[1]))
            assert sorted(results) == ["released", "signed"]
            last = acts[results.index("released")]
            assert await asyncio.gather(one.settle(last), two.settle(last)) == ["released", "released"]
            assert await two.settle(signature(number, proposal, "owl-3")) == "gone"
        page = await two.page(seen(number), _all(), "objects", 100)
        assert len(page.entries) == 5


async def test_what_died_half_way_is_said_again(feeds: Feeds) -> None:
    """The bytes leave the queue in the transaction that feeds them: a release that was cut off has done
    nothing, and the next officer's does it."""
    async with feeds(2) as (one, two):
        number, proposals = await held(one, 3, signatures=1)
        for proposal in proposals:
            task = asyncio.create_task(one.settle(signature(number, proposal, "owl-1")))
            await asyncio.sleep(0)
            task.cancel()
            result = await two.settle(signature(number, proposal, "owl-2"))
            assert result in ("released", "gone")
        assert len((await two.page(seen(number), _all(), "objects", 100)).entries) == 3
        store = HeldStore(one._database)
        assert await store.waiting("gb", 10) == ()
        assert {each.result for each in await store.ends("gb", 0, 10)} == {"released"}


async def test_one_status_for_several_commits_that_put_some_on_hold(
    feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large envelope is committed in parts; what waits stands in the status at its place, and how it ends too."""
    monkeypatch.setattr(committer, "PART_OBJECTS", 3)
    async with feeds(1) as (one,):
        (number,) = (await one.intern(1, frozenset({policy()}))).values()
        waits = {"signatures": 1, "due": DUE}
        offers = [offer(n, number, **({**waits, "proposal": f"p{n}"} if n % 2 else {})) for n in range(8)]
        status = await one.commit(replace(publication(*offers), keep=DUE))
        pending = [f"p{n}" if n % 2 else None for n in range(8)]
        assert [each.pending for each in status.outcomes] == pending
        assert [each.id for each in status.outcomes] == [each.id for each in offers]
        assert (await one.status(status.id), status.stored) == (status, 4)
        assert await one.settle(signature(number, "p1", "owl-1")) == "released"
        refusal = replace(signature(number, "p7", "owl-1"), word="refuse", reason="no")
        assert await one.settle(refusal) == "refused"
        told = await one.status(status.id)
        assert [each.pending for each in told.outcomes] == [None, None, None, "p3", None, "p5", None, None]
        assert [each.ok for each in told.outcomes] == [True] * 7 + [False]
        assert "no" in told.outcomes[7].message
        assert len((await one.page(seen(number), _all(), "objects", 100)).entries) == 5


def _all() -> Any:
    from taxii_hub.model import ObjectQuery

    return ObjectQuery()
