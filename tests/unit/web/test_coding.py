"""gzip of answers: who gets it, and what it is (R-04, RFC 9110 section 12.5.3)."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.web.coding import SMALLEST, THREAD_FROM, coded, gzip_bytes, wants_gzip


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("*", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.000", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=x", False),
        ("gzip;level=9", False),
        ("gzip;q=2", False),
        ("gzip;q=nan", False),
    ],
)
def test_wants_gzip(header, wanted):
    assert wants_gzip(header) is wanted


@given(st.text())
def test_any_header_gets_an_answer(header):
    assert wants_gzip(header) in (True, False)


@pytest.mark.parametrize("size", [SMALLEST + 1, THREAD_FROM + 1])
def test_a_body_becomes_one_gzip_member(size):
    body = b"taxii " * (size // 6 + 1)
    sent, coding = asyncio.run(coded(body, "gzip"))
    assert coding == "gzip"
    assert gzip.decompress(sent) == body
    unpacker = zlib.decompressobj(31)
    unpacker.decompress(sent)
    assert unpacker.eof
    assert unpacker.unused_data == b""


def test_a_small_body_is_sent_as_it_is():
    body = b"x" * SMALLEST
    assert asyncio.run(coded(body, "gzip")) == (body, None)


def test_a_large_body_is_sent_as_it_is_to_who_does_not_ask():
    body = b"x" * (THREAD_FROM + 1)
    assert asyncio.run(coded(body, "gzip;q=0")) == (body, None)


@given(st.binary())
def test_packing_loses_nothing(body):
    assert gzip.decompress(gzip_bytes(body)) == body
