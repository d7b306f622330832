"""``/api/v1/openapi.json``: the description of the hub's own API, for those who may use it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from taxii_hub.web.api.callers import account_of

router = APIRouter(prefix="/api/v1")


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> dict[str, Any]:
    """Behind credentials like everything else: a hub tells strangers nothing about itself."""
    account_of(request)
    described: dict[str, Any] = request.app.openapi()
    return described
