"""Whose word about a client's certificate counts, and how it is spelled."""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from taxii_hub.web.certificates import UNREADABLE, Certificates, certificate_of, fingerprint, networks
from tests.support.certificates import Authority, Pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Authority(tmp_path_factory.mktemp("ca")).issue("member")


def spelled(path: Path) -> list[bytes]:
    """As HAProxy, nginx and RFC 9440 write it."""
    pem = path.read_text()
    der = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem.strip()))
    return [b":" + der + b":", quote(pem).encode(), quote(pem, safe="").encode()]


def test_every_spelling_has_the_fingerprint_of_the_certificate(pair: Pair) -> None:
    assert {fingerprint([each]) for each in spelled(pair.certificate)} == {pair.fingerprint}


def test_what_is_no_certificate_equals_none(pair: Pair) -> None:
    good = spelled(pair.certificate)[0]
    bad = [b"", b"::", b":%%:", b":====:", b"-----BEGIN CERTIFICATE-----", b"\xff\xfe", b"a" * 20_000, b":a"]
    for lines in [[each] for each in bad] + [[good, good], [good, b""]]:
        assert fingerprint(lines) == UNREADABLE


def seen(client: tuple[str, int] | None, headers: list[tuple[bytes, bytes]]) -> str | None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    outer = Certificates(app, b"client-cert", networks(("192.0.2.1", "10.1.0.0/16", "2001:db8::/32")))
    scope = {"type": "http", "client": client, "headers": headers}
    asyncio.run(outer(scope, None, None))  # type: ignore[arg-type]
    return certificate_of(scopes[0])


@pytest.mark.parametrize("address", ["192.0.2.1", "10.1.255.9", "::ffff:192.0.2.1", "2001:db8::7"])
def test_a_trusted_proxy_is_believed(pair: Pair, address: str) -> None:
    headers = [(b"client-cert", spelled(pair.certificate)[0])]
    assert seen((address, 1), headers) == pair.fingerprint
    assert seen((address, 1), []) is None
    assert seen((address, 1), [(b"client-cert", b"")]) == UNREADABLE


@pytest.mark.parametrize(
    "client", [None, ("192.0.2.2", 1), ("10.2.0.1", 1), ("", 1), ("192.0.2.1.example", 1), ("::1", 1)]
)
def test_nobody_else_is(pair: Pair, client: tuple[str, int] | None) -> None:
    for name in (b"client-cert", b"x-forwarded-for", b"taxii_hub.certificate"):
        assert seen(client, [(name, each) for each in spelled(pair.certificate)[:1]]) is None
        assert seen(client, [(name, pair.fingerprint.encode())]) is None


def test_everybody_is_no_proxy() -> None:
    for wrong in ("*", "proxy.example.org", "10.0.0.1/8"):
        with pytest.raises(ValueError, match=r"."):
            networks((wrong,))
