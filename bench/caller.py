"""The driving side: http.client on one kept connection, timed from the request's first byte to the answer's last.

Decoding an answer is left out of the time: it is the client's business, though on the same cores.
"""

from __future__ import annotations

import base64
import http.client
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import zstandard

from bench.servers import Server

TAXII = "application/taxii+json;version=2.1"
LAST = "X-TAXII-Date-Added-Last"
_DROPPED = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)


class WrongAnswerError(Exception):
    """An answer that no client of a TAXII server expects."""


@dataclass(frozen=True)
class Reply:
    """``body`` is decoded; ``wire`` is what it was in bytes before; ``seconds`` as the module says."""

    seconds: float
    body: bytes
    wire: int
    headers: Message

    def json(self) -> dict[str, Any]:
        """The body as an object."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found


@dataclass
class Caller:
    """One connection of one client, for one thread."""

    server: Server
    coding: str = "identity"
    timeout: float = 120.0
    _connection: http.client.HTTPConnection | None = field(default=None, init=False)

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> Reply:
        """GET below the collection; raises WrongAnswerError for anything but 200."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._ask("GET", f"{urlsplit(self.server.url).path}/{path}{query}", None, 200)

    def post(self, body: bytes) -> Reply:
        """POST an envelope, and wait where the answer is that it takes time.

        Raises WrongAnswerError where an object was refused.
        """
        began = time.perf_counter()
        reply = self._ask("POST", f"{urlsplit(self.server.url).path}/objects/", body, 202)
        status = reply.json()
        root = urlsplit(self.server.url).path.split("/collections/")[0]
        while status["status"] == "pending":
            time.sleep(0.002)
            reply = self._ask("GET", f"{root}/status/{status['id']}/", None, 200)
            status = reply.json()
        if status["failure_count"]:
            raise WrongAnswerError(f"{status['failure_count']} refused: {status.get('failures', ())[:2]}")
        return Reply(time.perf_counter() - began, reply.body, reply.wire, reply.headers)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        found = {"Accept": TAXII, "Accept-Encoding": self.coding}
        if self.server.auth is not None:
            token = base64.b64encode(":".join(self.server.auth).encode()).decode()
            found["Authorization"] = f"Basic {token}"
        return found

    def _ask(self, method: str, path: str, body: bytes | None, wanted: int) -> Reply:
        headers = self.headers() | ({"Content-Type": TAXII} if body is not None else {})
        for last in (False, True):
            try:
                return self._once(method, path, (body, headers), wanted)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # a server may end a connection that was kept: once is no failure
                if last or not isinstance(error, _DROPPED):
                    raise WrongAnswerError(f"{method} {path}: {error!r}") from error
        raise AssertionError("the second time returns or raises")

    def _once(self, method: str, path: str, sent: tuple[bytes | None, dict[str, str]], wanted: int) -> Reply:
        parts = urlsplit(self.server.url)
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                parts.hostname or "", parts.port, timeout=self.timeout
            )
        began = time.perf_counter()
        self._connection.request(method, path, *sent)
        answer = self._connection.getresponse()
        raw = answer.read()
        seconds = time.perf_counter() - began
        if answer.will_close:
            self.close()
        body = _decoded(raw, answer.headers.get("Content-Encoding"))
        if answer.status != wanted:
            raise WrongAnswerError(f"{method} {path}: {answer.status} {body[:200]!r}")
        return Reply(seconds, body, len(raw), answer.headers)


def _decoded(raw: bytes, coding: str | None) -> bytes:
    if coding == "gzip":
        return zlib.decompress(raw, 31)
    return zstandard.decompress(raw) if coding == "zstd" else raw
