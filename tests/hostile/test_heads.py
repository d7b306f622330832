"""Paths, queries and headers that no honest client sends: a clean refusal, or as if they were not there."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import orjson
import pytest

from tests.hostile.oracle import Reply, faults
from tests.hostile.wire import Target
from tests.support.hubs import RunningHub
from tests.support.probe import indicator

HERE = b"/sandbox/collections/scratch"


def clean(reply: Reply) -> Reply:
    assert not faults(reply), (faults(reply), reply)
    return reply


LONG = b"x" * 60_000
SEGMENTS = [
    b"..", b"...", b"%2e%2e", b"%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"..%5c..%5cwindows", b"%252e%252e", b"%00", b"a%00b",
    b"%0d%0aX-Injected:%201", b"%c0%ae%c0%ae", b"%ff", b"%", b"%zz", b"%u0041", b";x=1", b"a;b", b"~", b"*", b"$ne",
    b"%7b%22$gt%22:%22%22%7d", b"[]", b"%5b$ne%5d", b"'%20OR%201=1--", b"$%7bjndi:ldap:%2f%2f127.0.0.1%2fa%7d",
    b"{{7*7}}", b"null", b"undefined", b"-1", b"%e2%80%ae", b"%f0%9f%92%a9", b"%ed%a0%80", b"con", b".git", b"%20", b"+",
    LONG, b"%41" * 20_000,
]  # fmt: skip
PLACES = (
    b"/%s/", b"/%s/collections/", b"/sandbox/collections/%s/", b"/sandbox/collections/%s/objects/",
    b"/sandbox/collections/scratch/objects/%s/", b"/sandbox/collections/scratch/objects/%s/versions/",
    b"/sandbox/status/%s/", b"/api/v1/%s", b"/api/v1/mappings/%s", b"/api/v1/releases/%s", b"/health/%s", b"/taxii2/%s",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_segment_of_a_path_is_a_name_and_nothing_else(engineer: Target, place: bytes) -> None:
    for segment in SEGMENTS:
        reply = clean(engineer.ask(engineer.get(place % segment)))
        assert 400 <= reply.status < 500, (segment[:40], reply)
        assert "x-injected" not in reply.headers


@pytest.mark.parametrize(
    "path",
    [
        b"//taxii2//", b"/taxii2//", b"//sandbox/", b"/sandbox//collections/", b"/sandbox/./collections/",
        b"/sandbox/../sandbox/",b"/taxii2/../sandbox/collections/", b"/%74axii2/..",
          b"/SANDBOX/", b"/Taxii2/",
        b"/taxii2/%2e%2e/%2e%2e/etc/passwd", b"/.well-known/security.txt", b"/docs", b"/redoc", b"/openapi.json",
        b"/favicon.ico", b"/robots.txt", b"/.env", b"/server-status", b"/debug", b"/static/../../etc/passwd",
    ],
)  # fmt: skip
def test_a_path_that_is_none_is_404(engineer: Target, path: bytes) -> None:
    assert clean(engineer.ask(engineer.get(path))).status == 404


@pytest.mark.parametrize("path", [b"/sandbox%2fcollections/", b"/sandbox/collections%2Fscratch/"])
def test_an_escaped_slash_is_one_and_no_way_around_anything(
    engineer: Target, heron: Target, path: bytes
) -> None:
    """Rights belong to the resource that answers, not to the spelling of its path."""
    plain = path.replace(b"%2f", b"/").replace(b"%2F", b"/")
    assert clean(engineer.ask(engineer.get(path))).body == engineer.ask(engineer.get(plain)).body
    assert clean(engineer.ask(path.join((b"GET ", b" HTTP/1.1\r\nHost: hub\r\n\r\n")))).status == 401


@pytest.mark.parametrize(
    "query",
    [
        b"match[type][$ne]=x", b"match[type][$gt]=", b'match[type]={"$ne":null}', b'match[id]={"$gt":""}',
        b"match[id][$regex]=.*", b"match[$where]=sleep(9)", b"match[version][$in]=all", b"$where=1", b"match[]=x",
        b"match=x", b"match[id]=$ne", b"limit[$gt]=1", b"added_after[$gt]=2000-01-01T00:00:00Z", b"next[$ne]=",
        b"match%5bid%5d%5b%24ne%5d=x", b"match[type]=a%00b", b"match[id]=%00", b"match[type]='%20OR%20'1'='1",
    ],
)  # fmt: skip
def test_an_operator_is_a_text(engineer: Target, query: bytes) -> None:
    """Only equality ever reaches the database: a filter matches nothing, or it is none (ignored)."""
    every = engineer.ask(engineer.get(HERE + b"/manifest/?limit=3")).json()
    reply = clean(engineer.ask(engineer.get(HERE + b"/manifest/?limit=3&" + query.replace(b" ", b"%20"))))
    assert reply.status in (200, 400)
    if reply.status == 200:
        found = reply.json()
        assert not found or found.get("objects") == every.get("objects"), "ignored, or nothing found"


def test_nothing_of_a_request_is_packed_with_what_it_asks_for(engineer: Target) -> None:
    """Lengths of packed answers tell nothing to who can choose a part of them: errors repeat words, and go as they are."""
    packing = b"Accept-Encoding: gzip"
    word = b"kestrel" * 300
    some = orjson.dumps({"objects": [indicator(number) for number in range(20)]})
    assert clean(engineer.ask(engineer.post(HERE + b"/objects/", some))).status == 202
    page = clean(engineer.ask(engineer.get(HERE + b"/manifest/?limit=1000&other=" + word, packing)))
    plain = clean(engineer.ask(engineer.get(HERE + b"/manifest/?limit=1000&other=" + word)))
    assert page.headers.get("content-encoding") == "gzip"
    assert word not in plain.body
    cut = clean(
        engineer.ask(engineer.get(HERE + b"/manifest/?limit=1&match[type]=relationship," + word, packing))
    )
    assert b"kestrel" not in cut.body, "filters stand in next, encoded"
    wrong = clean(engineer.ask(engineer.get(HERE + b"/manifest/?limit=" + word, packing)))
    assert wrong.status == 400
    assert "content-encoding" not in wrong.headers


@pytest.mark.parametrize(
    "query",
    [
        b"limit=0", b"limit=-1", b"limit=1e3", b"limit=0x10", b"limit=%d9%a1", b"limit=", b"limit=1.0", b"limit=NaN",
        b"limit=1&limit=2", b"added_after=", b"added_after=now", b"added_after=2026-13-01T00:00:00Z",
        b"added_after=2026-01-01T00:00:00%2b01:00x", b"added_after=" + b"9" * 50_000, b"added_after=2026-01-01",
        b"added_after=-2026-01-01T00:00:00Z", b"added_after=%d9%a2026-01-01T00:00:00Z", b"match[version]=x",
        b"match[version]=all,last", b"match[version]=", b"match[id]=", b"match[type]=" + b"a" * 400,
        b"match[spec_version]=2", b"match[id]=" + b",".join(b"%d" % n for n in range(1_001)), b"next=", b"next=x",
        b"next=" + b"A" * 70_000, b"match[type]=%ff",
    ],
)  # fmt: skip
@pytest.mark.parametrize("resource", [b"objects", b"manifest"])
def test_a_filter_that_makes_no_sense_is_400(engineer: Target, resource: bytes, query: bytes) -> None:
    assert clean(engineer.ask(engineer.get(HERE + b"/" + resource + b"/?" + query))).status == 400


@pytest.mark.parametrize(
    "header",
    [
        b"Accept: " + b"a/b," * 25_000, b"Accept: " + b";q=" * 30_000, b"Accept: " + b'"' * 90_000, b"Accept: ;;;,,,",
        b"Accept-Encoding: " + b"gzip;q=0.1," * 9_000, b"Accept-Encoding: \xff\xfe", b"Cookie: " + b"a=b;" * 20_000,
        b"Range: bytes=0-1,0-2", b"If-None-Match: *", b"If-Modified-Since: x", b"X-HTTP-Method-Override: DELETE",
        b"X-Original-URL: /metrics", b"X-Rewrite-URL: /metrics", b"Origin: https://evil.example", b"Connection: " + b"x," * 9000,
        b"TE: trailers", b"Via: 1.1 " + b"x" * 9000, b"User-Agent: \x1b[2J\xe2\x80\xae", b"Referer: javascript:alert(1)",
        b"X-Request-Id: spoofed\x1b", b"Traceparent: 00-" + b"0" * 32, b"Max-Forwards: 0", b"Date: yesterday",
    ],
)  # fmt: skip
def test_a_header_of_any_kind_is_answered_cleanly(engineer: Target, header: bytes) -> None:
    reply = clean(engineer.ask(engineer.get(b"/sandbox/collections/", header)))
    assert reply.status in (200, 400, 406)
    assert "access-control-allow-origin" not in reply.headers
    assert "spoofed" not in reply.headers.get("x-request-id", "")


def test_a_thousand_headers_are_answered(engineer: Target) -> None:
    many = [b"X-%d: y" % number for number in range(2_000)]
    assert clean(engineer.ask(engineer.get(b"/taxii2/", *many))).status in (200, 431)


def test_a_head_without_end_is_431(engineer: Target) -> None:
    assert clean(engineer.ask(engineer.get(b"/taxii2/", b"X: " + b"x" * 300_000))).status == 431


# --- who asks ----------------------------------------------------------------------------------


def authorization(value: bytes) -> bytes:
    return b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\n" + value + b"\r\n\r\n"


@pytest.mark.parametrize(
    "value",
    [
        b"X-Nothing: 1", b"Authorization:", b"Authorization: Basic", b"Authorization: Basic !!!!", b"Authorization: Basic Og==",
        b"Authorization: Basic " + base64.b64encode(b"no colon"), b"Authorization: Basic " + base64.b64encode(b"\xff:\xff"),
        b"Authorization: Basic " + base64.b64encode(b"gb-heron:wrong"), b"Authorization: Bearer", b"Authorization: Bearer x.y.z",
        b"Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vLWFkbWluIn0.", b"Authorization: Negotiate YII=",
        b'Authorization: Digest username="gb-heron"', b"Authorization: " + b"A" * 100_000, b"Authorization: Basic " + b"QUJD" * 9_000,
        b"Authorization: \xff\xfe", b"Cookie: session=demo-admin", b"X-API-Key: " + b"thub_" * 50, b"X-API-Key:",
    ],
)  # fmt: skip
def test_who_is_not_known_is_401_with_a_challenge(hub: RunningHub, engineer: Target, value: bytes) -> None:
    reply = clean(engineer.ask(authorization(value)))
    assert reply.status in (401, 429)
    if reply.status == 401:
        assert reply.headers["www-authenticate"].startswith("Basic")


def test_two_credentials_are_none(engineer: Target, heron: Target) -> None:
    """Taking the first or the last would be a guess that a proxy may make the other way. 429: the tests above
    have used up what a source may get wrong."""
    assert clean(engineer.ask(engineer.get(b"/taxii2/", b"Authorization: " + heron.basic))).status in (
        401,
        429,
    )


SPOOFED = (
    b"X-Forwarded-For: 10.9.9.9", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: evil.example", b"X-Forwarded-Port: 1",
    b"Forwarded: for=10.9.9.9;proto=https;host=evil.example", b"X-Real-IP: 10.9.9.9", b"X-Forwarded-User: demo-admin",
    b"X-SSL-Client-Verify: SUCCESS", b"X-SSL-Client-S-DN: CN=demo-admin", b"X-Client-Cert: -----BEGIN CERTIFICATE-----",
    b"X-Forwarded-Client-Cert: Hash=00;Subject=CN=demo-admin", b"SSL-Client-Cert: x", b"X-Remote-User: demo-admin",
    b"X-Taxii-Hub-Client-Certificate: 00",
)  # fmt: skip


def test_what_a_proxy_would_say_means_nothing_from_who_is_none(hub: RunningHub, engineer: Target) -> None:
    """No credentials come from it, no address in the log, no host in an answer."""
    bare = b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\n" + b"\r\n".join(SPOOFED) + b"\r\n\r\n"
    assert clean(engineer.ask(bare)).status in (401, 429)
    reply = clean(engineer.ask(engineer.get(b"/taxii2/", *SPOOFED, b"X-Forwarded-Prefix: /evil")))
    assert reply.status == 200
    assert b"evil" not in reply.body
    said = logged(hub, reply.headers["x-request-id"])
    assert "10.9.9.9" not in said
    assert '"127.0.0.1"' in said


def logged(hub: RunningHub, request_id: str) -> str:
    """The line of that request, which comes a moment after its answer."""
    for _ in range(100):
        if found := [line for line in list(hub.lines) if request_id in line]:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no line for {request_id}")


# --- what gets into the log --------------------------------------------------------------------


def test_no_text_of_a_client_makes_a_line_of_its_own(hub: RunningHub, engineer: Target) -> None:
    """CR LF, ESC and bidirectional marks in paths, users and headers: one event is one line of ASCII."""
    poison = quote('\r\n{"event": "forged", "level": "info"}\x1b[2J\x7f\u202e\u2028', safe="").encode()
    user = base64.b64encode('\r\n{"event": "forged"}\x1b]0;x\u202e:no'.encode())
    for sent in (
        engineer.get(b"/" + poison + b"/"),
        engineer.get(HERE + b"/objects/" + poison + b"/"),
        engineer.get(HERE + b"/objects/?match[type]=" + poison + b"&next=" + poison),
        b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\nAuthorization: Basic " + user + b"\r\n\r\n",
        engineer.get(b"/taxii2/", b"User-Agent: \x1b[2J\xe2\x80\xae{}"),
    ):
        reply = clean(engineer.ask(sent))
        if "x-request-id" in reply.headers:  # what is no HTTP has none
            logged(hub, reply.headers["x-request-id"])
    for line in list(hub.lines):
        assert line.isascii(), line
        assert not set(line.rstrip("\n")) & {chr(n) for n in (*range(32), 127)}, line
        if line.startswith("{"):
            assert json.loads(line)["event"] != "forged"
