"""Asking for release tells the asker nothing, and reaches who may answer (R4)."""

from __future__ import annotations

import pytest

from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError, TooManyRequestsError
from taxii_hub.exchange import release_requests as asking
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account, ReleaseRequest
from tests.support.inprocess import account
from tests.support.probe import indicator
from tests.unit.exchange.test_releases import RED, desk, officer, post, queue, seen

NOTHING = "indicator--00000000-0000-4000-8000-000000000000"


async def asked(hub: Hub, object_id: str, collection: str = "strict", who: str = "us-elk") -> ReleaseRequest:
    wanted = asking.Asked("test", collection, object_id, "a case of ours")
    return await asking.ask(hub, account(who), wanted)


async def states(hub: Hub, later: int = 0) -> list[tuple[str, str, str | None]]:
    found = await asking.asked_by(hub, account("us-elk"))
    return sorted((each.object_id, asking.state_of(each, hub.now() + later), each.answer) for each in found)


async def test_asking_is_the_same_whatever_exists(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database) as hub:
        secret, plain = {**indicator(0), "object_marking_refs": [RED]}, indicator(1)
        await post(hub, secret, plain)
        for object_id in (secret["id"], plain["id"], NOTHING):
            await asked(hub, object_id)
        await asked(hub, secret["id"], "nowhere")
        assert {(state, answer) for _, state, answer in await states(hub)} == {("open", None)}
        ignored = {(state, answer) for _, state, answer in await states(hub, asking.TIME_TO_ANSWER)}
        assert ignored == {("no answer", None)}
        found = await asking.concerning(hub, officer("owl-1"))
        assert {each.object_id for each in found} == {secret["id"], plain["id"]}
        assert await asking.concerning(hub, officer("elk-1", "us-elk")) == ()
        with pytest.raises(ForbiddenError):
            await asking.concerning(hub, account("gb-owl"))


async def test_a_yes_releases_to_the_asker_and_a_no_tells_him_why(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with desk(mongodb_uri, mongodb_database) as hub:
        secrets = [{**indicator(n), "object_marking_refs": [RED]} for n in range(2)]
        await post(hub, *secrets)
        first, second = [await asked(hub, each["id"]) for each in secrets]
        _, proposal = await asking.answer(hub, officer("owl-1"), first.id, granted=True, words="of course")
        assert proposal is None
        assert [i for i, _ in await seen(hub, "us-elk")] == [secrets[0]["id"]]
        await asking.answer(hub, officer("owl-1"), second.id, granted=False, words="a source is in danger")
        answers = {(state, answer) for _, state, answer in await states(hub)}
        assert answers == {("answered", "of course"), ("answered", "a source is in danger")}
        with pytest.raises(BadRequestError, match="not open"):
            await asking.answer(hub, officer("owl-2"), second.id, granted=True, words="after all")
        figures = await asking.figures(hub, officer("owl-1"))
        assert (figures.open, figures.granted, figures.denied, figures.no_answer) == (0, 1, 1, 0)
        assert figures.median_seconds is not None


async def test_only_its_origin_answers(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database) as hub:
        await post(hub, indicator(0))
        nothing = await asked(hub, NOTHING)
        for who in (officer("owl-1"), officer("elk-1", "us-elk")):
            with pytest.raises(NotFoundError):
                await asking.answer(hub, who, nothing.id, granted=False, words="never heard of it")
        with pytest.raises(NotFoundError):
            await asking.answer(hub, officer("owl-1"), "no-such", granted=False, words="what is it")


async def test_a_yes_takes_the_signatures_that_a_release_takes(
    mongodb_uri: str, mongodb_database: str
) -> None:
    async with desk(mongodb_uri, mongodb_database, signatures=2) as hub:
        secret = {**indicator(0), "object_marking_refs": [RED]}
        await post(hub, secret)
        question = await asked(hub, secret["id"])
        _, proposal = await asking.answer(hub, officer("owl-1"), question.id, granted=True, words="it is due")
        assert await queue(hub) == [proposal]
        assert await seen(hub, "us-elk") == []


async def test_what_is_on_hold_can_be_asked_for(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database, hold="always") as hub:
        thing = indicator(0)
        await post(hub, thing)
        await asked(hub, thing["id"])
        (found,) = await asking.concerning(hub, officer("owl-1"))
        with pytest.raises(BadRequestError, match="waits for release itself"):
            await asking.answer(hub, officer("owl-1"), found.id, granted=True, words="certainly")


async def test_one_account_asks_so_often_and_others_go_on(mongodb_uri: str, mongodb_database: str) -> None:
    async with desk(mongodb_uri, mongodb_database) as hub:
        for _ in range(asking.MOST_PER_HOUR):
            await asked(hub, NOTHING)
        with pytest.raises(TooManyRequestsError) as refused:
            await asked(hub, indicator(0)["id"])
        assert 0 < refused.value.retry_after <= 3600
        other = Account("us-elk-tip", "us-elk", frozenset({"reader"}))
        await asking.ask(hub, other, asking.Asked("test", "strict", NOTHING, "another desk"))
