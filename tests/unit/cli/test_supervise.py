"""The supervisor with real workers and a real MongoDB: what dies comes back, what ends ends in order."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from taxii_hub.cli import answering, supervise
from taxii_hub.cli.answering import base_url
from taxii_hub.cli.supervise import Plan, Supervisor, Worker, keep_running
from taxii_hub.cli.worker import configured
from taxii_hub.errors import HubError, SettingsError, StoreError, UnavailableError
from taxii_hub.settings import Settings

SUPPORT = Path(__file__).parents[2] / "support"
OUTSIDE = "mongodb://db.example.org/?replicaSet=hub"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Without a MongoDB of its own; nothing that was started here outlives the test."""
    before = set(_children(os.getpid()))  # the MongoDB of the whole run may be among them
    yield Settings(mongodb_uri=OUTSIDE, data_dir=tmp_path / "data", port=0, workers=2)
    left = [pid for pid in _children(os.getpid()) if pid not in before and _is_ours(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_ours(pid: int) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"taxii_hub.cli.worker" in words or b"mongod" in words


def get(url: str, timeout: float = 10) -> list[str]:
    address = urlsplit(url)
    assert address.hostname is not None
    if address.scheme == "https":
        context = ssl._create_unverified_context()
        connection = HTTPSConnection(address.hostname, address.port, timeout=timeout, context=context)
    else:
        connection = HTTPConnection(address.hostname, address.port, timeout=timeout)
    with closing(connection):
        connection.request("GET", address.path or "/")
        answer = connection.getresponse()
        assert answer.headers["server"] is None
        assert answer.headers["date"]
        return str(answer.read().decode()).split()


def terminate(number: signal.Signals = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


def serving(
    settings: Settings, use: Callable[[str], None], prepare: supervise.Act | None = None
) -> list[Settings]:
    """Run a supervisor, ``use`` its URL in another thread once it is ready, then send SIGTERM."""
    seen: list[Settings] = []

    async def nothing(given: Settings) -> None:
        seen.append(given)

    async def ready(given: Settings) -> None:
        seen.append(given)
        try:
            await asyncio.to_thread(use, base_url(given))
        finally:
            terminate()

    supervise.run(Plan(settings, prepare or nothing, ready, app="stub_app:create"))
    return seen


def test_a_signal_while_starting_ends_it_though_a_cancellation_is_lost(settings: Settings) -> None:
    """``asyncio.wait_for`` of Python 3.11, which MongoDB's driver uses, may drop one."""

    async def deaf(_: Settings) -> None:
        terminate()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(10)
        await asyncio.sleep(10)
        raise AssertionError("it goes on starting")

    assert serving(settings, lambda _: None, prepare=deaf) == []


def test_it_serves_until_a_signal(settings: Settings) -> None:
    answers: list[str] = []
    seen = serving(settings, lambda url: answers.extend(get(url)))
    pid, scheme, client, uri = answers
    assert int(pid) != os.getpid()
    assert (scheme, client, uri) == ("http", "127.0.0.1", OUTSIDE)
    assert [s.mongodb_uri for s in seen] == [OUTSIDE, OUTSIDE]
    assert seen[1].port == seen[0].port != 0


def test_a_killed_worker_is_replaced_while_the_others_answer(settings: Settings) -> None:
    def use(url: str) -> None:
        first: set[int] = set()
        while len(first) < 2:  # one answers before the other
            first.update(_pids(url))
        killed = min(first)
        os.kill(killed, signal.SIGKILL)
        began = time.monotonic()
        while set(_pids(url)) - first == set():
            assert time.monotonic() - began < 20  # 0.2 s on an idle machine
        assert killed not in _pids(url)

    serving(settings, use)


def _pids(url: str) -> list[int]:
    """The workers that answer, as far as forty connections show them."""
    found = []
    for _ in range(40):
        try:
            found.append(int(get(url)[0]))
        except OSError:  # the worker was killed while it answered
            continue
    return found


def test_connections_wait_while_the_only_worker_is_replaced(settings: Settings) -> None:
    def use(url: str) -> None:
        before = int(get(url)[0])
        os.kill(before, signal.SIGKILL)
        time.sleep(0.05)
        assert int(get(url, timeout=30)[0]) != before

    serving(replace(settings, workers=1), use)


def test_the_embedded_mongodb_is_restarted_and_stopped_last(settings: Settings) -> None:
    def use(url: str) -> None:
        first = _mongod(settings)
        os.kill(first, signal.SIGKILL)
        began = time.monotonic()
        while _mongod(settings) in (0, first):
            assert time.monotonic() - began < 30
            time.sleep(0.05)
        assert "sock" in get(url)[3]

    seen = serving(replace(settings, mongodb_uri=None, workers=1), use)
    assert seen[0].mongodb_uri is not None
    assert "sock" in seen[0].mongodb_uri
    assert not _mongod(settings)


def _mongod(settings: Settings) -> int:
    """The one on this test's data; that of the whole run is a child of ours too."""
    data = os.fsencode(settings.data_dir)
    found = (pid for pid in _children(os.getpid()) if data in Path(f"/proc/{pid}/cmdline").read_bytes())
    return next((pid for pid in found if b"mongod" in Path(f"/proc/{pid}/cmdline").read_bytes()), 0)


def test_a_running_request_is_finished(settings: Settings) -> None:
    answers: list[str] = []

    def use(url: str) -> None:
        reader = asyncio.new_event_loop()
        try:
            answered = reader.run_in_executor(None, get, f"{url}/slow/1.5")
            reader.run_until_complete(asyncio.sleep(0.5))
            terminate()
            answers.extend(reader.run_until_complete(answered))
        finally:
            reader.run_until_complete(reader.shutdown_default_executor())
            reader.close()

    supervisor_ended = False

    async def body() -> None:
        nonlocal supervisor_ended
        used: list[asyncio.Task[None]] = []

        async def ready(given: Settings) -> None:
            used.append(asyncio.create_task(asyncio.to_thread(use, base_url(given))))
            await asyncio.sleep(3600)

        await Supervisor(Plan(settings, _nothing, ready, app="stub_app:create")).run()
        supervisor_ended = True
        await used[0]

    asyncio.run(body())
    assert supervisor_ended
    assert len(answers) == 4


async def _nothing(given: Settings) -> None:
    """Needs no preparation."""


def test_a_second_signal_cuts_requests_off(settings: Settings) -> None:
    began = 0.0
    ended: list[BaseException] = []

    async def body() -> None:
        used: list[asyncio.Task[Any]] = []

        async def ready(given: Settings) -> None:
            used.append(asyncio.create_task(asyncio.to_thread(get, f"{base_url(given)}/slow/60", 70)))
            await asyncio.sleep(0.5)
            nonlocal began
            began = time.monotonic()
            asyncio.get_running_loop().call_later(1, terminate, signal.SIGINT)
            terminate(signal.SIGHUP)
            await asyncio.sleep(3600)

        await Supervisor(Plan(settings, _nothing, ready, app="stub_app:create")).run()
        ended.extend(await asyncio.gather(*used, return_exceptions=True))

    asyncio.run(body())
    assert time.monotonic() - began < 9
    assert isinstance(ended[0], OSError)


def test_a_signal_while_preparing_ends_it(settings: Settings) -> None:
    async def prepare(given: Settings) -> None:
        terminate()
        await asyncio.sleep(3600)

    async def ready(given: Settings) -> None:
        raise AssertionError("it never got that far")

    supervise.run(Plan(replace(settings, mongodb_uri=None), prepare, ready))
    assert not _mongod(settings)


@pytest.mark.parametrize("error", [StoreError("too old"), UnavailableError("gone")])
def test_what_preparing_refuses_is_raised_as_it_is(settings: Settings, error: HubError) -> None:
    async def prepare(given: Settings) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        supervise.run(Plan(settings, prepare, _nothing))
    assert caught.value is error


def test_a_mistake_of_ours_is_not_hidden(settings: Settings) -> None:
    async def prepare(given: Settings) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        supervise.run(Plan(settings, prepare, _nothing))
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)


def test_a_cancellation_that_is_no_signal_is_passed_on(settings: Settings) -> None:
    async def body() -> None:
        async def prepare(given: Settings) -> None:
            await asyncio.sleep(3600)

        task = asyncio.create_task(Supervisor(Plan(settings, prepare, _nothing)).run())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(body())


def test_a_worker_that_cannot_start_ends_the_hub(settings: Settings) -> None:
    with pytest.raises(StoreError, match=r"worker \d ended while starting \(exit status \d\)"):
        supervise.run(Plan(settings, _nothing, _nothing, app="no_such_module:create"))


def test_a_hub_that_is_not_ready_is_told_once_and_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(answering, "_USUAL_START", 0.3)
    monkeypatch.setenv("STUB_READY", str(tmp_path / "ready"))

    async def mend() -> None:
        for _ in range(600):
            if "is not ready" in caplog.text:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        (tmp_path / "ready").touch()

    mending: list[asyncio.Task[None]] = []

    async def prepare(given: Settings) -> None:
        mending.append(asyncio.create_task(mend()))

    serving(settings, lambda _: None, prepare)
    assert caplog.text.count("is not ready; the lines above say why") == 1
    assert (tmp_path / "ready").exists()


def test_an_address_in_use_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "_ADDRESS_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"TAXII_HUB_PORT={port}.*another program uses it"):
            supervise.run(Plan(replace(settings, port=port), _nothing, _nothing))


def test_an_address_that_does_not_exist_is_told(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"TAXII_HUB_HOST=256\.1\.1\.1"):
        supervise.run(Plan(replace(settings, host="256.1.1.1"), _nothing, _nothing))


def test_urls_on_this_machine() -> None:
    for host, url in {
        "127.0.0.1": "http://127.0.0.1:8000",
        "0.0.0.0": "http://127.0.0.1:8000",
        "::": "http://[::1]:8000",
        "hub.example.org": "http://hub.example.org:8000",
    }.items():
        assert base_url(Settings(host=host)) == url


class _Dying:
    """Ends a few times, each time at once; the third start is refused."""

    name = "it"

    def __init__(self) -> None:
        self.starts: list[float] = []

    async def start(self) -> None:
        self.starts.append(time.monotonic())
        if len(self.starts) == 3:
            raise StoreError("no room")

    async def wait(self) -> str:
        if len(self.starts) == 5:
            await asyncio.sleep(3600)
        return "no room"

    async def stop(self) -> None:
        raise AssertionError


def test_what_ends_soon_is_started_later_and_later(caplog: pytest.LogCaptureFixture) -> None:
    service = _Dying()

    async def body() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(keep_running(service), 5)

    asyncio.run(body())
    pauses = [b - a for a, b in zip(service.starts, service.starts[1:], strict=False)]
    assert len(pauses) == 4
    assert pauses == sorted(pauses)
    assert pauses[-1] > 1.5
    assert "it ended (no room); starting it again in 1.6 s" in caplog.text


def test_a_worker_that_ignores_sigterm_is_killed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "GRACE", -1.5)

    async def body() -> None:
        worker = Worker("deaf", settings, "x:y", 0)
        await worker.stop()
        worker.kill()
        assert await worker.wait() == "exit status 0"
        worker._command = ["sh", "-c", f"trap '' TERM; touch {tmp_path}/deaf; exec sleep 60"]
        await worker.start()
        for _ in range(600):
            if (tmp_path / "deaf").exists():
                break
            await asyncio.sleep(0.1)
        await worker.stop()
        assert await worker.wait() == "signal 9"
        await worker.stop()

    asyncio.run(body())


def test_proxies_are_believed_only_where_they_are_named() -> None:
    plain = configured(Settings(), "x:y")
    assert plain.proxy_headers is False
    behind = configured(Settings(trusted_proxies=("10.0.0.1",)), "x:y")
    assert (behind.proxy_headers, behind.forwarded_allow_ips) == (True, ["10.0.0.1"])
    assert (plain.server_header, plain.date_header, plain.access_log) == (False, True, False)


# --- TLS (T-8.2.2) -----------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate of this test")
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = (
        f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -out {paths[0]} -keyout {paths[1]}"
    )
    subprocess.run([openssl, *command.split()], check=True, capture_output=True)
    return paths


def _handshake(url: str, version: ssl.TLSVersion) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    host, port = url.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port))) as raw, context.wrap_socket(raw) as wrapped:
        return wrapped.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_2_and_1_3_are_spoken_and_older_ones_are_not(
    settings: Settings, certificate: tuple[Path, Path]
) -> None:
    def use(url: str) -> None:
        assert url.startswith("https://")
        assert get(url)[1] == "https"
        assert _handshake(url, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        assert _handshake(url, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _handshake(url, ssl.TLSVersion.TLSv1_1)

    serving(replace(settings, tls_certificate=certificate[0], tls_key=certificate[1]), use)


def test_certificates_that_cannot_be_used_are_told(
    settings: Settings, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    cases: list[tuple[Path | None, Path | None, str]] = [
        (None, key, "set both or none"),
        (cert, None, "cannot be used"),
        (cert, key.parent / "missing.pem", "No such file"),
        (key, key, "cannot be used"),
    ]
    for given_cert, given_key, words in cases:
        wrong = replace(settings, tls_certificate=given_cert, tls_key=given_key)
        with pytest.raises(SettingsError, match=words):
            supervise.run(Plan(wrong, _nothing, _nothing))
