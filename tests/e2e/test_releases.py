"""Two officers release a report, over HTTP and by command, on a hub whose collection asks for it (R6, R7)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.hubs import Demo, RunningHub, environment_for, running_hub
from tests.support.probe import indicator

ROOT = Path(__file__).parents[2]
TAXII = {"Accept": "application/taxii+json;version=2.1"}
REPORTS = "/five-eyes/collections/reports"
DESK = "/api/v1/releases"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


@pytest.fixture(scope="module")
def hub(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A demo whose Five Eyes reports take two signatures."""
    folder = tmp_path_factory.mktemp("desk") / "collections"
    shutil.copytree(ROOT / "collections", folder)
    file = folder / "five-eyes.yaml"
    words = "alias: reports\n"
    assert words in file.read_text()
    file.write_text(file.read_text().replace(words, f"{words}    hold: always\n    signatures: 2\n"))
    with running_hub(demo=demo) as running:
        applied = running.run("collections", "apply", str(folder))
        assert applied.returncode == 0, applied.stderr
        yield running


@pytest.fixture(scope="module")
def keys(hub: RunningHub) -> dict[str, str]:
    """Of two officers of gb-heron."""
    roles = ("liaison", "reader", "writer")
    return dict(hub.account("gb-heron", *roles, name=name) for name in ("gb-1", "gb-2"))


def client(hub: RunningHub, keys: dict[str, str], name: str) -> httpx.Client:
    return httpx.Client(base_url=hub.url, auth=(name, keys[name]), timeout=30)


def submitted(
    hub: RunningHub, keys: dict[str, str], name: str | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new object and its status, as soon as the hub knows the new catalogue."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        thing = {**indicator(7), "object_marking_refs": [GREEN]}
        with client(hub, keys, name) if name else hub.client("gb-heron") as writer:
            status = writer.post(
                f"{REPORTS}/objects/",
                json={"objects": [thing]},
                headers={**TAXII, "Content-Type": TAXII["Accept"]},
            ).json()
        if status["status"] == "pending":
            return thing, status
    raise AssertionError(status)


def received(hub: RunningHub, user: str) -> str:
    with hub.client(user, headers=TAXII) as siem:
        return siem.get(f"{REPORTS}/objects/", params={"limit": "1000"}).text


def commanded(hub: RunningHub, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``taxii-hub …`` with an officer's key on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "taxii_hub.cli", *arguments],
        env=environment_for(hub.data),
        input=key + "\n",
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_report_takes_two_officers(hub: RunningHub, keys: dict[str, str]) -> None:
    """T-4.3-01, T-4.3-02."""
    thing, status = submitted(hub, keys)
    assert (status["pending_count"], status["pendings"][0]["id"]) == (1, thing["id"])
    assert status["total_count"] == 1
    assert "successes" not in status
    with hub.client("gb-heron") as writer, client(hub, keys, "gb-1") as first:
        (waits,) = [w for w in first.get(DESK).json()["waiting"] if w["object_id"] == thing["id"]]
        assert (waits["kind"], waits["signatures"], waits["signed"]) == ("publish", 2, [])
        url = f"{DESK}/{waits['id']}"
        assert first.get(url).json()["object"] == thing
        assert writer.post(f"{url}/sign").status_code == 403
        assert first.post(f"{url}/sign").json() == {"result": "signed"}
        assert first.post(f"{url}/sign").status_code == 400
        assert all(thing["id"] not in received(hub, user) for user in ("gb-heron", "nz-kea"))
        with hub.client("nz-kea") as stranger:
            assert stranger.get(DESK).status_code == 403
            assert stranger.post(f"{url}/sign").status_code == 403
        borrowed = commanded(hub, keys["gb-1"], "releases", "sign", waits["id"], "--by", "gb-2")
        assert (borrowed.returncode, "not one of account gb-2" in borrowed.stderr) == (1, True)
        listed = hub.run("releases", "list", "--as", "gb-heron").stdout
        assert "in five-eyes/reports, by gb-heron, 1 of 2 signed" in listed
        document = json.loads(hub.run("releases", "list", "--as", "gb-heron", "--json").stdout)
        over_http = first.get(DESK).json()["waiting"]
        assert [each for each in document if each["id"] == waits["id"]] == [
            each for each in over_http if each["id"] == waits["id"]
        ]
        (foreseen,) = writer.post(
            "/api/v1/objects/five-eyes/reports/dry-run",
            json={"objects": [{**thing, "id": indicator(8)["id"]}]},
        ).json()
        assert (foreseen["held"], foreseen["signatures"]) == (True, 2)
        assert thing["name"] not in listed
        signed = commanded(hub, keys["gb-2"], "releases", "sign", waits["id"], "--by", "gb-2")
        assert (signed.stdout, signed.stderr) == (f"{waits['id']}: released\n", "")
        assert thing["id"] in received(hub, "nz-kea")
        again = writer.get(f"/five-eyes/status/{status['id']}/", headers=TAXII).json()
        assert (again["status"], again["success_count"], again["pending_count"]) == ("complete", 1, 0)
        assert first.get(f"{DESK}?settled=true").json()["settled"][0]["by"] == ["gb-1", "gb-2"]


def test_the_submitter_refuses_but_does_not_sign(hub: RunningHub, keys: dict[str, str]) -> None:
    thing, status = submitted(hub, keys, "gb-1")
    with client(hub, keys, "gb-1") as first:
        (waits,) = [w for w in first.get(DESK).json()["waiting"] if w["object_id"] == thing["id"]]
        url = f"{DESK}/{waits['id']}"
        assert first.get(url).json()["may_sign"] is False
        assert first.post(f"{url}/sign").status_code == 403
        assert first.post(f"{url}/refuse", json={"reason": "no"}).status_code == 400
        assert first.post(f"{url}/refuse", json={"reason": "names a source"}).status_code == 204
        again = first.get(f"/five-eyes/status/{status['id']}/", headers=TAXII).json()
        assert "names a source" in again["failures"][0]["message"]
        assert thing["id"] not in received(hub, "nz-kea")
        assert first.get(f"{DESK}/statistics").json()["releases"]["settled"]["refused"] == 1


def test_asking_for_release_says_nothing(hub: RunningHub, keys: dict[str, str]) -> None:
    thing, _ = submitted(hub, keys)
    nothing = indicator(8)["id"]
    ask = {"api_root": "five-eyes", "collection": "reports", "reason": "a case of ours"}
    with hub.client("nz-kea") as siem, client(hub, keys, "gb-1") as officer:
        answers = [
            siem.post("/api/v1/release-requests", json={**ask, "object_id": each})
            for each in (thing["id"], nothing)
        ]
        assert [(a.status_code, sorted(a.json()), len(a.content)) for a in answers] == [
            (202, ["deadline", "id"], len(answers[0].content))
        ] * 2
        (question,) = [
            q for q in officer.get(f"{DESK}/requests").json() if q["object_id"] in (thing["id"], nothing)
        ]
        assert question["object_id"] == thing["id"]
        url = f"{DESK}/requests/{question['id']}/answer"
        assert officer.post(url, json={"granted": True, "words": "of course"}).status_code == 400
        denied = officer.post(url, json={"granted": False, "words": "not yet"}).json()
        assert (denied["question"]["state"], denied["question"]["answer"]) == ("answered", "not yet")
        told = {q["object_id"]: q["state"] for q in siem.get("/api/v1/release-requests").json()}
        assert (told[thing["id"]], told[nothing]) == ("answered", "open")
