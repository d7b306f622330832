"""Sharing after the fact, as liaison officers and SIEMs live it: over HTTP and by command (R7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.hubs import RunningHub
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
TAXII = {"Accept": "application/taxii+json;version=2.1"}
REPORTS = "/five-eyes/collections/reports"
ACTS = "/api/v1/objects/five-eyes/reports"


@pytest.fixture
def desk(hub: RunningHub) -> Iterator[httpx.Client]:
    """A liaison officer of gb-heron."""
    auth = hub.account("gb-heron", "liaison", "reader")
    with httpx.Client(base_url=hub.url, auth=auth, timeout=30) as client:
        yield client


def published(hub: RunningHub, **more: Any) -> dict[str, Any]:
    thing = {**indicator(7), "id": f"indicator--{uuid.uuid4()}", **more}
    with hub.client("gb-heron", headers=TAXII) as client:
        body = {"objects": [thing]}
        headers = {"Content-Type": TAXII["Accept"]}
        status = client.post(f"{REPORTS}/objects/", json=body, headers=headers).json()
    assert status["success_count"] == 1, status
    return thing


def received(hub: RunningHub, user: str, after: str | None = None) -> tuple[list[str], str | None]:
    """The ids that a SIEM gets, and its next ``added_after``."""
    found: list[str] = []
    with hub.client(user, headers=TAXII) as client:
        while True:
            query = {"limit": "1000", **({"added_after": after} if after else {})}
            response = client.get(f"{REPORTS}/objects/", params=query)
            assert response.status_code == 200, response.text
            found += [one["id"] for one in response.json().get("objects", [])]
            after = response.headers.get("X-TAXII-Date-Added-Last", after)
            if not response.json().get("more"):
                return found, after


def test_a_report_is_released_late_and_withdrawn(hub: RunningHub, desk: httpx.Client) -> None:
    secret = published(hub, object_marking_refs=[RED])
    ids, cursor = received(hub, "nz-kea")
    assert secret["id"] not in ids
    url = f"{ACTS}/{secret['id']}"
    told = desk.post(f"{url}/release", json={"to": ["NZL"], "reason": "asked for by telephone"})
    assert (told.status_code, told.json()) == (200, {"added": ["nz-kea"]}), told.text
    ids, cursor = received(hub, "nz-kea", cursor)
    assert ids == [secret["id"]]
    assert secret["id"] not in received(hub, "ca-loon")[0]
    assert desk.post(f"{url}/withdraw", json={"reason": "the wrong person"}).status_code == 204
    assert secret["id"] not in received(hub, "nz-kea")[0]
    with hub.client("nz-kea") as siem, hub.client("ca-loon") as other:
        lost = siem.get("/api/v1/withdrawals?limit=1000").json()["withdrawals"]
        (mine,) = [each for each in lost if each["object_id"] == secret["id"]]
        assert (mine["kind"], mine["reason"]) == ("withdraw", "the wrong person")
        assert secret["id"] not in other.get("/api/v1/withdrawals?limit=1000").text
        assert siem.post(
            "/api/v1/withdrawals/acknowledge", json={"withdrawals": [mine["id"], "x"]}
        ).json() == {"acknowledged": [mine["id"]]}
    follow = desk.get("/api/v1/withdrawals/five-eyes/reports/followed").json()[0]
    assert (follow["acknowledged"], follow["outstanding"]) == (["nz-kea"], [])


def test_what_is_asked_wrongly_is_told(hub: RunningHub, desk: httpx.Client) -> None:
    thing = published(hub)
    url = f"{ACTS}/{thing['id']}"
    for path, body, status, words in (
        ("release", {"to": []}, 400, "to"),
        ("release", {"to": ["NZL"], "reason": "why not", "more": 1}, 400, "more"),
        ("release", {"to": ["Atlantis"], "reason": "why not"}, 400, "Atlantis"),
        ("regrade", {"level": "cosmic", "reason": "why not"}, 400, "level"),
        ("regrade", {"level": "top-secret", "reason": "why not"}, 400, "nothing above restricted"),
        ("withdraw", {"reason": ""}, 400, "reason"),
    ):
        answer = desk.post(f"{url}/{path}", json=body)
        assert answer.status_code == status, answer.text
        assert words in answer.text
    with hub.client("gb-heron") as siem:
        assert siem.post(f"{url}/withdraw", json={"reason": "not a liaison"}).status_code == 403
    assert desk.get("/api/v1/withdrawals?after=yesterday").status_code == 400


def test_the_same_by_command(hub: RunningHub) -> None:
    secret = published(hub, object_marking_refs=[RED])
    there = ("--in", "five-eyes/reports", "--as", "gb-heron", "--reason", "by hand")
    released = hub.run("objects", "release", secret["id"], "--to", "ca-loon", *there)
    assert released.stdout == "released to ca-loon\n", released.stderr
    assert secret["id"] in received(hub, "ca-loon")[0]
    graded = hub.run("objects", "regrade", secret["id"], "--origin-only", *there)
    assert "only gb-heron, which published it" in graded.stdout, graded.stderr
    assert secret["id"] not in received(hub, "ca-loon")[0]
    assert hub.run("objects", "withdraw", secret["id"], *there).returncode == 0
    listed = hub.run("objects", "withdrawals", *there[:4]).stdout
    assert secret["id"] in listed
    assert "waiting for ca-loon" in listed
    assert hub.run("objects", "withdraw", "indicator--no", *there).returncode == 1


def test_who_sees_it_and_why(hub: RunningHub, desk: httpx.Client) -> None:
    thing = published(hub, object_marking_refs=[RED])
    told = desk.get(f"{ACTS}/{thing['id']}/explain").json()
    (version,) = told
    assert (version["origin"], version["set_by"]) == ("gb-heron", "its markings")
    assert [c["term"] for c in version["clauses"]] == ["TLP:RED"]
    answers = {answer["agency"]: answer for answer in version["answers"]}
    assert answers["gb-heron"]["reads"]
    assert not answers["nz-kea"]["reads"]
    assert "only gb-heron" in answers["nz-kea"]["reason"]
    shown = hub.run("objects", "explain", thing["id"], "--in", "five-eyes/reports", "--who")
    assert "TLP:RED" in shown.stdout, shown.stderr
    assert "nz-kea           no " in shown.stdout
    assert thing["pattern"] not in shown.stdout
    with hub.client("nz-kea") as other:
        assert other.get(f"{ACTS}/{thing['id']}/explain").status_code == 403


def test_who_would_see_it_before_it_is_shared(hub: RunningHub) -> None:
    red, open_, bad = {**indicator(1), "object_marking_refs": [RED]}, indicator(2), {"type": "x"}
    with hub.client("gb-heron") as client:
        url = "/api/v1/objects/sandbox/scratch/dry-run"
        one, two, three = client.post(url, json={"objects": [red, open_, bad]}).json()
        assert (one["ok"], one["readers"]) == (True, ["gb-heron"])
        assert set(two["readers"]) > {"gb-heron", "nz-kea"}
        assert (three["ok"], three["readers"]) == (False, [])
        assert (
            client.get(f"/sandbox/collections/scratch/objects/{red['id']}/", headers=TAXII).status_code == 404
        )
