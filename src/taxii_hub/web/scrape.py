"""``/metrics``: for an account with the role admin, or for anybody on a loopback port of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from taxii_hub.errors import HubError
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.releases import SOON
from taxii_hub.web.answers import Answer, answer
from taxii_hub.web.deps import account_with
from taxii_hub.web.metrics import CONTENT_TYPE, Metrics
from taxii_hub.web.visit import Visit

LOOPBACK = "127.0.0.1"
_SECONDS = 5.0
_LONGEST_REQUEST = 16 * 1024


async def get(visit: Visit) -> Answer:
    """The metrics of this worker."""
    account_with(visit, "admin")
    body = await render(visit.hub, visit.serving.metrics)
    return await answer(visit, body, media_type=CONTENT_TYPE)


async def render(hub: Hub, metrics: Metrics) -> bytes:
    """The metrics, with what is asked of the hub at this moment."""
    try:
        lags = await metrics.positions.lags(hub)
        desks = await hub.queue.pressing(hub.now(), hub.now() + SOON)
        reviews = await metrics.overdue_reviews.now(hub)
        metrics.audit(await hub.audit.records.state(), hub.now())
    except HubError:
        # a scrape while the database is away has to say just that
        return metrics.render(database_up=False, lags=())
    return metrics.render(not hub.ready(), lags, desks, reviews)


async def open_port(port: int, body: Callable[[], Awaitable[bytes]]) -> asyncio.Server:
    """Serve ``GET /metrics`` on loopback. Several workers share the port, as they share the hub's own."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await _scraped(head, body))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(converse, LOOPBACK, port, limit=_LONGEST_REQUEST, reuse_port=True)


async def _scraped(head: bytes, body: Callable[[], Awaitable[bytes]]) -> bytes:
    line = head.split(b"\r\n", 1)[0].split(b" ")
    if line[0] != b"GET" or line[1:2] != [b"/metrics"]:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    sent = await body()
    told = f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(sent)}\r\nConnection: close"
    return f"HTTP/1.1 200 OK\r\n{told}\r\n\r\n".encode() + sent
