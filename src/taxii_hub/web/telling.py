"""What is kept of a request when it has ended: its line in the log, and what its consumer did."""

from __future__ import annotations

import time

from starlette.datastructures import Headers
from starlette.types import Scope

from taxii_hub.store.account_records import RequestFacts
from taxii_hub.taxii.filters import Asked
from taxii_hub.web.metrics import Answered
from taxii_hub.web.visit import Visit

_LONGEST = 200
_MOST_TYPES = 20


def shown(text: str) -> str:
    """A text of the client's, no longer than a log line has use for."""
    return text[:_LONGEST]


def request_line(scope: Scope, path: str, visit: Visit, answered: Answered) -> dict[str, object]:
    """The fields of one log line. Never credentials, bodies, cursors or values of filters by id."""
    client = scope.get("client")
    line: dict[str, object] = {
        "request_id": visit.id,
        "method": shown(answered.method),
        "route": answered.route,
        "path": shown(path),
        "status": answered.status,
        "ms": round(answered.seconds * 1000, 2),
        "bytes": answered.sent,
        "source": client[0] if client else None,
    }
    if visit.account is not None:
        line.update(account=visit.account.id, agency=visit.account.agency)
    if visit.asked is not None and visit.asked.given:
        line["query"] = _loggable(visit.asked)
    if visit.objects:
        line["objects"] = visit.objects
    if visit.error is not None:
        line["error"] = visit.error
    return line


def consumer_facts(scope: Scope, visit: Visit, status: int) -> RequestFacts:
    """What ``taxii-hub accounts show`` tells an admin of this request."""
    headers = Headers(scope=scope)
    asked = visit.asked
    given = asked.given if asked is not None else ()
    # an empty answer names the position it was asked from, that of a cursor included
    position = visit.mark if visit.mark is not None or asked is None else asked.query.added_after
    return RequestFacts(
        at=time.time_ns() // 1000,
        method=scope["method"],
        kind=visit.kind or "",
        status=status,
        collection=visit.collection.id if visit.collection is not None else None,
        accept=headers.get("accept"),
        user_agent=headers.get("user-agent"),
        sent=position,
        newest=visit.newest,
        objects=0 if scope["method"] == "HEAD" else visit.objects,
        filtered=any(name.startswith("match[") for name in given),
    )


def _loggable(asked: Asked) -> dict[str, object]:
    query = asked.query
    told: dict[str, object] = {"given": sorted(asked.given)}
    if query.limit is not None:
        told["limit"] = query.limit
    if query.added_after is not None:
        told["added_after"] = query.added_after
    if query.types:
        told["types"] = list(query.types[:_MOST_TYPES])
    return told
