"""The hub with one change that must never ship: the stamp is taken outside the transaction.

Only for ``bench/order.py``: what does it cost to take the stamp inside?
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI

from taxii_hub.bootstrap import create_app_from_environment
from taxii_hub.store.clock import ClockInCommit

_inside = ClockInCommit.move


async def _outside(
    self: ClockInCommit, session: Any, collection: int, entries: int, classes: Collection[int] = ()
) -> int:
    return await _inside(self, None, collection, entries, classes)  # type: ignore[arg-type]


def create_app() -> FastAPI:
    """The application of one worker."""
    ClockInCommit.move = _outside  # type: ignore[method-assign]
    return create_app_from_environment()
