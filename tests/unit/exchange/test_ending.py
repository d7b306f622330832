"""A task that is ended is over, also where a cancellation gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from taxii_hub.exchange import ending


async def _deaf(times: int, heard: Callable[[], None]) -> None:
    """Goes on after so many cancellations, as a loop around MongoDB's driver may."""
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            heard()
            if (times := times - 1) < 0:
                raise


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_lost_cancellations_are_repeated(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN", 0.001)
    heard: list[None] = []

    async def ended() -> bool:
        task = asyncio.create_task(_deaf(lost, lambda: heard.append(None)))
        await asyncio.sleep(0)
        await asyncio.wait_for(ending.end_task(task), 5)
        return task.cancelled()

    assert asyncio.run(ended())
    assert len(heard) == lost + 1


def test_a_task_that_was_over_says_what_it_failed_with() -> None:
    async def fails() -> None:
        raise LookupError("gone")

    async def ended() -> None:
        task = asyncio.create_task(fails())
        await asyncio.wait({task})
        await ending.end_task(task)

    with pytest.raises(LookupError, match="gone"):
        asyncio.run(ended())


def test_whoever_waits_can_be_cancelled_himself() -> None:
    """Else ending a deaf task would hold up the end of everything."""

    async def cancelled() -> bool:
        task = asyncio.create_task(_deaf(1, lambda: None))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(ending.end_task(task))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=5)
        await ending.end_task(task)
        return waiting.cancelled()

    assert asyncio.run(cancelled())
