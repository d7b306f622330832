"""Reading bodies: cut at the limit, bounded in time, never decoded (T-5.5-08, T-5.5-09)."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from taxii_hub.errors import (
    BadRequestError,
    SlowBodyError,
    TooLargeError,
    UnavailableError,
    UnsupportedMediaError,
)
from taxii_hub.web.body import MOST_HELD, Uploads, read_body
from taxii_hub.web.visit import open_visit


class Arriving:
    """A request whose body arrives in pieces; None is a client that goes away, a float a pause."""

    def __init__(self, *pieces: bytes | float | None, **headers: str) -> None:
        self.pieces = list(pieces)
        self.read = 0
        raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        self.visit = open_visit({"method": "POST", "path": "/", "headers": raw}, self.receive, None)

    async def receive(self):
        piece = self.pieces.pop(0) if self.pieces else b""
        if piece is None:
            return {"type": "http.disconnect"}
        if isinstance(piece, float):
            await asyncio.sleep(piece)
            return await self.receive()
        self.read += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    def body(self, limit: int, seconds: float = 5.0) -> bytes:
        return asyncio.run(read_body(self.visit, limit, lambda _: None, seconds))


def test_pieces_are_joined_up_to_the_limit():
    assert Arriving(b"abc", b"", b"de").body(5) == b"abcde"


def test_no_body_is_an_empty_one():
    assert Arriving().body(5) == b""


def test_an_announced_length_above_the_limit_is_refused_unread():
    arriving = Arriving(b"abcdef", content_length="6")
    with pytest.raises(TooLargeError, match="max_content_length of 5 bytes"):
        arriving.body(5)
    assert arriving.read == 0


def test_an_announced_length_at_the_limit_is_read():
    assert Arriving(b"abcde", content_length="5").body(5) == b"abcde"


def test_a_chunked_body_is_cut_as_soon_as_it_passes_the_limit():
    arriving = Arriving(*[b"abc"] * 100)
    with pytest.raises(TooLargeError):
        arriving.body(5)
    assert arriving.read == 6


@pytest.mark.parametrize("length", ["", "-1", "1e3", "²", "9" * 20, "5, 5"])
def test_a_length_that_is_none_is_refused(length):
    arriving = Arriving(b"abc")
    headers = [(b"content-length", length.encode("latin-1"))]
    arriving.visit = open_visit({"method": "POST", "path": "/", "headers": headers}, arriving.receive, None)
    with pytest.raises(BadRequestError, match="Content-Length"):
        arriving.body(5)
    assert arriving.read == 0


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_coded_body_is_refused_unread(coding):
    arriving = Arriving(b"abc", content_encoding=coding)
    with pytest.raises(UnsupportedMediaError, match="Content-Encoding"):
        arriving.body(5)
    assert arriving.read == 0


def test_identity_is_no_coding():
    assert Arriving(b"abc", content_encoding=" Identity ").body(5) == b"abc"


def test_a_slow_body_is_given_up():
    with pytest.raises(SlowBodyError, match="too slowly: 3 bytes"):
        Arriving(b"abc", 5.0, b"de").body(5, seconds=0.05)


def test_a_large_body_has_more_time():
    pieces = [b"x" * 8192, 0.1] * 4
    assert len(Arriving(*pieces).body(100_000, seconds=0.2)) == 4 * 8192
    with pytest.raises(SlowBodyError):
        Arriving(*[b"x", 0.1] * 4).body(100_000, seconds=0.2)


def test_bodies_share_the_room_of_the_process():
    uploads = Uploads()
    with uploads.room() as one:
        one(MOST_HELD - 10)
        with uploads.room() as other:
            other(10)
            with pytest.raises(UnavailableError):
                other(1)
            with pytest.raises(UnavailableError):
                one(1)
            assert uploads.held == MOST_HELD
        one(10)
    assert uploads.held == 0


def test_a_body_alone_may_be_as_large_as_its_api_root_allows():
    with Uploads().room() as take:
        take(MOST_HELD)
        take(MOST_HELD)


def test_a_body_without_room_is_not_read_on():
    arriving = Arriving(*[b"abc"] * 100)

    def full(size: int) -> None:
        raise UnavailableError("full")

    with pytest.raises(UnavailableError):
        asyncio.run(read_body(arriving.visit, 1000, full))
    assert arriving.read == 3


def test_a_client_that_goes_away_is_no_error_of_its_body():
    with pytest.raises(ClientDisconnect):
        Arriving(b"abc", None).body(5)
