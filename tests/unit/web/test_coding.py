"""Coded answers: who gets which coding, and what it is (R-04, RFC 9110 section 12.5.3)."""

from __future__ import annotations

import asyncio
import gzip
import os
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.web import coding
from taxii_hub.web.coding import SMALLEST, THREAD_FROM, Choice, Shelf, chosen, coded, pack


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0.5, *", "gzip"),
        ("gzip;q=0.4, zstd;q=0.5", "zstd"),
        ("deflate, gzip;q=1.0, *;q=0.5", "gzip"),
        ("gzip; q=0.001", "gzip"),
        ("gzip ; Q = 0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, *", None),
        ("gzip;q=0, zstd", "zstd"),
        ("*;q=0", None),
        ("gzip;q=0.000", None),
        ("identity", None),
        ("identity, gzip", "gzip"),
        ("identity, gzip;q=0.9", None),
        ("identity;q=0.5, gzip;q=0.9", "gzip"),
        ("deflate, br", None),
        ("gzip;q=x", None),
        ("gzip;level=9", None),
        ("gzip;q=2", None),
        ("gzip;q=nan", None),
        ("gzip;q=1e-1", None),
        ("gzip;q=0.0001", None),
    ],
)
def test_the_coding_chosen(header, wanted):
    assert chosen(header).coding == wanted


@pytest.mark.parametrize(
    ("header", "identity"),
    [("gzip", True), ("gzip, identity;q=0", False), ("gzip, *;q=0", False), ("gzip, *;q=0, identity", True)],
)
def test_whether_a_body_may_go_uncoded(header, identity):
    assert chosen(header) == Choice("gzip", identity)


weights = st.sampled_from(["", ";q=0", ";q=0.3", ";q=0.7", ";q=1", ";q=zero"])
parts = st.tuples(st.sampled_from(["gzip", "x-gzip", "zstd", "identity", "br", "*"]), weights)


@given(st.lists(parts, max_size=6, unique_by=lambda part: part[0]))
def test_what_is_forbidden_or_unnamed_is_never_chosen(asked):
    named = {name: weight not in (";q=0", ";q=zero") for name, weight in asked}
    got = chosen(", ".join(name + weight for name, weight in asked)).coding
    assert got in (None, "gzip", "zstd")
    if got == "zstd":
        assert named.get("zstd")
    if got == "gzip":
        assert named.get("gzip", named.get("x-gzip", named.get("*")))


@given(st.text())
def test_any_header_gets_an_answer(header):
    assert chosen(header).coding in ("gzip", "zstd", None)


def unpack(sent: bytes, coding: str) -> bytes:
    """As a strict client does: one member or frame, to its end, and nothing behind it."""
    if coding == "zstd":
        zunpacker = zstandard.ZstdDecompressor().decompressobj()
        body = zunpacker.decompress(sent)
        assert (zunpacker.eof, zunpacker.unused_data) == (True, b"")
        return body
    unpacker = zlib.decompressobj(31)
    body = unpacker.decompress(sent)
    assert (unpacker.eof, unpacker.unused_data) == (True, b"")
    assert gzip.decompress(sent) == zlib.decompress(sent, 31) == body
    return body


@pytest.mark.parametrize("asked", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [SMALLEST + 1, THREAD_FROM + 1])
def test_a_body_is_packed_once_and_sent_again(monkeypatch, asked, size):
    body = os.urandom(16).hex().encode() * (size // 32 + 1)
    sent, got = asyncio.run(coded(body, asked))
    assert got == asked
    assert unpack(sent, asked) == body
    assert len(sent) < len(body) / 4

    def never(body: bytes, asked: str) -> bytes:
        raise AssertionError("packed twice")

    monkeypatch.setattr(coding, "pack", never)
    assert asyncio.run(coded(bytes(bytearray(body)), asked))[0] is sent
    with pytest.raises(AssertionError, match="packed twice"):
        asyncio.run(coded(body[:-1] + b"!", asked))


def test_a_small_body_is_sent_as_it_is():
    body = b"x" * SMALLEST
    assert asyncio.run(coded(body, "gzip")) == (body, None)


def test_a_small_body_is_packed_for_who_takes_nothing_else():
    sent, got = asyncio.run(coded(b"{}", "zstd, identity;q=0"))
    assert got == "zstd"
    assert unpack(sent, "zstd") == b"{}"


def test_a_large_body_is_sent_as_it_is_to_who_does_not_ask():
    body = b"x" * (THREAD_FROM + 1)
    assert asyncio.run(coded(body, "gzip;q=0")) == (body, None)


@given(st.binary(), st.sampled_from(["gzip", "zstd"]))
def test_packing_loses_nothing(body, asked):
    assert unpack(pack(body, asked), asked) == body


@given(st.lists(st.tuples(st.binary(max_size=3), st.sampled_from(["gzip", "zstd"])), max_size=40))
def test_a_shelf_holds_no_more_than_it_may_and_gives_back_what_was_kept(visits):
    """A body is found under its own bytes and coding alone, and the newest always is."""
    shelf = Shelf(most=32)
    for body, asked in visits:
        key = shelf.key(body, asked)
        packed = shelf.get(key)
        assert packed in (None, asked.encode() + body)
        shelf.keep(key, asked.encode() + body)
        assert shelf.get(key) == asked.encode() + body
        assert shelf.size <= 32


def test_what_is_asked_for_again_stays():
    shelf = Shelf(most=12)
    keys = [shelf.key(body, "gzip") for body in (b"a", b"b", b"c", b"d", b"e")]
    for key in keys[:4]:
        shelf.keep(key, b"123")
    shelf.get(keys[0])
    shelf.keep(keys[4], b"123")
    assert [shelf.get(key) is not None for key in keys] == [True, False, True, True, True]


def test_one_that_would_drive_out_many_is_not_kept():
    shelf = Shelf(most=12)
    shelf.keep(shelf.key(b"a", "gzip"), b"1234")
    assert shelf.size == 0


def test_two_processes_know_a_body_by_different_keys():
    """Nobody who can choose bytes can know which ones collide."""
    assert Shelf().key(b"a", "gzip") != Shelf().key(b"a", "gzip")
