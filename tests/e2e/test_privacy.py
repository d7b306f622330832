"""Erasure as officers, receivers and auditors live it: over HTTP, every answer searched for a marker."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from tests.support.hubs import RunningHub
from tests.support.probe import indicator

CLEAR = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
MARKER = "Quetzalcoatlus-4711"
TAXII = {"Accept": "application/taxii+json;version=2.1"}


def answers(hub: RunningHub, auth: tuple[str, str], object_id: str, status: str) -> str:
    """Everything that these credentials are told about the object, or anything else."""
    reports = "/five-eyes/collections/reports"
    paths = [
        "/taxii2/",
        "/five-eyes/",
        "/five-eyes/collections/",
        f"{reports}/",
        f"{reports}/objects/?match[version]=all&limit=1000",
        f"{reports}/manifest/?match[version]=all&limit=1000",
        f"{reports}/objects/{object_id}/?match[version]=all",
        f"{reports}/objects/{object_id}/versions/",
        f"/five-eyes/status/{status}/",
        "/api/v1/whoami",
        "/api/v1/withdrawals?limit=1000",
        "/api/v1/withdrawals/five-eyes/reports/followed",
        f"/api/v1/objects/five-eyes/reports/{object_id}/explain",
        "/api/v1/legal-holds/five-eyes/reports",
        "/api/v1/releases",
        "/api/v1/audit/leaves?limit=1000",
        f"/api/v1/audit/disclosures?object={object_id}",
        "/metrics",
    ]
    with httpx.Client(base_url=hub.url, auth=auth, timeout=60) as client:
        told = [
            client.get(path, headers=TAXII if "/api/" not in path and path != "/metrics" else None)
            for path in paths
        ]
    assert all(each.status_code < 500 for each in told)
    return "".join(each.text for each in told)


def receivers(client: httpx.Client, object_id: str) -> list[str]:
    """What was read stands in the log of all processes soon, within a second on a machine that has time."""
    asked = {"names": ["quetzalcoatlus 4711"], "reason": "request 17"}
    end = time.monotonic() + 30
    while True:
        found = client.post("/api/v1/subject-search", json=asked).json()["hits"]
        (hit,) = [each for each in found if each["object_id"] == object_id]
        if hit["receivers"] or time.monotonic() > end:
            return [who for who, _ in hit["receivers"]]
        time.sleep(0.1)


def test_after_a_withdrawal_or_an_erasure_no_endpoint_export_or_log_says_the_content(
    hub: RunningHub, tmp_path: Path
) -> None:
    desk = hub.account("gb-heron", "liaison", "reader", "writer")
    siem = hub.account("nz-kea", "reader")
    auditor = hub.account("gb-heron", "auditor", "admin")
    for number, kind in enumerate(("withdraw", "erase")):
        thing = {**indicator(41 + number), "name": MARKER, "object_marking_refs": [CLEAR]}
        status = published(hub, thing)
        ended(hub, kind, thing["id"], status, (desk, siem, auditor))
        export = tmp_path / f"{kind}.jsonl"
        assert hub.run("audit", "export", "-o", str(export)).returncode == 0
        assert MARKER not in export.read_text()
        assert thing["id"] in export.read_text()
        assert not [line for line in hub.lines if MARKER in line]


def published(hub: RunningHub, thing: dict[str, Any]) -> str:
    """With a version that is refused for a value, which the status quotes."""
    wrong = {**thing, "modified": "2031-02-01T00:00:00.000Z", "kill_chain_phases": MARKER}
    with hub.client("gb-heron", headers=TAXII) as client:
        headers = {"Content-Type": TAXII["Accept"]}
        url = "/five-eyes/collections/reports/objects/"
        told = client.post(url, json={"objects": [thing, wrong]}, headers=headers)
    status = told.json()
    assert (status["success_count"], status["failure_count"]) == (1, 1), status
    assert MARKER in json.dumps(status["failures"])
    name: str = status["id"]
    return name


def ended(
    hub: RunningHub, kind: str, object_id: str, status: str, accounts: tuple[tuple[str, str], ...]
) -> None:
    """It was there for everybody and is there for nobody."""
    desk, siem, _ = accounts
    for who in (desk, siem):
        assert MARKER in answers(hub, who, object_id, status)
    with httpx.Client(base_url=hub.url, auth=desk, timeout=60) as client:
        assert "nz-kea" in receivers(client, object_id)
        told = client.post(
            f"/api/v1/objects/five-eyes/reports/{object_id}/{kind}", json={"reason": "the wrong person"}
        )
        assert told.status_code in (200, 204), told.text
        follow = client.get("/api/v1/withdrawals/five-eyes/reports/followed").json()
    (mine,) = [each for each in follow if each["withdrawal"]["object_id"] == object_id]
    assert mine["withdrawal"]["kind"] == kind
    # A loaded machine may have had a gap; then more than the receivers are named.
    assert "nz-kea" in mine["outstanding"]
    for who in accounts:
        assert MARKER not in answers(hub, who, object_id, status)
