"""Bodies that are no envelopes, and members that are no objects: refused, or a failure of that member alone."""

from __future__ import annotations

import gzip
import zlib

import orjson
import pytest

from tests.hostile.oracle import Reply, faults
from tests.hostile.wire import Target
from tests.support.probe import indicator

OBJECTS = b"/sandbox/collections/scratch/objects/"
JSON = b"application/json"


def clean(reply: Reply) -> Reply:
    assert not faults(reply), (faults(reply), reply)
    return reply


def envelope(*members: bytes) -> bytes:
    return b'{"objects": [' + b",".join(members) + b"]}"


def indicator_with(text: bytes) -> tuple[str, bytes]:
    """A good indicator with more properties, as they are given; its id first."""
    thing = indicator(1)
    return thing["id"], orjson.dumps(thing)[:-1] + b"," + text + b"}"


NO_ENVELOPES = {
    "nothing": b"",
    "blanks": b" \r\n\t ",
    "no JSON": b"objects=none",
    "XML": b"<?xml version='1.0'?><objects/>",
    "cut": b'{"objects": [{"type": "indi',
    "a list": b"[]",
    "a text": b'"objects"',
    "a number": b"1e400",
    "null": b"null",
    "NaN": b"NaN",
    "objects is a mapping": b'{"objects": {}}',
    "objects twice": b'{"objects": [], "objects": []}',
    "objects twice, escaped": b'{"objects": [], "\\u006fbjects": []}',
    "something after it": b'{"objects": []}{"objects": []}',
    "a comment": b'{"objects": [] /* none */}',
    "a comma too many": b'{"objects": [],}',
    "single quotes": b"{'objects': []}",
    "a byte order mark": b"\xef\xbb\xbf" + b'{"objects": []}',
    "UTF-16": '{"objects": []}'.encode("utf-16"),
    "UTF-16 without a mark": '{"objects": []}'.encode("utf-16-le"),
    "UTF-32": '{"objects": []}'.encode("utf-32"),
    "Latin-1": '{"objects": [], "x": "é"}'.encode("latin-1"),
    "an overlong slash": b'{"objects": [], "x": "\xc0\xaf"}',
    "a surrogate in bytes": b'{"objects": [], "x": "\xed\xa0\x80"}',
    "a bare control character": b'{"objects": [], "x": "\x00"}',
    "a million opening brackets": b"[" * 1_000_000,
    "a deep list beside": b'{"x": ' + b"[" * 500_000 + b"]" * 500_000 + b', "objects": [',
    "a bare object": b'{"type": "indicator", "id": "indicator--1"}',
}


@pytest.mark.parametrize("case", NO_ENVELOPES)
def test_what_is_no_envelope_is_400(engineer: Target, case: str) -> None:
    assert clean(engineer.ask(engineer.post(OBJECTS, NO_ENVELOPES[case]))).status == 400


FAILING = {
    "NaN": b'"x_a": NaN',
    "Infinity": b'"x_a": -Infinity',
    "a number that overflows": b'"x_a": 1e400',
    "an integer beyond 2^53": b'"x_a": 9007199254740993',
    "an integer of 30 digits": b'"x_a": 123456789012345678901234567890',
    "an integer of 5000 digits": b'"x_a": ' + b"9" * 5000,
    "a key twice": b'"x_a": 1, "x_a": 2',
    "a key twice, deep": b'"x_a": {"b": {"c": 1, "c": 1}}',
    "a lone surrogate": b'"x_a": "\\ud800"',
    "a lone surrogate in a key": b'"x_\\udfff": 1',
    "a NUL in a key": b'"x_\\u0000": 1',
    "101 levels": b'"x_a": ' + b"[" * 120 + b"]" * 120,
    "20,000 levels": b'"x_a": ' + b"[" * 20_000 + b"]" * 20_000,
}


@pytest.mark.parametrize("case", FAILING)
def test_a_poisoned_object_fails_alone(engineer: Target, case: str) -> None:
    """R2: its neighbours are stored, it is not, and the collection stays readable."""
    bad_id, bad = indicator_with(FAILING[case])
    good = indicator(2)
    status = clean(engineer.ask(engineer.post(OBJECTS, envelope(bad, orjson.dumps(good)))))
    assert status.status == 202
    told = status.json()
    assert (told["success_count"], told["failure_count"]) == (1, 1), told
    assert told["failures"][0]["message"], told
    assert clean(engineer.ask(engineer.get(OBJECTS + bad_id.encode() + b"/"))).status == 404
    page = clean(engineer.ask(engineer.get(OBJECTS + b"?match[id]=" + good["id"].encode())))
    assert page.json()["objects"] == [good]


KEPT = {
    "a reference as MongoDB writes it": b'"x_a": {"$ref": "x", "$id": "y", "$db": "z"}',
    "operators": b'"x_a": {"$gt": "", "$where": "sleep(9)", "$set": {"p": 1}}',
    "names the store uses itself": b'"x_id": 1, "x_a": {"_id": 1, "c": 2, "i": 3, "p": [4], "v": 5, "s": 6}',
    "dots and nothing": b'"x_a": {"a.b": 1, "": 2, "$": 3}',
    "a NUL in a value": b'"x_a": "a\\u0000b"',
    "a date and a binary as MongoDB writes them": b'"x_a": {"$date": "x"}, "x_b": {"$binary": {"base64": "AA=="}}',
    "the last integers": b'"x_a": [9007199254740991, -9007199254740991, -0.0, 5e-324, 1.0, 1E+2]',
    "what terminals obey": b'"x_a": "\\u001b[2J\\r\\n\\u202e\\u2066\\u0085"',
    "the prototype": b'"x_a": {"__proto__": {"admin": true}, "constructor": {"prototype": 1}}',
    "a template": b'"x_a": "${jndi:ldap://127.0.0.1/a} {{7*7}} <script>alert(1)</script> %s%n"',
    "98 levels": b'"x_a": ' + b"[" * 90 + b"1" + b"]" * 90,
}


@pytest.mark.parametrize("case", KEPT)
def test_what_only_looks_dangerous_is_kept_as_it_is(engineer: Target, case: str) -> None:
    """R3: data, never interpreted, and the same bytes come back."""
    found, sent = indicator_with(KEPT[case])
    status = clean(engineer.ask(engineer.post(OBJECTS, envelope(sent)))).json()
    if status["failure_count"]:  # strict validation may know better than to take it; then it is not there
        assert clean(engineer.ask(engineer.get(OBJECTS + found.encode() + b"/"))).status == 404
        return
    page = clean(engineer.ask(engineer.get(OBJECTS + b"?match[id]=" + found.encode())))
    assert sent in page.body


NO_IDS = ("7", '["a"]', '{"$gt": ""}', "null", "true", '""', '"../../etc/passwd"', '"indicator--"', '"%00"')


@pytest.mark.parametrize("identifier", [*NO_IDS, '"' + "x" * 100_000 + '"', '"indicator--' + "0" * 300 + '"'])
def test_an_id_that_is_none_fails(engineer: Target, identifier: str) -> None:
    thing = orjson.dumps({key: value for key, value in indicator(1).items() if key != "id"})
    member = b'{"id": ' + identifier.encode() + b"," + thing[1:]
    status = clean(engineer.ask(engineer.post(OBJECTS, envelope(member))))
    assert status.status == 202
    assert status.json()["failure_count"] == 1
    assert len(status.body) < 20_000, "a status does not repeat an id of any length"


@pytest.mark.parametrize("own", ["_manifest", "_id", "date_added", "x_policy", "p", "s"])
def test_no_property_of_an_object_is_the_stores(engineer: Target, own: str) -> None:
    """API3: what looks like the hub's own fields is data of the object, or a failure of it."""
    found, sent = indicator_with(
        b'"%s": {"date_added": "2000-01-01T00:00:00Z", "level": "unclassified"}' % own.encode()
    )
    clean(engineer.ask(engineer.post(OBJECTS, envelope(sent))))
    record = clean(
        engineer.ask(engineer.get(b"/sandbox/collections/scratch/manifest/?match[id]=" + found.encode()))
    )
    assert not any(row["date_added"] < "2026" for row in record.json().get("objects", []))


@pytest.mark.parametrize(
    "media_type",
    [
        b"text/plain",
        b"text/html",
        b"application/xml",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data",
        b"application/taxii+json;version=9.9",
        b"application/taxii+json;version=2.0",
        b"",
        b"a" * 10_000,
        b"*/*",
        b"\xff",
    ],
)
def test_other_media_types_are_415(engineer: Target, media_type: bytes) -> None:
    reply = clean(engineer.ask(engineer.post(OBJECTS, b'{"objects": []}', media_type=media_type)))
    assert reply.status == 415


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", bomb(64 << 20)),
        (b"gzip", gzip.compress(b'{"objects": []}', mtime=0)),
        (b"gzip, gzip", gzip.compress(gzip.compress(b'{"objects": []}', mtime=0), mtime=0)),
        (b"deflate", zlib.compress(b'{"objects": []}')),
        (b"br", b'{"objects": []}'),
        (b"zstd", b'{"objects": []}'),
        (b"identity, gzip", b'{"objects": []}'),
        (b"x" * 9000, b'{"objects": []}'),
        (b"gzip", b"no gzip"),
    ],
)
def test_a_coded_body_is_refused_unread(engineer: Target, coding: bytes, body: bytes) -> None:
    reply = clean(engineer.ask(engineer.post(OBJECTS, body, b"Content-Encoding: " + coding)))
    assert reply.status == 415


def test_a_body_above_the_limit_is_413_before_it_is_sent(engineer: Target) -> None:
    head = engineer.head(
        b"POST " + OBJECTS + b" HTTP/1.1", b"Content-Type: " + JSON, b"Content-Length: 33554433"
    )
    assert clean(engineer.ask(head + b"\r\n\r\n")).status == 413


def test_a_chunked_body_above_the_limit_is_413(engineer: Target) -> None:
    told = (b"Content-Type: " + JSON, b"Transfer-Encoding: chunked")
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    heard = engineer.say(engineer.head(b"POST " + OBJECTS + b" HTTP/1.1", *told) + b"\r\n\r\n", *[chunk] * 34)
    assert clean(heard.replies[0]).status == 413


def test_too_many_members_are_413_at_once(engineer: Target) -> None:
    reply = clean(engineer.ask(engineer.post(OBJECTS, envelope(*[b"{}"] * 60_000))))
    assert reply.status == 413


def test_an_object_above_its_limit_fails_alone(engineer: Target) -> None:
    found, large = indicator_with(b'"x_a": "' + b"x" * (9 << 20) + b'"')
    good = indicator(3)
    told = clean(engineer.ask(engineer.post(OBJECTS, envelope(large, orjson.dumps(good))))).json()
    assert (told["success_count"], told["failure_count"]) == (1, 1), told
    assert clean(engineer.ask(engineer.get(OBJECTS + found.encode() + b"/"))).status == 404


def test_a_pattern_that_explodes_is_answered_in_time(engineer: Target) -> None:
    """API4: the pattern is parsed, at the sender's cost, while others are served (see test_patience.py)."""
    deep = {**indicator(4), "pattern": "(" * 5_000 + "[a:b = 1]" + ")" * 5_000}
    wide = {**indicator(5), "pattern": "[" + " OR ".join(f"a:b{n} = '{n}'" for n in range(20_000)) + "]"}
    told = engineer.ask(engineer.post(OBJECTS, envelope(orjson.dumps(deep))))
    assert clean(told).json()["failure_count"] == 1
    assert clean(engineer.ask(engineer.post(OBJECTS, envelope(orjson.dumps(wide))))).status == 202


def test_the_collection_is_as_good_as_before(engineer: Target) -> None:
    """Whatever the other tests of this module sent: a walk parses, and each object is there by its id."""
    path = OBJECTS + b"?limit=1000"
    seen = 0
    while True:
        page = clean(engineer.ask(engineer.get(path))).json()
        for thing in page.get("objects", []):
            one = engineer.ask(engineer.get(OBJECTS + thing["id"].encode() + b"/?match[version]=all"))
            assert thing in clean(one).json()["objects"]
            seen += 1
        if not page.get("more"):
            break
        path = OBJECTS + b"?limit=1000&next=" + page["next"].encode()
    assert seen
