"""The ceiling: what bare ASGI on uvicorn can send at most, shaped like one TAXII collection.

    python -m bench.ceiling CORPUS PORT

Every page is made once and kept; no accounts, no database, no router, nothing validated, nothing stored.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import uvicorn

STAMP = "2026-01-01T00:00:00.000000Z"
PATH = "/ceiling/collections/one"
NEW = 10
_TYPE = b"application/taxii+json;version=2.1"
_HEADERS = [
    (b"content-type", _TYPE),
    (b"x-taxii-date-added-first", STAMP.encode()),
    (b"x-taxii-date-added-last", STAMP.encode()),
]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Ceiling:
    """The application, over one object a line."""

    def __init__(self, lines: list[bytes]) -> None:
        read = [orjson.loads(line) for line in lines]
        self._one = {
            item["id"]: (b'{"objects":[%b]}' % line, b'{"versions":["%b"]}' % item["modified"].encode())
            for item, line in zip(read, lines, strict=True)
        }
        # an object that was posted is not kept: any other does for it
        self._any = next(iter(self._one.values()))
        rows = [orjson.dumps(_row(item)) for item in read]
        indicators = [line for item, line in zip(read, lines, strict=True) if item["type"] == "indicator"]
        self._lists = {"objects": lines, "manifest": rows, "indicator": indicators}
        self._pages: dict[tuple[str, int, int], bytes] = {}
        self._new = b'{"more":false,"objects":[%b]}' % b",".join(lines[:NEW])

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status = 200
        if scope["method"] == "POST":
            status, body = 202, await _count(receive)
        else:
            body = self._get(scope["path"].strip("/").split("/")[3:], scope["query_string"])
        headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _get(self, rest: list[str], query: bytes) -> bytes:
        if len(rest) > 1:
            return self._one.get(rest[1], self._any)[len(rest) - 2]
        asked = dict(parse_qsl(query.decode())) if query else {}
        if "added_after" in asked:
            return b"{}" if asked["added_after"] >= STAMP else self._new
        name = asked.get("match[type]", rest[0] if rest else "objects")
        return self._page(name, int(asked.get("next", 0)), int(asked.get("limit", 1000)))

    def _page(self, name: str, start: int, limit: int) -> bytes:
        page = self._pages.get((name, start, limit))
        if page is None:
            items, end = self._lists[name], start + limit
            more = b'true,"next":"%d"' % end if end < len(items) else b"false"
            page = b'{"more":%b,"objects":[%b]}' % (more, b",".join(items[start:end]))
            self._pages[name, start, limit] = page
        return page


async def _count(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    count = len(orjson.loads(b"".join(parts))["objects"])
    status = {"total_count": count, "success_count": count, "failure_count": 0, "pending_count": 0}
    return orjson.dumps({"id": "none", "status": "complete", **status})


def _row(item: dict[str, Any]) -> dict[str, str]:
    media_type = "application/stix+json;version=2.1"
    return {"id": item["id"], "date_added": STAMP, "version": item["modified"], "media_type": media_type}


def main() -> None:
    """Serve until ended."""
    corpus, port = Path(sys.argv[1]), int(sys.argv[2])
    app = Ceiling(corpus.read_bytes().splitlines())
    uvicorn.run(app, port=port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
