"""The ceiling answers as a TAXII server does, or its figures compare with nothing."""

from __future__ import annotations

import asyncio

import httpx
import orjson

from bench import ceiling, corpus

SIZE = 250


def ask(method: str, path: str, **more: object) -> httpx.Response:
    lines = corpus.lines(SIZE)

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(ceiling.Ceiling(lines))
        async with httpx.AsyncClient(transport=transport, base_url="http://ceiling") as client:
            return await client.request(method, f"{ceiling.PATH}/{path}", **more)

    return asyncio.run(once())


def test_a_walk_ends_with_everything():
    found, asked = [], {"limit": "100"}
    while True:
        page = ask("GET", "objects/", params=asked).json()
        found += page["objects"]
        if not page["more"]:
            break
        asked = {"limit": "100", "next": page["next"]}
    assert [orjson.dumps(item) for item in found] == corpus.lines(SIZE)


def test_filters_rows_and_single_objects():
    items = [orjson.loads(line) for line in corpus.lines(SIZE)]
    kept = [item for item in items if item["type"] == "indicator"]
    assert ask("GET", "objects/", params={"match[type]": "indicator"}).json()["objects"] == kept
    rows = ask("GET", "manifest/").json()["objects"]
    assert [(row["id"], row["version"]) for row in rows] == [(item["id"], item["modified"]) for item in items]
    one = items[7]
    assert ask("GET", f"objects/{one['id']}/").json()["objects"] == [one]
    assert ask("GET", f"objects/{one['id']}/versions/").json()["versions"] == [one["modified"]]


def test_new_and_nothing_new():
    since = {"added_after": "2025-01-01T00:00:00.000000Z"}
    assert len(ask("GET", "objects/", params=since).json()["objects"]) == ceiling.NEW
    assert ask("GET", "objects/", params={"added_after": ceiling.STAMP}).json() == {}


def test_a_post_is_counted():
    answer = ask("POST", "objects/", content=corpus.envelope(corpus.lines(3)))
    assert (answer.status_code, answer.json()["success_count"]) == (202, 3)
