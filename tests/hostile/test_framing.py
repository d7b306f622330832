"""Requests that two programs in a row could understand differently: refused, or one request with one meaning."""

from __future__ import annotations

import pytest

from tests.hostile.oracle import faults
from tests.hostile.wire import Conversation, Target

DISCOVERY = b"GET /taxii2/ HTTP/1.1"
POST = b"POST /sandbox/collections/scratch/objects/ HTTP/1.1"
EMPTY = b'{"objects": []}'
SMUGGLED = b"GET /health/live HTTP/1.1\r\nHost: hub\r\n\r\n"


def clean(heard: Conversation) -> Conversation:
    """Every answer is one the hub may give, and nothing is left between them."""
    for reply in heard.replies:
        assert not faults(reply), (faults(reply), reply)
    assert not heard.rest
    return heard


def end(*headers: bytes) -> bytes:
    return b"".join(b"\r\n" + header for header in headers) + b"\r\n\r\n"


REFUSED = {
    "two lengths that differ": end(b"Content-Length: 15", b"Content-Length: 16") + EMPTY,
    "two equal lengths": end(b"Content-Length: 15", b"Content-Length: 15") + EMPTY,
    "a list of lengths": end(b"Content-Length: 15, 15") + EMPTY,
    "length and chunks": end(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
    "chunks and length": end(b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n" + SMUGGLED,
    "a negative length": end(b"Content-Length: -1") + EMPTY,
    "a length with a sign": end(b"Content-Length: +15") + EMPTY,
    "a length in hexadecimal": end(b"Content-Length: 0xf") + EMPTY,
    "a length beyond 64 bits": end(b"Content-Length: 99999999999999999999") + EMPTY,
    "an empty length": end(b"Content-Length: ") + EMPTY,
    "chunked that is not last": end(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "chunked with a vertical tab": end(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
    "a chunk without a size": end(b"Transfer-Encoding: chunked") + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk size that is no number": end(b"Transfer-Encoding: chunked") + b"zz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": end(b"Transfer-Encoding: chunked") + b"-1\r\na\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": end(b"Transfer-Encoding: chunked")
    + b"fffffffffffffffff\r\na\r\n0\r\n\r\n",
    "a chunk longer than told": end(b"Transfer-Encoding: chunked") + b"1\r\nabc\r\n0\r\n\r\n",
    "a blank before the colon": end(b"Content-Length : 15") + EMPTY,
    "a NUL in a header": end(b"X-Name: a\x00b") + EMPTY,
    "a header without a name": end(b": x", b"Content-Length: 15") + EMPTY,
    "a header line without a colon": end(b"nonsense", b"Content-Length: 15") + EMPTY,
    "a folded header": end(b"X-Name: a", b" Content-Length: 15") + EMPTY,
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_body_of_doubtful_length_is_refused_and_the_connection_ends(engineer: Target, case: str) -> None:
    heard = clean(engineer.say(engineer.head(POST, b"Content-Type: application/json") + REFUSED[case]))
    assert [reply.status for reply in heard.replies] in ([400], [415]), case
    assert heard.closed, case


ONE_ANSWER = {
    "line feeds only": b"GET /taxii2/ HTTP/1.1\nHost: hub\nContent-Length: 0\n\n",
    "an absolute address of another host": b"GET http://elsewhere.example/taxii2/ HTTP/1.1\r\nHost: hub\r\n\r\n",
    "an authority": b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: hub\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: hub\r\n\r\n",
    "no host": b"GET /taxii2/ HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\nHost: other\r\n\r\n",
    "an unknown method": b"BREW /taxii2/ HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a method in small letters": b"get /taxii2/ HTTP/1.1\r\nHost: hub\r\n\r\n",
    "no version": b"GET /taxii2/\r\n\r\n",
    "version 3": b"GET /taxii2/ HTTP/3.0\r\nHost: hub\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS on the plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "a blank line and nothing": b"\r\n\r\n\r\n\r\n nonsense\r\n\r\n",
    "bytes above ASCII": b"GET /\xff\xfe HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a NUL in the path": b"GET /\x00 HTTP/1.1\r\nHost: hub\r\n\r\n",
    "a tab for a blank": b"GET\t/taxii2/\tHTTP/1.1\r\nHost: hub\r\n\r\n",
    "an upgrade": b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "an upgrade to h2c": b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
}


@pytest.mark.parametrize("case", ONE_ANSWER)
def test_a_strange_request_has_one_clean_answer(engineer: Target, case: str) -> None:
    """Without credentials: none of them is a way past them."""
    heard = clean(engineer.say(ONE_ANSWER[case]))
    assert len(heard.replies) == 1, heard
    assert 400 <= heard.replies[0].status < 500


def test_pipelined_requests_are_answered_in_order(engineer: Target) -> None:
    paths = (b"/taxii2/", b"/nowhere/", b"/health/live", b"/sandbox/")
    heard = clean(engineer.say(b"".join(engineer.get(path) for path in paths)))
    assert [reply.status for reply in heard.replies] == [200, 404, 200, 200]


def test_what_follows_a_body_is_the_next_request_and_nothing_else(engineer: Target) -> None:
    path = b"/sandbox/collections/scratch/objects/"
    heard = clean(engineer.say(engineer.post(path, EMPTY) + SMUGGLED))
    assert [reply.status for reply in heard.replies] == [202, 200]


def test_a_refused_body_is_not_taken_for_requests(engineer: Target) -> None:
    """The body of a POST that is refused unread (415) is thrown away, whatever it looks like."""
    path = b"/sandbox/collections/scratch/objects/"
    sent = engineer.post(path, SMUGGLED, media_type=b"text/plain") + engineer.get(b"/sandbox/")
    heard = clean(engineer.say(sent))
    assert [reply.status for reply in heard.replies] in ([415, 200], [415])


def test_a_body_of_a_get_is_not_taken_for_requests(engineer: Target) -> None:
    request = engineer.get(b"/sandbox/", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED
    heard = clean(engineer.say(request + engineer.get(b"/taxii2/")))
    assert [reply.status for reply in heard.replies] in ([200, 200], [200])


def test_a_length_that_lies_is_no_envelope(engineer: Target) -> None:
    path = b"/sandbox/collections/scratch/objects/"
    shorter = engineer.post(path, EMPTY).replace(b"Content-Length: 15", b"Content-Length: 9")
    heard = engineer.say(shorter)
    assert {reply.status for reply in heard.replies} == {400}, (
        "a cut envelope, and its rest that is no request"
    )
    assert heard.closed
    for reply in heard.replies:
        assert not faults(reply)


def test_trailers_and_chunk_extensions_mean_nothing(engineer: Target) -> None:
    told = end(b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    body = b"f;name=value\r\n" + EMPTY + b"\r\n0\r\nX-Name: value\r\nAuthorization: none\r\n\r\n"
    heard = clean(engineer.say(engineer.head(POST) + told + body))
    assert [reply.status for reply in heard.replies] == [202]


def test_a_length_in_a_trailer_is_refused(engineer: Target) -> None:
    told = end(b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    heard = clean(
        engineer.say(engineer.head(POST) + told + b"f\r\n" + EMPTY + b"\r\n0\r\nContent-Length: 99\r\n\r\n")
    )
    assert {reply.status for reply in heard.replies} == {400}


def test_expecting_100_is_answered(engineer: Target) -> None:
    path = b"/sandbox/collections/scratch/objects/"
    head, _, body = engineer.post(path, EMPTY, b"Expect: 100-continue").partition(b"\r\n\r\n")
    heard = clean(engineer.say(head + b"\r\n\r\n", 0.1, body))
    assert [reply.status for reply in heard.replies] == [202]


ENDLESS = {
    "one trailer": (b"f\r\n" + EMPTY + b"\r\n0\r\nX: ", b"x" * 65_536),
    "many trailers": (b"f\r\n" + EMPTY + b"\r\n0\r\n", b"X-Name: value\r\n" * 4_096),
    "the extension of a chunk": (b"f;", b"x" * 65_536),
    "the size of a chunk": (b"", b"0" * 65_536),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_surrounds_a_body_has_an_end(engineer: Target, case: str) -> None:
    """Forty megabytes of trailers cost the hub half a gigabyte."""
    lead, piece = ENDLESS[case]
    told = end(b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    with engineer.connect() as connection:
        connection.sendall(engineer.head(POST) + told + lead)
        with pytest.raises(ConnectionError):
            connection.sendall(piece * 640)
