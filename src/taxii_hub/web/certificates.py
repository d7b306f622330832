"""The client certificate that a proxy saw, where one of the trusted ones says so.

Nobody else is believed: the proxy's own address counts, looked at before anything takes the client's
address from a header, and what is believed stands where no request can write.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_SCOPE_KEY = "taxii_hub.certificate"
_LONGEST = 16_384
UNREADABLE = "unreadable"
"""In the place of a fingerprint: there is a header, and no certificate in it. It equals none."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Certificates:
    """The outermost layer. ``header``: its name in lower case."""

    app: ASGIApp
    header: bytes
    proxies: tuple[Network, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._trusted(scope.get("client")):
            lines = [value for name, value in scope["headers"] if name == self.header]
            if lines:
                scope[_SCOPE_KEY] = fingerprint(lines)
        await self.app(scope, receive, send)

    def _trusted(self, client: tuple[str, int] | None) -> bool:
        if client is None:
            return False
        address = _address(client[0])
        return address is not None and any(address in network for network in self.proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def networks(proxies: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks. Raises ValueError for another word, ``*`` too: it would believe everybody."""
    return tuple(ip_network(each) for each in proxies)


def certificate_of(scope: Mapping[str, Any]) -> str | None:
    """SHA-256 of the certificate that the client showed the proxy, in hexadecimal."""
    found: str | None = scope.get(_SCOPE_KEY)
    return found


def fingerprint(lines: Sequence[bytes]) -> str:
    """Of a header as RFC 9440 has it (``:base64 of the DER:``), or of a PEM that is percent-encoded, as
    nginx sends it. Two headers are none: one of them would be somebody else's."""
    if len(lines) != 1 or len(lines[0]) > _LONGEST:
        return UNREADABLE
    text = lines[0].decode("latin-1").strip()
    try:
        if text.startswith(":") and text.endswith(":") and len(text) > 2:
            der = base64.b64decode(text[1:-1], validate=True)
        else:
            der = ssl.PEM_cert_to_DER_cert(unquote(text))
    except (ValueError, binascii.Error):
        return UNREADABLE
    return hashlib.sha256(der).hexdigest() if der else UNREADABLE
