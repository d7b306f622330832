"""The layer before the routes: what is the same for every request.

Request ids, one log line and one count, the headers that every answer carries, HEAD, paths with and
without final slash, and the net under everything.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taxii_hub.errors import HubError, UnavailableError
from taxii_hub.web import errors
from taxii_hub.web.answers import Answer, Header
from taxii_hub.web.logs import Lines
from taxii_hub.web.routes import resource_at
from taxii_hub.web.serving import Serving
from taxii_hub.web.telling import request_line, shown, tell_consumers
from taxii_hub.web.visit import GONE, UNMATCHED, Visit, open_visit

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
_WATCHED = frozenset({"/health/live", "/health/ready", "/metrics"})


@dataclass(slots=True)
class _Reply:
    """Passes the answer on, with the headers that all have and without a body for HEAD."""

    send: Send
    visit: Visit
    common: tuple[Header, ...]

    async def __call__(self, message: Message) -> None:
        """As FastAPI sends it, piece by piece."""
        visit = self.visit
        if message["type"] == "http.response.start":
            visit.status = message["status"]
            identity = (b"x-request-id", visit.id.encode())
            message["headers"] = [*message.get("headers", ()), *self.common, identity]
        elif message["type"] == "http.response.body":
            if visit.method == "HEAD":
                message["body"] = b""
            visit.sent += len(message.get("body", b""))
        await self.send(message)

    async def answer(self, answer: Answer) -> None:
        """A whole answer."""
        visit = self.visit
        visit.status = answer.status
        length = (b"content-length", b"%d" % len(answer.body))
        identity = (b"x-request-id", visit.id.encode())
        headers = [*answer.headers, length, *self.common, identity]
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if visit.method == "HEAD" else answer.body
        visit.sent = len(body)
        await self.send({"type": "http.response.body", "body": body})


class Front:
    """ASGI: answers what is in the table of routes, and hands on to ``rest`` what is not."""

    def __init__(self, rest: ASGIApp, serving: Serving) -> None:
        self._rest = rest
        self._serving = serving
        self._common = (*_HEADERS, _HTTPS_ONLY) if serving.https else _HEADERS
        self._lines = Lines(serving.hub.settings.log_level)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        visit = open_visit(scope, receive, self._serving)
        path: str = scope["path"]
        reply = _Reply(send, visit, self._common)
        try:
            await self._respond(visit, reply)
        except ClientDisconnect:
            visit.status = _CLIENT_GONE
        except asyncio.CancelledError:
            if GONE in scope:
                visit.status = _CLIENT_GONE
            elif visit.status:
                raise
            else:  # stopping took too long; the server would answer 500 in plain text
                await reply.answer(errors.refused(visit, UnavailableError("The hub stops; send it again.")))
        except Exception:  # noqa: BLE001 - the net: a defect becomes a TAXII error and a line in the log
            answer = errors.broken(visit)
            _log.exception("failed", request_id=visit.id, route=visit.route, path=shown(path))
            if not visit.status:
                await reply.answer(answer)
        finally:
            seconds = time.perf_counter() - visit.started
            # in the next turn of the loop: what was answered is sent at the end of this one
            asyncio.get_running_loop().call_soon(self._tell, visit, path, seconds)

    async def _respond(self, visit: Visit, reply: _Reply) -> None:
        found = resource_at(visit.path)
        if found is None:
            visit.scope["path"] = visit.path
            await self._rest(visit.scope, visit.receive, reply)
            return
        resource, names = found
        endpoint = resource.endpoints.get("GET" if visit.method == "HEAD" else visit.method)
        if endpoint is None:
            await reply.answer(errors.unroutable(visit, 405, resource.allowed))
            return
        visit.route, visit.kind, visit.names = resource.path, resource.kind, names
        try:
            answer = await endpoint(visit)
        except HubError as error:
            answer = errors.refused(visit, error)
        await reply.answer(answer)

    def _tell(self, visit: Visit, path: str, seconds: float) -> None:
        """What is kept of the request: in the metrics, of the consumer, in the log."""
        if visit.route == UNMATCHED and (route := visit.scope.get("route")) is not None:
            visit.route = route.path
        visit.status = visit.status or _CLIENT_GONE
        self._serving.metrics.count(visit, seconds)
        tell_consumers(self._serving, visit)
        # Probes and scrapers come every few seconds: their lines would bury the others.
        level = "debug" if visit.route in _WATCHED and visit.status < 400 else "info"
        if self._lines.told(level):
            self._lines.add(request_line(visit, path, seconds), level)
