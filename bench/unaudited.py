"""The hub with one change that must never ship: no page that is read becomes a leaf of the audit log.

Only for ``bench/audit.py``: what does the log cost?
"""

from __future__ import annotations

from fastapi import FastAPI

from taxii_hub.bootstrap import create_app_from_environment
from taxii_hub.exchange.audit import Audit, Reading


async def _nothing(self: Audit, reading: Reading) -> None:
    """Where the hub would queue a leaf."""


def create_app() -> FastAPI:
    """The application of one worker."""
    Audit.page = _nothing  # type: ignore[method-assign]
    return create_app_from_environment()
