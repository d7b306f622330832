"""What a hub refuses to start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxii_hub.cli.exposure import is_loopback, refuse_unsafe, unsafe
from taxii_hub.errors import SettingsError
from taxii_hub.settings import Settings

OUTSIDE = ("0.0.0.0", "::", "192.0.2.1", "")


@pytest.mark.parametrize("host", OUTSIDE)
def test_plain_http_where_others_reach_it_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"TAXII_HUB_TLS_CERTIFICATE.*TAXII_HUB_TRUSTED_PROXIES"):
        refuse_unsafe(Settings(host=host))
    for safe in (
        Settings(host=host, tls_certificate=Path("hub.pem")),
        Settings(host=host, trusted_proxies=("192.0.2.9",)),
        Settings(host=host, plain_http="allow"),
    ):
        refuse_unsafe(safe)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1", "localhost"])
def test_loopback_is_fine(host: str) -> None:
    assert is_loopback(host)
    refuse_unsafe(Settings(host=host))


def test_not_everybody_is_a_proxy() -> None:
    assert "everybody's headers" in (unsafe(Settings(trusted_proxies=("10.0.0.1", "*"))) or "")


def test_a_name_that_stands_for_nothing_is_told_by_who_tries_it() -> None:
    assert unsafe(Settings(host="256.1.1.1")) is None


def test_a_header_about_certificates_needs_somebody_to_believe() -> None:
    header = {"client_certificates": "Client-Cert"}
    assert "without TAXII_HUB_TRUSTED_PROXIES" in (unsafe(Settings(**header)) or "")
    assert "addresses or networks" in (
        unsafe(Settings(trusted_proxies=("proxy.example.org",), **header)) or ""
    )
    refuse_unsafe(Settings(trusted_proxies=("192.0.2.9", "10.0.0.0/8"), **header))
