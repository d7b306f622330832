"""Health, metrics and the hub's own API."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from pathlib import Path

import pytest

from taxii_hub.errors import UnavailableError
from taxii_hub.web import scrape

BOTH = "/sandbox/collections/both"
DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def value(text: str, name: str, **labels: str) -> float | None:
    """The value of the series that has these labels."""
    for line in text.splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name and all(f'{k}="{v}"' in (found[2] or "") for k, v in labels.items()):
            return float(found[3])
    return None


def metrics(world) -> str:
    response = world.ask("GET", "/metrics", "admin")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return response.text


# --- health ----------------------------------------------------------------------------------------


def test_live_needs_nothing(world):
    response = world.ask("GET", "/health/live", None)
    assert (response.status_code, response.json()) == (200, {"status": "live"})


def test_ready(world):
    response = world.ask("GET", "/health/ready", None)
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_not_ready_says_nothing_internal(world):
    world.hub.beaten_at = float("-inf")
    world.hub.trouble = "mongodb://secret"
    response = world.ask("GET", "/health/ready/", None)
    assert (response.status_code, response.json()) == (503, {"status": "not ready"})
    assert response.headers["retry-after"]


# --- metrics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("user", "status"), [(None, 401), ("north-siem", 403), ("admin", 200)])
def test_metrics_are_for_admins(world, user, status):
    assert world.ask("GET", "/metrics", user).status_code == status


def test_requests_are_counted_by_route_method_and_status(world):
    world.fill(3)
    world.ask("GET", f"{BOTH}/objects/?limit=2")
    world.ask("GET", f"{BOTH}/objects/?limit=0")
    world.ask("BREW", f"{BOTH}/objects/")
    world.ask("GET", "/a/b/c")
    text = metrics(world)
    route = "/{api_root}/collections/{collection}/objects"
    assert value(text, "taxii_hub_requests_total", route=route, method="GET", status="200") == 1
    assert value(text, "taxii_hub_requests_total", route=route, method="GET", status="400") == 1
    assert value(text, "taxii_hub_requests_total", route="unmatched", method="other", status="405") == 1
    assert value(text, "taxii_hub_requests_total", route="unmatched", status="404") == 1
    assert value(text, "taxii_hub_request_seconds_count", route=route, method="GET") == 2
    assert value(text, "taxii_hub_objects_served_total") == 2
    assert value(text, "taxii_hub_sent_bytes_total") > 100
    assert value(text, "taxii_hub_info") == 1


def test_published_objects_are_counted(world):
    content = '{"objects":[{"type":"x-a","id":"x-a--7a6a8b8c-54a6-4d93-9d2c-4f8d9d5e7c3a"}]}'
    assert world.post(f"{BOTH}/objects/", content).json()["success_count"] == 1
    text = metrics(world)
    assert value(text, "taxii_hub_objects_published_total") == 1
    assert value(text, "taxii_hub_objects_served_total") == 0


@pytest.mark.usefixtures("own_logging")
def test_failures_are_counted(world):
    world.feed.trouble = ZeroDivisionError()
    world.ask("GET", f"{BOTH}/objects/")
    assert value(metrics(world), "taxii_hub_internal_errors_total") == 1


def test_the_lag_of_consumers(world):
    world.fill(5)
    world.ask("GET", f"{BOTH}/objects/?limit=2")
    labels = {"account": "north-siem", "agency": "north", "collection": "sandbox/both"}
    lag = value(metrics(world), "taxii_hub_consumer_lag_seconds", **labels)
    # the third object, of 1970-01-01T00:00:03, waits since then
    assert lag == pytest.approx(time.time() - 3, abs=60)
    world.ask("GET", f"{BOTH}/manifest/?added_after=1970-01-01T00:00:02Z")
    assert value(metrics(world), "taxii_hub_consumer_lag_seconds", **labels) == 0


@pytest.mark.parametrize("query", ["match[type]=indicator", "limit=0"])
def test_filtered_and_failed_polls_say_nothing_of_lag(world, query):
    world.fill(5)
    world.ask("GET", f"{BOTH}/objects/?{query}")
    assert value(metrics(world), "taxii_hub_consumer_lag_seconds") is None


def test_a_database_that_is_away_is_told(world):
    assert value(metrics(world), "taxii_hub_database_up") == 1
    world.fill(1)
    world.ask("GET", f"{BOTH}/objects/")
    world.feed.trouble = UnavailableError("away")
    assert value(metrics(world), "taxii_hub_database_up") == 0
    world.feed.trouble = None
    world.hub.beaten_at = float("-inf")
    assert value(metrics(world), "taxii_hub_database_up") == 0


def test_every_metric_is_documented(world):
    world.fill(1)
    world.ask("GET", f"{BOTH}/objects/")
    names = set(re.findall(r"^# TYPE (\w+)", metrics(world), re.MULTILINE))
    documented = set(re.findall(r"^### (\w+)$", DOCS.read_text("utf-8"), re.MULTILINE))
    assert names == documented


@pytest.mark.usefixtures("own_logging")
def test_the_port_of_its_own_serves_metrics_to_loopback(make_world):
    with socket.socket() as free:
        free.bind((scrape.LOOPBACK, 0))
        port = free.getsockname()[1]
    world = make_world(metrics_port=port)

    async def ask(line: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(scrape.LOOPBACK, port)
        writer.write(line)
        if writer.can_write_eof():
            writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def converse():
        async with world.app.router.lifespan_context(world.app):
            return [
                await ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
                await ask(b"GET / HTTP/1.1\r\n\r\n"),
                await ask(b"POST /metrics HTTP/1.1\r\n\r\n"),
                await ask(b"GET /metr"),
                await ask(b"x" * 20_000),
            ]

    scraped, other, posted, cut, long = asyncio.run(converse())
    assert scraped.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"taxii_hub_database_up 1.0" in scraped
    assert other.startswith(b"HTTP/1.1 404")
    assert posted.startswith(b"HTTP/1.1 404")
    assert cut == long == b""


# --- the hub's own API -----------------------------------------------------------------------------


def test_whoami(world):
    body = world.ask("GET", "/api/v1/whoami").json()
    assert (body["account"], body["agency"], body["roles"]) == ("north-siem", "north", ["reader", "writer"])
    (root,) = body["api_roots"]
    assert root["path"] == "/sandbox/"
    rights = {c["alias"]: (c["can_read"], c["can_write"]) for c in root["collections"]}
    assert rights == {"both": (True, True), "read": (True, False), "write": (False, True)}
    assert "title" not in body


def test_the_openapi_description(world):
    body = world.ask("GET", "/api/v1/openapi.json").json()
    assert "/api/v1/whoami" in body["paths"]


@pytest.mark.parametrize("path", ["/api/v1/whoami", "/api/v1/openapi.json"])
def test_the_api_is_for_accounts(world, path):
    response = world.ask("GET", path, None)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/taxii+json;version=2.1"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_there_are_no_documentation_pages(world, path):
    assert world.ask("GET", path).status_code == 404


def test_wrong_parameters_of_the_api_are_named(world):
    @world.app.get("/api/v1/number")
    async def number(value: int) -> int:
        return value

    response = world.ask("GET", "/api/v1/number?value=x")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/taxii+json;version=2.1"
    assert "query.value" in response.json()["description"]


def test_other_refusals_of_the_framework_are_taxii_errors(world):
    from starlette.exceptions import HTTPException

    @world.app.get("/api/v1/odd")
    async def odd() -> None:
        raise HTTPException(418)

    response = world.ask("GET", "/api/v1/odd")
    assert response.status_code == 418
    assert response.json()["http_status"] == "418"
