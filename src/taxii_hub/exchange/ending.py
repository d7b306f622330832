"""Ending a task for certain."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

AGAIN: Final = 0.5
"""Seconds after which a task that goes on is cancelled once more."""


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel the task until it is over; raises what it failed with.

    One cancellation may be lost: ``asyncio.wait_for`` of Python 3.11, which MongoDB's driver uses for every
    command, drops the one that arrives together with the answer, and the driver makes others an error of
    its connection. A loop that survives its errors would then go on for ever, and whoever waits for its end.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN)
    with contextlib.suppress(asyncio.CancelledError):
        task.result()
