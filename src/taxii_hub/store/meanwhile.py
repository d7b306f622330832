"""Working while the database does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")
Result = TypeVar("Result")


async def meanwhile(asked: Coroutine[Any, Any, Answer], work: Callable[[], Result]) -> tuple[Answer, Result]:
    """The answer, and what was worked out while it was waited for. What goes wrong is told when both are over."""
    asking = asyncio.ensure_future(asked)
    try:
        await asyncio.sleep(0)  # the question is on its way
        result = work()
    finally:
        answer = await asking
    return answer, result
