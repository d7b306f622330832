"""The hub with one change that must never ship: the stamp is taken outside the transaction.

Only for ``bench/order.py``: what does it cost to take the stamp inside?
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from taxii_hub.bootstrap import create_app_from_environment
from taxii_hub.store.transaction import Transactions

_inside = Transactions._move_clock  # noqa: SLF001


async def _outside(self: Transactions, session: Any, collection: int, entries: int) -> int:
    return await _inside(self, None, collection, entries)  # type: ignore[arg-type]


def create_app() -> FastAPI:
    """The application of one worker."""
    Transactions._move_clock = _outside  # type: ignore[method-assign]  # noqa: SLF001
    return create_app_from_environment()
