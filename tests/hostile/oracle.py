"""What no answer of a hub may be, whatever was sent to it (DESIGN section 2, R8)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

TAXII = "application/taxii+json;version=2.1"
INTERNALS = re.compile(
    rb"pymongo|mongod|motor\.|bson|BSON|E11000|WiredTiger|WriteConflict|ServerSelection|Traceback|File \""
    rb"|site-packages|\.py[\"':, ]|/src/|/tmp/|/work/|/home/|uvicorn|starlette|fastapi|pydantic|orjson|lxml"
    rb"|asyncio|NoneType|KeyError|ValueError|TypeError|object at 0x"
)
"""Names of what the hub is made of; no sender of these tests uses one of them."""
_HTML = re.compile(rb"<(?:!doctype|html|body|head)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reply:
    """One answer; header names are in lower case, those sent twice joined by commas."""

    status: int
    headers: dict[str, str]
    body: bytes
    head: bytes = b""

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def faults(reply: Reply, *, head_only: bool = False, asked: str = "") -> list[str]:
    """What is wrong with an answer, in words; nothing for a clean one.

    ``head_only``: it answers HEAD. ``asked``: what it may repeat, where a request named internals itself.
    """
    found = []
    if reply.status >= 500 and reply.status != 503:
        found.append(f"status {reply.status}")
    if "server" in reply.headers:
        found.append(f"it names the server: {reply.headers['server']}")
    if INTERNALS.search(reply.head):
        found.append(f"internals in its head: {reply.head!r}")
    if not head_only:
        found += _body_faults(reply)
    named = INTERNALS.search(reply.body) if reply.status >= 400 and not head_only else None
    if named is not None and named[0].decode("latin-1") not in asked:
        found.append(f"internals in its body: {reply.body[:300]!r}")
    return found


def _body_faults(reply: Reply) -> list[str]:
    found = []
    media_type = reply.headers.get("content-type", "")
    if "html" in media_type or _HTML.search(reply.body[:500]):
        found.append("it is HTML")
    if reply.body and "json" in media_type and reply.headers.get("content-encoding") is None:
        try:
            document = json.loads(reply.body, parse_constant=_no_number)
        except ValueError as error:
            return [*found, f"its body is no JSON: {error}"]
        if reply.status >= 400:
            found += _error_faults(reply, document)
    elif reply.status >= 400:
        found.append(f"an error without a TAXII error resource ({media_type!r})")
    return found


def _error_faults(reply: Reply, document: Any) -> list[str]:
    found = []
    if reply.headers.get("content-type") != TAXII and "status" not in document:
        found.append(f"an error of the media type {reply.headers.get('content-type')!r}")
    told = document.get("http_status") if isinstance(document, dict) else None
    if told != str(reply.status) and reply.status != 503:
        found.append(f"an error {reply.status} that says http_status {told!r}")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
