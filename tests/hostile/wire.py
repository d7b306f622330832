"""Bytes to a hub and bytes back, without any client that would correct them."""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.hostile.oracle import TAXII, Reply

HANG = 15.0
"""Seconds after which an answer that did not come is a hang, on a machine that is busy with other tests too."""
PROMPT = 3.0
"""Seconds in which others are served, whatever a hostile client does."""
_MOMENT = 0.1


@dataclass(frozen=True)
class Target:
    """Where a hub listens, and credentials that it knows."""

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def of(cls, url: str, credentials: tuple[str, str]) -> Target:
        parts = urlsplit(url)
        return cls(parts.hostname or "", parts.port or 80, *credentials)

    @property
    def basic(self) -> bytes:
        """The value of Authorization."""
        return b"Basic " + base64.b64encode(f"{self.user}:{self.password}".encode())

    def head(self, line: bytes, *headers: bytes) -> bytes:
        """Request line and headers, with those that every request needs, without the empty line."""
        own = (b"Host: hub", b"Authorization: " + self.basic, b"Accept: " + TAXII.encode())
        return b"\r\n".join((line, *own, *headers))

    def get(self, path: bytes, *headers: bytes) -> bytes:
        """A whole GET."""
        return self.head(b"GET " + path + b" HTTP/1.1", *headers) + b"\r\n\r\n"

    def post(self, path: bytes, body: bytes, *headers: bytes, media_type: bytes = TAXII.encode()) -> bytes:
        """A whole POST."""
        length = b"Content-Length: %d" % len(body)
        told = (b"Content-Type: " + media_type, length, *headers)
        return self.head(b"POST " + path + b" HTTP/1.1", *told) + b"\r\n\r\n" + body

    def connect(self) -> socket.socket:
        """A connection that gives up after HANG seconds."""
        return socket.create_connection((self.host, self.port), timeout=HANG)

    def say(self, *steps: bytes | float) -> Conversation:
        """Send bytes and make pauses, then read until the hub closes or is silent for a moment."""
        with self.connect() as connection:
            try:
                for step in steps:
                    if isinstance(step, float):
                        time.sleep(step)
                    else:
                        connection.sendall(step)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it answered and closed already; what it said can still be read
            return _heard(connection)

    def ask(self, request: bytes, patience: float = HANG) -> Reply:
        """The first answer on a connection of its own."""
        with self.connect() as connection:
            connection.settimeout(patience)
            # it may have answered and closed already; what it said can still be read
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            heard = _heard(connection, 1, patience, head_only=request.startswith(b"HEAD"))
        assert heard.replies, heard
        return heard.replies[0]


@dataclass(frozen=True)
class Conversation:
    """What a hub said on one connection; ``closed``: it ended the connection."""

    replies: tuple[Reply, ...]
    closed: bool
    rest: bytes = b""


def _heard(
    connection: socket.socket, wanted: int = 0, patience: float = HANG, *, head_only: bool = False
) -> Conversation:
    """What comes until the hub closes or has been silent for a moment after an answer, or until there are
    ``wanted`` answers."""
    data, closed = b"", False
    while True:
        replies, rest = split(data, head_only=head_only)
        if wanted and len(replies) >= wanted:
            break
        connection.settimeout(_MOMENT if replies and not rest else patience)
        try:
            piece = connection.recv(65536)
        except TimeoutError:
            break
        except ConnectionResetError:
            closed = True
            break
        if not piece:
            closed = True
            break
        data += piece
    replies, rest = split(data, head_only=head_only)
    return Conversation(tuple(replies), closed, rest)


def split(data: bytes, *, head_only: bool = False) -> tuple[list[Reply], bytes]:
    """The whole answers that ``data`` begins with, and the bytes after them."""
    found = []
    while True:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return found, data
        reply = parse_head(head)
        if reply.status == 100:
            data = rest
            continue
        length = 0 if head_only else int(reply.headers.get("content-length", "0"))
        if len(rest) < length:
            return found, data
        found.append(Reply(reply.status, reply.headers, rest[:length], head))
        data = rest[length:]


def parse_head(head: bytes) -> Reply:
    """An answer's status and headers."""
    line, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for name, value in _pairs(lines):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Reply(int(line.split(" ")[1]), headers, b"", head)


def _pairs(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()
