"""What is kept of a request when it has ended: its line in the log, and what its consumer did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from taxii_hub.exchange.consumers import LONGEST_TEXT, WALKS
from taxii_hub.store.account_records import RequestFacts
from taxii_hub.taxii.filters import Asked
from taxii_hub.web.visit import Visit

if TYPE_CHECKING:
    from taxii_hub.web.serving import Serving

_LONGEST = 200
_MOST_TYPES = 20


def shown(text: str) -> str:
    """A text of the client's, no longer than a log line has use for."""
    return text[:_LONGEST]


def request_line(visit: Visit, path: str, seconds: float) -> dict[str, object]:
    """The fields of one log line. Never credentials, bodies, cursors or values of filters by id."""
    line: dict[str, object] = {
        "event": "request",
        "request_id": visit.id,
        "method": shown(visit.method),
        "route": visit.route,
        "path": shown(path),
        "status": visit.status,
        "ms": round(seconds * 1000, 2),
        "bytes": visit.sent,
        "source": visit.source or None,
    }
    if visit.account is not None:
        line["account"] = visit.account.id
        line["agency"] = visit.account.agency
    if visit.asked is not None and visit.asked.given:
        line["query"] = _loggable(visit.asked)
    if visit.objects:
        line["objects"] = visit.objects
    if visit.error is not None:
        line["error"] = visit.error
    return line


def tell_consumers(serving: Serving, visit: Visit) -> None:
    """Keep what an admin may want to know of the consumer, and how far it has walked."""
    account = visit.account
    if account is None or visit.kind is None:
        return
    facts = consumer_facts(visit)
    serving.hub.consumers.note(account.id, facts)
    stamp = facts.sent if facts.newest is None else facts.newest
    walks = facts.method == "GET" and facts.kind in WALKS and facts.status == 200 and not facts.filtered
    if walks and visit.collection is not None and stamp is not None:
        serving.metrics.positions.note(account, visit.collection, stamp)


def consumer_facts(visit: Visit) -> RequestFacts:
    """What ``taxii-hub accounts show`` tells an admin of this request."""
    asked = visit.asked
    # an empty answer names the position it was asked from, that of a cursor included
    position = visit.mark if visit.mark is not None or asked is None else asked.query.added_after
    return RequestFacts(
        at=time.time_ns() // 1000,
        method=visit.method,
        kind=visit.kind or "",
        status=visit.status,
        collection=visit.collection.id if visit.collection is not None else None,
        accept=_cut(visit.header(b"accept")),
        user_agent=_cut(visit.header(b"user-agent")),
        sent=position,
        newest=visit.newest,
        objects=0 if visit.method == "HEAD" else visit.objects,
        filtered=asked is not None and _filtered(asked),
    )


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:LONGEST_TEXT]


def _filtered(asked: Asked) -> bool:
    return any(name.startswith("match[") for name in asked.given)


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
