"""Two hubs behind HAProxy and behind nginx, with the files of ``deploy/``: restarted one after the other under load."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pymongo import MongoClient

from tests.e2e.test_two_hubs import READY, TAXII, environment, taxii_hub
from tests.support.certificates import Authority, Pair
from tests.support.hubs import environment_for, stop
from tests.support.probe import indicator
from tests.support.proxies import PROGRAMS, absent, free_port, haproxy_servers, proxy

PATH = "/sandbox/collections/scratch"
PROXIES = [name for name in PROGRAMS if absent(name) is None]


@dataclass
class Hub:
    """``taxii-hub serve`` on a port that stays."""

    environment: dict[str, str]
    port: int
    process: subprocess.Popen[str] | None = None
    starts: int = 0

    @property
    def log(self) -> Path:
        """Of the last start; those before stay for whoever looks why a test failed."""
        return Path(self.environment["TAXII_HUB_DATA_DIR"]) / f"log{self.starts}"

    def start(self) -> None:
        self.starts += 1
        command = [sys.executable, "-m", "taxii_hub.cli", "serve", "--port", str(self.port)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, text=True)

    async def until_ready(self) -> None:
        end = time.monotonic() + 120
        while READY not in self.log.read_text():
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < end, self.log.read_text()[-2000:]
            await asyncio.sleep(0.05)

    async def restart(self) -> None:
        """As an operator does it: SIGTERM, wait, start, wait."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(self.process.wait, 40) == 0
        self.start()
        await self.until_ready()


@dataclass
class Site:
    """Two hubs on one database, each proxy before both."""

    hubs: list[Hub]
    urls: dict[str, str]
    folder: Path
    authority: Authority
    auth: tuple[str, str]

    def trust(self, shown: Pair | None = None) -> ssl.SSLContext:
        """What a client trusts, and the certificate that it shows."""
        context = ssl.create_default_context(cafile=str(self.authority.pair.certificate))
        if shown is not None:
            context.load_cert_chain(shown.certificate, shown.key)
        return context

    @asynccontextmanager
    async def client(self, name: str) -> AsyncIterator[httpx.AsyncClient]:
        said = {"Accept": TAXII, "Content-Type": TAXII}
        async with httpx.AsyncClient(
            base_url=self.urls[name], auth=self.auth, verify=self.trust(), headers=said, timeout=30
        ) as client:
            yield client


@pytest.fixture(scope="module")
def site(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    database = f"t{uuid.uuid4().hex[:12]}"
    authority = Authority(folder)
    environments = [environment(folder, name, mongodb_uri, database) for name in ("one", "two")]
    for each in environments:
        each |= {"TAXII_HUB_TRUSTED_PROXIES": "127.0.0.1", "TAXII_HUB_DRAIN": "2"}
        each |= {"TAXII_HUB_PUBLIC_URL": "https://hub.example.org"}
        each |= {"TAXII_HUB_CLIENT_CERTIFICATES": "Client-Cert"}
    taxii_hub(environments[0], "collections", "apply")
    names = ["accounts", "add", "probe", "--agency", "gb-heron", "--role", "reader", "--role", "writer"]
    key = json.loads(taxii_hub(environments[0], *names, "--json"))["key"]
    hubs = [Hub(each, free_port()) for each in environments]
    try:
        with ExitStack() as running:
            for hub in hubs:
                hub.start()
            for hub in hubs:
                asyncio.run(hub.until_ready())
            ports = [hub.port for hub in hubs]
            urls = {name: running.enter_context(proxy(name, folder, ports, authority)) for name in PROXIES}
            yield Site(hubs, urls, folder, authority, ("probe", key))
    finally:
        for hub in hubs:
            if hub.process is not None:
                stop(hub.process)
        with MongoClient(mongodb_uri) as client:
            client.drop_database(database)


@dataclass
class Load:
    """A poller and a writer through one proxy; ``wrong`` is whatever was no 200 or 202."""

    acknowledged: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    polls: int = 0
    over: bool = False
    written: bool = False

    async def write(self, client: httpx.AsyncClient) -> None:
        number = 0
        while not self.over:
            number += 1
            objects = [indicator(number)]
            answer = await self._asked(client.post(f"{PATH}/objects/", json={"objects": objects}), 202)
            if answer is not None:
                self.acknowledged.update(each["id"] for each in objects)
            await asyncio.sleep(0.1)
        self.written = True

    async def poll(self, client: httpx.AsyncClient, since: str) -> None:
        last, end = since, float("inf")
        while time.monotonic() < end and not (self.written and self.acknowledged <= self.seen):
            if self.written:
                end = min(end, time.monotonic() + 10)
            asked = {"added_after": last, "limit": "100"}
            answer = await self._asked(client.get(f"{PATH}/objects/", params=asked), 200)
            self.polls += 1
            if answer is not None:
                self.seen.update(each["id"] for each in answer.json().get("objects", []))
                last = answer.headers.get("X-TAXII-Date-Added-Last", last)
            await asyncio.sleep(0.04)

    async def _asked(self, request: Any, wanted: int) -> httpx.Response | None:
        try:
            answer: httpx.Response = await request
        except httpx.HTTPError as error:
            self.wrong.append(repr(error))
            return None
        if answer.status_code == wanted:
            return answer
        self.wrong.append(f"{answer.status_code} {answer.text[:200]}")
        return None


@pytest.mark.skipif(not PROXIES, reason=str(absent("haproxy")))
async def test_a_rolling_restart_fails_no_poll_and_no_post(site: Site) -> None:
    loads = {name: Load() for name in site.urls}
    async with asyncio.TaskGroup() as group:
        for name, load in loads.items():
            group.create_task(_loaded(site, name, load))
        for hub in site.hubs:
            await hub.restart()
            if "haproxy" in site.urls:
                await _until_up(site.folder)
        for load in loads.values():
            load.over = True
    for name, load in loads.items():
        assert not load.wrong, (name, load.wrong)
        assert load.polls > 20
        assert load.acknowledged
        assert load.acknowledged <= load.seen


async def _loaded(site: Site, name: str, load: Load) -> None:
    async with site.client(name) as client:
        await asyncio.gather(load.write(client), load.poll(client, "2000-01-01T00:00:00Z"))


async def _until_up(folder: Path) -> None:
    end = time.monotonic() + 30
    while set(haproxy_servers(folder).values()) != {"UP"}:
        assert time.monotonic() < end, haproxy_servers(folder)
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("name", list(PROGRAMS))
async def test_any_hub_answers_any_cursor_through_a_proxy(site: Site, name: str) -> None:
    if reason := absent(name):
        pytest.skip(reason)
    async with site.client(name) as client:
        objects = [indicator(number) for number in range(12)]
        assert (await client.post(f"{PATH}/objects/", json={"objects": objects})).status_code == 202
        found, page = [], {"limit": "2", "match[id]": ",".join(each["id"] for each in objects)}
        while True:
            answer = await client.get(f"{PATH}/objects/", params=page)
            assert answer.status_code == 200, answer.text
            found += [each["id"] for each in answer.json()["objects"]]
            if not answer.json().get("more"):
                break
            page["next"] = answer.json()["next"]
        assert found == [each["id"] for each in objects]
        discovery = await client.get("/taxii2/")
        assert discovery.json()["api_roots"][0].startswith("https://hub.example.org/")
        assert (await client.get("/metrics")).status_code == 404
        assert "strict-transport-security" in discovery.headers


def test_a_hub_with_other_secrets_is_refused(site: Site, tmp_path: Path) -> None:
    ours = site.hubs[0].environment
    more = {k: v for k, v in ours.items() if k.startswith("TAXII_HUB_MONGODB")}
    stranger = environment_for(tmp_path, more)
    command = [sys.executable, "-m", "taxii_hub.cli", "serve", "--port", "0"]
    done = subprocess.run(command, env=stranger, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "belongs to hubs with other secrets" in done.stderr


def test_a_key_bound_to_a_certificate_counts_only_with_it(site: Site, tmp_path: Path) -> None:
    """RFC 8705's idea by a proxy's word: a stolen key is worth nothing over another certificate, and a
    header that somebody else sends is worth nothing at all."""
    member, other = site.authority.issue("member"), site.authority.issue("other")
    forger = Authority(tmp_path, "Somebody's CA").issue("forger")
    forged = site.trust(forger)
    names = ["accounts", "add", "bound", "--agency", "gb-heron", "--role", "reader"]
    said = taxii_hub(site.hubs[0].environment, *names, "--certificate", str(member.certificate), "--json")
    auth = ("bound", json.loads(said)["key"])
    pem = member.certificate.read_text()
    der = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()
    claims = [{}, {"Client-Cert": f":{der}:"}, {"Client-Cert": quote(pem)}, {"client-cert": f":{der}:"}]

    def asked(url: str, context: Any = True, headers: dict[str, str] | None = None) -> int:
        told = {"Accept": TAXII, **(headers or {})}
        return httpx.get(f"{url}/taxii2/", auth=auth, headers=told, verify=context).status_code

    def known(ask: Callable[[], int]) -> bool:
        """Every hub knows a new account within some two seconds, on a quiet machine."""
        for _ in range(60):
            if ask() == 200:
                return True
            time.sleep(0.5)
        return False

    for url in site.urls.values():
        with_his = site.trust(member)
        assert known(partial(asked, url, with_his))
        assert {asked(url, site.trust(other), claim) for claim in claims} == {401}
        with pytest.raises(httpx.HTTPError):
            httpx.get(url, verify=forged).raise_for_status()
    hub = f"http://127.0.0.1:{site.hubs[0].port}/taxii2/"
    assert known(partial(asked, hub.removesuffix("/taxii2/"), headers=claims[1]))
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=elsewhere, auth=auth, headers={"Accept": TAXII}) as stranger:
        assert {stranger.get(hub, headers=claim).status_code for claim in claims} == {401}
