"""``next`` cut, bent, pasted: 400, or the caller's own rights (DESIGN section 3; trust.md 2.1)."""

from __future__ import annotations

import base64
import random

import pytest

from tests.hostile.oracle import Reply, faults
from tests.hostile.wire import Target
from tests.support.hubs import RunningHub

HERE = b"/five-eyes/collections/"


def clean(reply: Reply) -> Reply:
    assert not faults(reply), (faults(reply), reply)
    return reply


@pytest.fixture(scope="module")
def walk(heron: Target) -> tuple[bytes, bytes]:
    """The path of a collection that more than one member reads, and a cursor into it."""
    for root in (b"/five-eyes/", b"/un-gcts/", b"/europol/", b"/interpol/", b"/g7/"):
        listed = heron.ask(heron.get(root + b"collections/"))
        for collection in listed.json().get("collections", []) if listed.status == 200 else []:
            path = root + b"collections/" + collection["id"].encode() + b"/objects/"
            page = heron.ask(heron.get(path + b"?limit=1"))
            if page.status == 200 and page.json().get("more"):
                return path, page.json()["next"].encode()
    raise AssertionError("no collection of the demo has two objects")


def asked(target: Target, path: bytes, cursor: bytes, more: bytes = b"") -> Reply:
    return clean(target.ask(target.get(path + b"?limit=1&next=" + cursor + more)))


def test_a_bent_cursor_is_400(heron: Target, walk: tuple[bytes, bytes]) -> None:
    path, cursor = walk
    chance = random.Random(5)
    bent = {cursor[:cut] for cut in range(0, len(cursor), 7)} - {cursor}
    for _ in range(40):
        at = chance.randrange(len(cursor))
        bent.add(cursor[:at] + bytes([cursor[at] ^ 1 << chance.randrange(7)]) + cursor[at + 1 :])
    bent |= {
        cursor + b"A",
        cursor + cursor,
        b"0" + cursor,
        b".".join(reversed(cursor.split(b"."))),
        b"..",
        b"%00",
    }
    key, body, signature = cursor.split(b".")
    other = base64.urlsafe_b64encode(b"j[1,9223372036854775807,1]").rstrip(b"=")
    bent |= {
        b"%s.%s.%s" % (key, other, signature),
        b"%s.%s." % (key, body),
        b"ffffffff.%s.%s" % (body, signature),
    }
    for text in bent:
        quoted = b"".join(b"%%%02x" % byte for byte in text)
        if text != cursor:
            assert asked(heron, path, quoted).status == 400, text


def test_a_cursor_is_no_right(hub: RunningHub, heron: Target, walk: tuple[bytes, bytes]) -> None:
    """Another account goes on at the same place with what it may see itself; a stranger is told 404."""
    path, cursor = walk
    told = {"us-kite": 0, "hub-lab": 0, "ch-marder": 0, "fr-huppe": 0}
    for user in told:
        other = Target.of(hub.url, hub.credentials(user))
        absent = clean(other.ask(other.get(path.replace(b"objects", b"objects") + b"?limit=1")))
        reply = asked(other, path, cursor)
        assert reply.status == absent.status, "neither more nor less than without it"
        if reply.status == 200:
            own = {thing["id"] for thing in everything(other, path)}
            assert {thing["id"] for thing in reply.json().get("objects", [])} <= own
        else:
            assert (reply.status, reply.body) == (404, absent.body)


def everything(target: Target, path: bytes) -> list[dict[str, str]]:
    found, query = [], b"?limit=1000"
    while True:
        page = target.ask(target.get(path + query)).json()
        found += page.get("objects", [])
        if not page.get("more"):
            return found
        query = b"?limit=1000&next=" + page["next"].encode()


def test_a_cursor_of_elsewhere_is_as_none(engineer: Target, walk: tuple[bytes, bytes]) -> None:
    _, cursor = walk
    path = b"/sandbox/collections/scratch/manifest/"
    plain = clean(engineer.ask(engineer.get(path + b"?limit=1")))
    assert asked(engineer, path, cursor).body == plain.body


@pytest.mark.parametrize(
    "more", [b"&match[type]=malware", b"&added_after=2001-01-01T00:00:00Z", b"&match[version]=all"]
)
def test_a_cursor_with_other_filters_is_400(heron: Target, walk: tuple[bytes, bytes], more: bytes) -> None:
    path, cursor = walk
    assert asked(heron, path, cursor, more).status == 400


def test_the_same_cursor_gives_the_same_page(heron: Target, walk: tuple[bytes, bytes]) -> None:
    path, cursor = walk
    first, second = asked(heron, path, cursor), asked(heron, path, cursor)
    assert first.json()["objects"] == second.json()["objects"]
