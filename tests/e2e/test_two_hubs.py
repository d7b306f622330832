"""Two hubs on one MongoDB: any of them answers any cursor, and writes go on when one is killed."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.hubs import environment_for, stop
from tests.support.probe import Probe, Target, indicator

READY = "TAXII Hub ready: "
TAXII = "application/taxii+json;version=2.1"


@contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``taxii-hub serve`` on a free port; its URL and process."""
    command = [sys.executable, "-m", "taxii_hub.cli", "serve", "--port", "0"]
    with (Path(environment["TAXII_HUB_DATA_DIR"]) / "log").open("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, text=True)
        try:
            yield _url(process, log.name), process
        finally:
            stop(process)


def _url(process: subprocess.Popen[str], log: str) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        for line in Path(log).read_text().splitlines():
            if line.startswith(READY):
                return line.removeprefix(READY).split()[0].removesuffix("/taxii2/")
        time.sleep(0.05)
    raise AssertionError(Path(log).read_text()[-2000:])


def environment(tmp_path: Path, name: str, uri: str, database: str) -> dict[str, str]:
    (tmp_path / name).mkdir()
    return environment_for(
        tmp_path / name,
        {
            "TAXII_HUB_MONGODB_URI": uri,
            "TAXII_HUB_MONGODB_DATABASE": database,
            "TAXII_HUB_SECRETS_DIR": str(tmp_path / "secrets"),
        },
    )


def taxii_hub(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "taxii_hub.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_two_hubs(tmp_path: Path, mongodb_uri: str, mongodb_database: str) -> None:
    one = environment(tmp_path, "one", mongodb_uri, mongodb_database)
    two = environment(tmp_path, "two", mongodb_uri, mongodb_database)
    taxii_hub(one, "collections", "apply")
    added = taxii_hub(
        one,
        "accounts",
        "add",
        "probe",
        "--agency",
        "gb-heron",
        "--role",
        "reader",
        "--role",
        "writer",
        "--json",
    )
    auth = ("probe", json.loads(added)["key"])
    with served(one) as (first, process), served(two) as (second, _):
        path = "/sandbox/collections/scratch"
        targets = [Target(url + path, auth) for url in (first, second)]
        sums = await asyncio.gather(*(Probe(target, writers=4).run(4) for target in targets))
        assert all(each.clean and each.acknowledged > 20 for each in sums), sums

        headers = {"Accept": TAXII, "Content-Type": TAXII}
        async with httpx.AsyncClient(auth=auth, headers=headers) as client:
            page = (await client.get(f"{first}{path}/objects/?limit=5")).json()
            answer = await client.get(f"{second}{path}/objects/", params={"limit": "5", "next": page["next"]})
            assert answer.status_code == 200
            assert not {o["id"] for o in page["objects"]} & {o["id"] for o in answer.json()["objects"]}

            for number in range(3):
                body = {"objects": [indicator(number)]}
                assert (await client.post(f"{first}{path}/objects/", json=body)).status_code == 202
            process.send_signal(signal.SIGKILL)
            began = time.monotonic()
            answer = await client.post(f"{second}{path}/objects/", json={"objects": [indicator(9)]})
            assert answer.status_code == 202
            assert (
                time.monotonic() - began < 20
            )  # 0.1 s; its open transaction would hold others up for a minute
