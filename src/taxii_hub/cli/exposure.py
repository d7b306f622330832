"""What a hub refuses to start with, because its keys and objects could be read on the way."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from taxii_hub.errors import SettingsError
from taxii_hub.settings import Settings
from taxii_hub.web.certificates import networks


def refuse_unsafe(settings: Settings) -> None:
    """Raises SettingsError with what to set."""
    if (words := unsafe(settings)) is not None:
        raise SettingsError(words)


def unsafe(settings: Settings) -> str | None:
    """Why these settings are refused, and what to do; None where nothing is wrong."""
    return _everybody(settings) or _plain_http(settings) or _believed(settings)


def _everybody(settings: Settings) -> str | None:
    """Uvicorn takes ``*`` for any peer: then every client chooses the address it is counted by."""
    if "*" not in settings.trusted_proxies:
        return None
    return (
        "TAXII_HUB_TRUSTED_PROXIES=*: everybody's headers would be believed; name the proxies' addresses or"
        " networks (10.0.0.1, 10.1.0.0/16)"
    )


def _plain_http(settings: Settings) -> str | None:
    if settings.tls_certificate is not None or settings.trusted_proxies or settings.plain_http == "allow":
        return None
    if is_loopback(settings.host):
        return None
    return (
        f"TAXII_HUB_HOST={settings.host}: the hub would speak plain http there, and keys and objects could be read"
        " on the way. Set TAXII_HUB_TLS_CERTIFICATE and TAXII_HUB_TLS_KEY; or TAXII_HUB_TRUSTED_PROXIES to the"
        " proxy that speaks TLS; or TAXII_HUB_PLAIN_HTTP=allow where nobody else reaches this address"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name counts by what it stands for here."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host or None, 0, type=socket.SOCK_STREAM)}
    except socket.gaierror:
        return True  # nobody can serve there, and who tries says why
    return all(ip_address(str(each).partition("%")[0]).is_loopback for each in found) and host != ""


def _believed(settings: Settings) -> str | None:
    """A header about certificates is worth what its sender is."""
    if settings.client_certificates is None:
        return None
    try:
        known = networks(settings.trusted_proxies)
    except ValueError:
        return (
            "TAXII_HUB_CLIENT_CERTIFICATES is set, so TAXII_HUB_TRUSTED_PROXIES has to be a list of addresses or"
            f" networks (10.0.0.1, 10.1.0.0/16), not {','.join(settings.trusted_proxies)}"
        )
    if not known:
        return (
            "TAXII_HUB_CLIENT_CERTIFICATES is set without TAXII_HUB_TRUSTED_PROXIES: nobody's header would be"
            " believed; name the proxy that asks for client certificates"
        )
    return None
