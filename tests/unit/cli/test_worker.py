"""One web process on real sockets: how it is taken out of service, and which TLS it speaks."""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from taxii_hub.settings import Settings
from tests.support.certificates import Authority
from tests.unit.cli.test_supervise import _environment, _handshake, serving, settings

__all__ = ("_environment", "settings")


def asked(connection: HTTPConnection, path: str) -> tuple[int, str | None]:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("connection")


def test_it_goes_on_answering_while_it_is_taken_out(settings: Settings) -> None:
    def use(url: str) -> None:
        address = urlsplit(url).netloc
        with closing(HTTPConnection(address, timeout=10)) as kept:
            assert asked(kept, "/") == (200, None)
            began = time.monotonic()
            os.kill(os.getpid(), signal.SIGTERM)
            ready = _until(address, lambda answer: answer[0] == 503)
            assert ready == (503, "close"), "the balancer has to see it first"
            assert asked(kept, "/") == (200, "close"), "who has a connection gets his answer"
        assert _refused(address)
        assert 2 <= time.monotonic() - began < 8

    (ended,) = {s.drain for s in serving(replace(settings, drain=2), use)}
    assert ended == 2


def _until(address: str, wanted: Callable[[tuple[int, str | None]], bool]) -> tuple[int, str | None]:
    end = time.monotonic() + 2
    while True:
        with closing(HTTPConnection(address, timeout=10)) as connection:
            answer = asked(connection, "/health/ready")
        if wanted(answer) or time.monotonic() > end:
            return answer
        time.sleep(0.02)


def _refused(address: str) -> bool:
    """Until a connection is refused; what is accepted meanwhile is answered."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with closing(HTTPConnection(address, timeout=5)) as connection:
            try:
                assert asked(connection, "/")[0] == 200
            except (OSError, HTTPException):
                return True
        time.sleep(0.02)
    return False


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_is_verified_and_has_forward_secrecy(settings: Settings, tmp_path: Path) -> None:
    """T-8.2.2, with a CA that the client knows; and 1.3 alone where that is wanted."""
    authority = Authority(tmp_path)
    server = authority.issue("hub")

    def use(url: str) -> None:
        known = ssl.create_default_context(cafile=str(authority.pair.certificate))
        with urlopen(url, context=known, timeout=10) as answer:
            assert answer.status == 200
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            urlopen(url, context=ssl.create_default_context(), timeout=10)
        assert _handshake(url, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _handshake(url, ssl.TLSVersion.TLSv1_2)

    given = replace(settings, tls_certificate=server.certificate, tls_key=server.key, tls_minimum="1.3")
    serving(given, use)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_2_without_forward_secrecy_is_refused(settings: Settings, tmp_path: Path) -> None:
    server = Authority(tmp_path).issue("hub")
    spoken = {"ECDHE-ECDSA-AES128-GCM-SHA256": True, "ECDHE-ECDSA-CHACHA20-POLY1305": True}
    spoken |= {"AES128-GCM-SHA256": False, "ECDHE-ECDSA-AES128-SHA": False}

    def use(url: str) -> None:
        address = urlsplit(url)
        for cipher, fine in spoken.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(f"{cipher}:@SECLEVEL=0")
            try:
                with urlopen(f"https://{address.netloc}/", context=context, timeout=10) as answer:
                    assert (answer.status, fine) == (200, True), cipher
            except OSError:
                assert not fine, cipher

    serving(replace(settings, tls_certificate=server.certificate, tls_key=server.key), use)
