from __future__ import annotations

import asyncio

import pytest

from taxii_hub.store.meanwhile import meanwhile


async def test_work_is_done_while_the_question_is_on_its_way() -> None:
    order: list[str] = []
    worked = asyncio.Event()

    async def asked() -> str:
        order.append("asked")
        await worked.wait()
        order.append("answered")
        return "answer"

    def work() -> int:
        order.append("worked")
        worked.set()
        return 7

    assert await meanwhile(asked(), work) == ("answer", 7)
    assert order == ["asked", "worked", "answered"]


async def test_no_question_is_left_behind_by_work_that_fails() -> None:
    """The session would be used by two at a time."""
    over = False

    async def asked() -> None:
        nonlocal over
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        over = True

    with pytest.raises(ZeroDivisionError):
        await meanwhile(asked(), lambda: 1 // 0)
    assert over


async def test_a_question_that_fails_is_told() -> None:
    async def asked() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await meanwhile(asked(), lambda: 7)
