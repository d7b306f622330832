"""The last seconds of a worker: answered, not ready, and the last answer on each connection."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from taxii_hub.web.draining import Draining


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        scope["seen"] = True
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def test_it_answers_and_closes_and_is_not_ready() -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Draining(_app)), base_url="http://hub"
    ) as client:
        for path in ("/taxii2/", "/health/live"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            assert answer.headers["x-app"] == "1"
        for path in ("/health/ready", "/health/ready/"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["connection"]) == (503, "close")
            assert answer.json() == {"status": "not ready"}


def test_other_scopes_pass() -> None:
    scope: dict[str, Any] = {"type": "lifespan"}
    asyncio.run(Draining(_app)(scope, None, None))  # type: ignore[arg-type]
    assert scope["seen"]
