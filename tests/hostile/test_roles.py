"""Which role may use which route of the hub's own API: declared here, checked on each route that there is.

API5:2023. A route that is in the description and not in this table fails the test, and so does the reverse.
"""

from __future__ import annotations

import re
import time
from typing import Any

import orjson
import pytest

from tests.hostile.oracle import Reply, faults
from tests.hostile.wire import Target
from tests.support.hubs import RunningHub

EVERYBODY = frozenset({"reader", "writer", "liaison", "admin", "auditor"})
LIAISON, AUDITOR, READER = frozenset({"liaison"}), frozenset({"auditor"}), frozenset({"reader"})
OBJECT = "/api/v1/objects/{api_root}/{collection}/{object_id}"
ROLES: dict[str, frozenset[str]] = {
    "GET /api/v1/whoami": EVERYBODY,
    "GET /api/v1/mappings": EVERYBODY,
    "GET /api/v1/mappings/{name}": EVERYBODY,
    "POST /api/v1/mappings/{name}/convert": frozenset({"writer", "admin"}),
    f"POST {OBJECT}/release": LIAISON,
    f"POST {OBJECT}/regrade": LIAISON,
    f"POST {OBJECT}/withdraw": LIAISON,
    f"POST {OBJECT}/erase": LIAISON,
    f"POST {OBJECT}/legal-hold": LIAISON,
    f"POST {OBJECT}/lift-legal-hold": LIAISON,
    f"POST {OBJECT}/reviewed": LIAISON,
    f"GET {OBJECT}/explain": LIAISON,
    "POST /api/v1/objects/{api_root}/{collection}/dry-run": frozenset({"writer"}),
    "GET /api/v1/withdrawals": EVERYBODY,
    "POST /api/v1/withdrawals/acknowledge": READER,
    "GET /api/v1/withdrawals/{api_root}/{collection}/followed": LIAISON,
    "GET /api/v1/audit/leaves": AUDITOR,
    "GET /api/v1/audit/checkpoints": AUDITOR,
    "GET /api/v1/audit/checkpoints/latest": AUDITOR,
    "GET /api/v1/audit/keys": AUDITOR,
    "GET /api/v1/audit/proofs/inclusion": AUDITOR,
    "GET /api/v1/audit/proofs/consistency": AUDITOR,
    "GET /api/v1/audit/statistics": AUDITOR,
    "GET /api/v1/audit/report": AUDITOR,
    "GET /api/v1/audit/disclosures": frozenset({"liaison", "admin", "auditor"}),
    "GET /api/v1/legal-holds/{api_root}/{collection}": LIAISON,
    "GET /api/v1/reviews/{api_root}/{collection}": LIAISON,
    "POST /api/v1/subject-search": LIAISON,
    "GET /api/v1/processing": frozenset({"liaison", "admin", "auditor"}),
    "GET /api/v1/releases": LIAISON,
    "GET /api/v1/releases/statistics": LIAISON,
    "GET /api/v1/releases/requests": LIAISON,
    "POST /api/v1/releases/requests/{request_id}/answer": LIAISON,
    "GET /api/v1/releases/{proposal_id}": LIAISON,
    "POST /api/v1/releases/{proposal_id}/sign": LIAISON,
    "POST /api/v1/releases/{proposal_id}/refuse": LIAISON,
    "POST /api/v1/release-requests": READER,
    "GET /api/v1/release-requests": EVERYBODY,
}
UNDESCRIBED = {"GET /api/v1/openapi.json": EVERYBODY, "GET /metrics": frozenset({"admin"})}
VALUES = {
    "api_root": "sandbox",
    "collection": "scratch",
    "object_id": "indicator--11111111-1111-4111-8111-111111111111",
    "name": "auto",
    "proposal_id": "11111111-1111-4111-8111-111111111111",
    "request_id": "11111111-1111-4111-8111-111111111111",
}
QUERY = {"row": "0", "size": "1", "old": "1"}


@pytest.fixture(scope="module")
def staff(hub: RunningHub) -> dict[str, Target]:
    """One account of each role, of the same agency, which is a member of the sandbox."""
    found = {
        role: Target.of(hub.url, hub.credentials(f"demo-{role}")) for role in ("liaison", "admin", "auditor")
    }
    for role in ("reader", "writer"):
        done = hub.run("accounts", "add", f"only-{role}", "--agency", "hub-lab", "--role", role, "--json")
        assert done.returncode == 0, done.stderr
        key = re.search(r"thub_[a-z0-9_]+", done.stdout)
        assert key is not None, done.stdout
        found[role] = Target.of(hub.url, (f"only-{role}", key[0]))
        until_known(found[role])
    return found


def until_known(target: Target) -> None:
    """A hub takes new accounts over each second, later where it is busy."""
    deadline = time.monotonic() + 30
    while target.ask(target.get(b"/taxii2/")).status == 401:
        assert time.monotonic() < deadline, target.user
        time.sleep(0.2)


@pytest.fixture(scope="module")
def description(staff: dict[str, Target]) -> dict[str, Any]:
    reply = staff["admin"].ask(staff["admin"].get(b"/api/v1/openapi.json"))
    document: dict[str, Any] = reply.json()
    return document


def routes(description: dict[str, Any]) -> set[str]:
    return {
        f"{method.upper()} {path}" for path, methods in description["paths"].items() for method in methods
    }


def request(target: Target, route: str) -> bytes:
    method, path = route.split(" ")
    path = re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], path)
    query = "&".join(f"{name}={value}" for name, value in QUERY.items()) if "proofs" in path else ""
    full = f"{path}?{query}" if query else path
    if method == "GET":
        return target.get(full.encode())
    return target.post(full.encode(), orjson.dumps({}), media_type=b"application/json")


def clean(reply: Reply) -> Reply:
    assert not faults(reply), (faults(reply), reply)
    return reply


def test_every_route_has_its_roles_declared(description: dict[str, Any]) -> None:
    assert routes(description) == set(ROLES)


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_a_route_refuses_each_role_that_it_is_not_for(staff: dict[str, Target], role: str) -> None:
    target = staff[role]
    for route, roles in (ROLES | UNDESCRIBED).items():
        reply = clean(target.ask(request(target, route)))
        if role in roles:
            assert reply.status != 403, (role, route, reply.body)
        else:
            assert reply.status == 403, (role, route, reply)
            assert b"role" in reply.body, "what is missing is said"


def test_a_route_is_for_nobody_without_credentials(staff: dict[str, Target]) -> None:
    target = staff["reader"]
    for route in ROLES | UNDESCRIBED:
        bare = request(target, route).replace(target.basic, b"")
        assert clean(target.ask(bare)).status in (401, 429), route


def test_who_is_not_known_learns_no_parameter(staff: dict[str, Target]) -> None:
    """The framework checks parameters before the route looks at credentials; its words are not for strangers."""
    reader = staff["reader"]
    for query in (b"limit=x", b"since=x&until=y", b"after=-1", b"old=0", b"row=-1"):
        for path in (
            b"audit/leaves",
            b"audit/report",
            b"withdrawals",
            b"releases",
            b"audit/proofs/inclusion",
        ):
            bare = reader.get(b"/api/v1/" + path + b"?" + query).replace(reader.basic, b"")
            assert clean(reader.ask(bare)).status in (401, 429), (path, query)


def test_a_reader_does_not_write_and_a_writer_does_not_read(staff: dict[str, Target]) -> None:
    path = b"/sandbox/collections/scratch/objects/"
    body = b'{"objects": []}'
    for role in ("reader", "liaison", "admin", "auditor"):
        target = staff[role]
        assert clean(target.ask(target.post(path, body))).status in (403, 404), role
    for role in ("writer", "liaison", "admin", "auditor"):
        target = staff[role]
        for resource in (
            b"objects/",
            b"manifest/",
            b"objects/indicator--1/",
            b"objects/indicator--1/versions/",
        ):
            place = path.replace(b"objects/", resource)
            assert clean(target.ask(target.get(place))).status in (403, 404), (role, resource)
    for target in staff.values():
        line = b"DELETE " + path + VALUES["object_id"].encode() + b"/ HTTP/1.1"
        assert clean(target.ask(target.head(line) + b"\r\n\r\n")).status in (403, 404)


def test_other_methods_are_refused_for_every_role(staff: dict[str, Target]) -> None:
    for target in staff.values():
        for method in (b"PUT", b"PATCH", b"TRACE", b"OPTIONS", b"PROPFIND"):
            for path in (
                b"/api/v1/whoami",
                b"/taxii2/",
                b"/sandbox/collections/scratch/objects/",
                b"/metrics",
            ):
                reply = clean(target.ask(target.head(method + b" " + path + b" HTTP/1.1") + b"\r\n\r\n"))
                assert reply.status == 405, (method, path, reply)
