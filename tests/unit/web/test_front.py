"""What is the same for every request: headers, ids, log lines, metrics, and the net under everything."""

from __future__ import annotations

import asyncio
import gzip
import json

import httpx
import pytest

from taxii_hub.errors import StoreError, UnavailableError

TAXII = "application/taxii+json;version=2.1"
BOTH = "/sandbox/collections/both"
ONE = "indicator--00000001-0000-4000-8000-000000000000"


pytestmark = pytest.mark.usefixtures("own_logging")


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def requests(capsys) -> list[dict]:
    return [line for line in lines(capsys) if line["event"] == "request"]


@pytest.mark.parametrize("path", ["/taxii2/", "/nowhere/at/all", "/health/live", "/api/v1/whoami"])
def test_headers_that_every_answer_has(world, path):
    headers = world.ask("GET", path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert len(headers["x-request-id"]) == 16
    assert "server" not in headers
    assert "strict-transport-security" not in headers


def test_a_hub_behind_https_says_so(make_world):
    world = make_world(public_url="https://hub.example.org")
    assert "strict-transport-security" in world.ask("GET", "/taxii2/").headers


def test_gzip_for_who_asks(world):
    """R-04."""
    world.fill(3, size=2000)
    plain = world.ask("GET", f"{BOTH}/objects/", headers={"accept-encoding": "identity"})
    packed = world.ask("GET", f"{BOTH}/objects/", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 10


@pytest.mark.parametrize("trouble", [ZeroDivisionError("mongodb://secret"), StoreError("mongodb://secret")])
def test_a_defect_is_a_500_without_internals_and_its_id_is_in_the_log(world, capsys, trouble):
    world.feed.trouble = trouble
    response = world.ask("GET", f"{BOTH}/objects/")
    assert response.status_code == 500
    assert response.headers["content-type"] == TAXII
    body = response.json()
    assert body["error_id"] == response.headers["x-request-id"]
    assert "secret" not in response.text
    failed, told = lines(capsys)
    assert failed["request_id"] == told["request_id"] == body["error_id"]
    assert "mongodb://secret" in failed["exception"]
    assert (told["status"], told["error"]) == (500, "internal")


def test_503_says_when_to_come_again_and_not_to_all_the_same(world):
    world.feed.trouble = UnavailableError("the database is away", retry_after=30)
    responses = [world.ask("GET", f"{BOTH}/objects/") for _ in range(12)]
    assert {response.status_code for response in responses} == {503}
    told = {int(response.headers["retry-after"]) for response in responses}
    assert len(told) > 1
    assert all(30 <= seconds <= 60 for seconds in told)


def test_429_says_when_to_come_again(world):
    key = world.keys["north-siem"]
    # another secret with its own checksum would do as well; a key id and a wrong password is the usual guess
    wrong = "Bearer " + key[:-12] + ("a" if key[-12] != "a" else "b") + key[-11:]

    async def guess():
        return [
            await world.send("GET", "/taxii2/", None, headers={"authorization": wrong}) for _ in range(200)
        ]

    answers = asyncio.run(guess())
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].headers["content-type"] == TAXII


def test_one_line_for_each_request(world, capsys):
    world.fill(3)
    response = world.ask(
        "GET", f"{BOTH}/objects/?limit=2&match[type]=indicator&match[id]={ONE}&unknown=hunter2"
    )
    (line,) = requests(capsys)
    assert line["request_id"] == response.headers["x-request-id"]
    assert line["route"] == "/{api_root}/collections/{collection}/objects"
    assert line["path"] == f"{BOTH}/objects/"
    assert (line["method"], line["status"], line["bytes"]) == ("GET", 200, len(response.content))
    assert (line["account"], line["agency"], line["source"]) == ("north-siem", "north", "198.51.100.7")
    assert line["query"] == {
        "given": ["limit", "match[id]", "match[type]"],
        "limit": 2,
        "types": ["indicator"],
    }
    assert line["objects"] == 1
    assert line["ms"] > 0


def test_no_secret_and_no_cursor_reaches_the_log(world, capsys):
    world.fill(3)
    first = world.ask("GET", f"{BOTH}/objects/?limit=1").json()["next"]
    world.ask("GET", f"{BOTH}/objects/?next={first}&limit=1")
    world.ask("GET", f"{BOTH}/objects/?token=hunter2")
    text = capsys.readouterr().err
    assert world.keys["north-siem"] not in text
    assert first not in text
    assert "hunter2" not in text


def test_a_path_cannot_forge_a_line(world, capsys):
    world.ask("GET", "/%0a%1b[2J%e2%80%ae%7f" + "x" * 5000)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert text.isascii()
    assert not any(ord(c) < 32 or ord(c) == 127 for c in text.rstrip("\n"))
    assert len(text) < 2000


def test_what_consumers_do_is_kept(world):
    world.fill(3)
    world.ask("GET", f"{BOTH}/objects/?limit=2", headers={"user-agent": "SIEM/1"})
    (facts,) = world.facts()
    assert (facts.method, facts.kind, facts.status, facts.user_agent) == ("GET", "objects", 200, "SIEM/1")
    assert facts.collection == "00000001-0000-4000-8000-000000000000"
    assert (facts.newest, facts.objects, facts.filtered) == (2_000_000, 2, False)


def test_head_gives_no_objects(world):
    world.fill(3)
    world.ask("HEAD", f"{BOTH}/objects/")
    (facts,) = world.facts()
    assert (facts.method, facts.objects) == ("HEAD", 0)


def test_a_refused_accept_header_is_kept_too(world):
    world.ask("GET", "/taxii2/", headers={"accept": "text/html"})
    (facts,) = world.facts()
    assert (facts.kind, facts.status, facts.accept) == ("discovery", 406, "text/html")


@pytest.mark.parametrize(
    ("query", "sent"),
    [("added_after=1970-01-01T00:00:09Z", 9_000_000), ("", None)],
)
def test_an_empty_answer_keeps_the_position(world, query, sent):
    world.ask("GET", f"{BOTH}/objects/?{query}")
    (facts,) = world.facts()
    assert (facts.sent, facts.newest) == (sent, None)


def test_health_and_strangers_are_no_consumers(world):
    world.ask("GET", "/health/live")
    world.ask("GET", "/taxii2/", None)
    world.ask("GET", "/api/v1/whoami")
    assert world.facts() == []


def test_a_client_that_goes_away_is_a_line_and_no_failure(world, capsys):
    async def leave():
        sent = []

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        headers = {"authorization": f"Bearer {world.keys['north-siem']}", "content-type": TAXII}
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"{BOTH}/objects/",
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        }
        await world.app(scope, receive, send)
        return sent

    assert asyncio.run(leave()) == []
    (line,) = lines(capsys)
    assert (line["status"], line["source"]) == (499, None)


def test_a_request_that_a_stop_cuts_off_may_be_sent_again(world):
    """uvicorn cancels it, and would answer 500 in plain text."""

    async def cut_off():
        sent, waiting = [], asyncio.Event()

        async def receive():
            waiting.set()
            await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        headers = {"authorization": f"Bearer {world.keys['north-siem']}", "content-type": TAXII}
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"{BOTH}/objects/",
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
        }
        request = asyncio.create_task(world.app(scope, receive, send))
        await waiting.wait()
        request.cancel()
        await request
        return sent

    start, body = asyncio.run(cut_off())
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-type"]) == (503, TAXII.encode())
    assert int(headers[b"retry-after"]) > 0
    assert json.loads(body["body"])["title"]


def test_a_failure_in_mid_answer_is_logged_and_nothing_is_added(world, capsys):
    async def fail():
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)
            if message["type"] == "http.response.body":
                raise OSError("the connection broke")

        scope = {"type": "http", "method": "GET", "path": "/taxii2/", "query_string": b"", "headers": []}
        await world.app(scope, receive, send)
        return sent

    assert [m["type"] for m in asyncio.run(fail())] == ["http.response.start", "http.response.body"]
    assert [line["event"] for line in lines(capsys)] == ["failed", "request"]


def test_start_and_stop_are_those_of_the_hub(world):
    async def live():
        async with world.app.router.lifespan_context(world.app):
            assert world.feed.refreshed == 1
            assert not world.feed.stopped

    asyncio.run(live())
    assert world.feed.stopped
    assert world.closed


def test_other_protocols_are_passed_on(world):
    async def connect():
        sent = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        scope = {"type": "websocket", "path": "/taxii2/", "query_string": b"", "headers": []}
        await world.app(scope, receive, send)
        return sent

    assert asyncio.run(connect())[0]["type"] == "websocket.close"


def test_gzip_of_a_whole_page_is_one_member(world):
    world.fill(50, size=4000)

    async def raw():
        transport = httpx.ASGITransport(app=world.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            headers = {"authorization": f"Bearer {world.keys['north-siem']}", "accept-encoding": "gzip"}
            async with client.stream("GET", f"{BOTH}/objects/", headers=headers) as response:
                return b"".join([piece async for piece in response.aiter_raw()])

    assert len(json.loads(gzip.decompress(asyncio.run(raw())))["objects"]) == 50
