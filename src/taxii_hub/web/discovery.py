"""TAXII 2.1 section 4.1: which API roots there are for this account."""

from __future__ import annotations

from taxii_hub.exchange.access import visible_api_roots
from taxii_hub.model import Account
from taxii_hub.settings import Settings
from taxii_hub.taxii import resources
from taxii_hub.web.answers import Answer, answer
from taxii_hub.web.deps import client_of
from taxii_hub.web.visit import Visit

TITLE = "TAXII Hub"
_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised, not bound


async def get(visit: Visit) -> Answer:
    """The API roots this account's agency is a member of; none of them: the list is left out."""
    account = client_of(visit)
    hub = visit.hub
    base = base_url(visit, hub.settings, account)
    urls = [f"{base}/{root.path}/" for root in visible_api_roots(hub, account)]
    default = urls[0] if urls else None
    return await answer(visit, resources.discovery(TITLE, None, None, default, urls))


def base_url(visit: Visit, settings: Settings, account: Account) -> str:
    """What API root paths are prefixed with.

    Nothing, so that they stay right behind any proxy, unless the operator named a public URL or the
    account's client cannot do with relative ones.
    """
    if settings.public_url is not None:
        return settings.public_url
    return _bound_url(visit, settings) if account.client_profile == "absolute-urls" else ""


def _bound_url(visit: Visit, settings: Settings) -> str:
    """The address this hub is bound to. Never the Host header: a client could choose it.

    Where the settings leave the address or the port open, the socket that took the request tells.
    """
    host, port = settings.host, settings.port
    local_host, local_port = visit.scope.get("server") or (host, port)
    if local_port is not None:  # a Unix socket has none, and a path for a host
        host = local_host if host in _ANY_ADDRESS else host
        port = port or local_port
    scheme = "http" if settings.tls_certificate is None else "https"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
