"""The layer before the routes: what is the same for every request.

Request ids, one log line and one count, the headers that every answer carries, HEAD, paths with and
without final slash, and the net under everything.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taxii_hub.exchange.consumers import WALKS
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account, Collection
from taxii_hub.store.account_records import RequestFacts
from taxii_hub.web import errors
from taxii_hub.web.metrics import Answered, Metrics
from taxii_hub.web.telling import consumer_facts, request_line, shown
from taxii_hub.web.visit import UNMATCHED, Visit, open_visit

_log = structlog.get_logger("taxii_hub.web")

_HEADERS = (
    # what an account may see is nobody's cache's business
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
_CLIENT_GONE = 499  # the number proxies use in their logs; nobody is there to be sent it


@dataclass(slots=True)
class _Reply:
    """Passes the answer on, with the headers that all have and without a body for HEAD."""

    send: Send
    headers: list[tuple[bytes, bytes]]
    head_only: bool
    status: int = 0
    sent: int = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self.headers]
        elif message["type"] == "http.response.body":
            if self.head_only:
                message["body"] = b""
            self.sent += len(message.get("body", b""))
        await self.send(message)


_WATCHED = frozenset({"/health/live", "/health/ready", "/metrics"})


@dataclass(frozen=True, slots=True)
class Front:
    """ASGI middleware; ``https`` says that clients reach the hub by https only."""

    app: ASGIApp
    hub: Hub
    metrics: Metrics
    https: bool = False
    common: tuple[tuple[bytes, bytes], ...] = field(init=False)

    def __post_init__(self) -> None:
        common = (*_HEADERS, _HTTPS_ONLY) if self.https else _HEADERS
        object.__setattr__(self, "common", common)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = open_visit(scope)
        path: str = scope["path"]
        if path.endswith("/") and path != "/":
            scope["path"] = path[:-1]
        headers = [*self.common, (b"x-request-id", visit.id.encode())]
        reply = _Reply(send, headers, scope["method"] == "HEAD")
        try:
            await self.app(scope, receive, reply)
        except ClientDisconnect:
            reply.status = _CLIENT_GONE
        except Exception:  # noqa: BLE001 - the net: a defect becomes a TAXII error and a line in the log
            visit.error = "internal"
            _log.exception("failed", request_id=visit.id, route=visit.route, path=shown(path))
            if not reply.status:
                await errors.broken(visit.id)(scope, receive, reply)
        finally:
            self._tell(scope, path, visit, reply)

    def _keep(self, account: Account, facts: RequestFacts, collection: Collection | None) -> None:
        self.hub.consumers.note(account.id, facts)
        stamp = facts.sent if facts.newest is None else facts.newest
        walks = facts.method == "GET" and facts.kind in WALKS and facts.status == 200 and not facts.filtered
        if walks and collection is not None and stamp is not None:
            self.metrics.positions.note(account, collection, stamp)

    def _tell(self, scope: Scope, path: str, visit: Visit, reply: _Reply) -> None:
        """What is kept of the request: in the metrics, of the consumer, in the log."""
        if visit.route == UNMATCHED and (route := scope.get("route")) is not None:
            visit.route = route.path
        answered = Answered(
            route=visit.route,
            method=scope["method"],
            status=reply.status or _CLIENT_GONE,
            seconds=time.perf_counter() - visit.started,
            sent=reply.sent,
            served=visit.objects if scope["method"] == "GET" else 0,
            published=visit.published,
        )
        self.metrics.count(answered)
        if visit.account is not None and visit.kind is not None:
            self._keep(visit.account, consumer_facts(scope, visit, answered.status), visit.collection)
        # Probes and scrapers come every few seconds: their lines would bury the others.
        tell = _log.debug if visit.route in _WATCHED and answered.status < 400 else _log.info
        tell("request", **request_line(scope, path, visit, answered))
