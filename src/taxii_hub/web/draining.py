"""The last seconds of a worker behind a load balancer: not ready, yet answering.

The balancer's health check finds the hub not ready and sends nothing new; whoever still has a
connection gets his answer on it, and is told that it was the last one there.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READY = frozenset({"/health/ready", "/health/ready/"})
_LAST = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Draining:
    """The application while it is being taken out of service."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), _LAST]
            await send(message)

        if scope["path"] in _READY:
            await _not_ready(last)
        else:
            await self.app(scope, receive, last)


async def _not_ready(send: Send) -> None:
    body = b'{"status":"not ready"}'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"5"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
