"""One web process: uvicorn on a socket that the supervisor holds. Started by ``supervise``, not by people."""

from __future__ import annotations

import argparse
import socket
import ssl

import uvicorn

from taxii_hub.settings import Settings
from taxii_hub.web.protocol import TaxiiProtocol

GRACE = 10
"""Seconds that requests get to end when the hub stops."""
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""What RFC 7540 appendix A leaves of TLS 1.2 (T-8.2.2)."""


class _Server(uvicorn.Server):
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.load()
        if self.config.ssl is not None:
            self.config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
        await super().serve(sockets)


def configured(settings: Settings, app: str) -> uvicorn.Config:
    """How the hub runs uvicorn: no version in a header, no access log, proxies only where trusted."""
    return uvicorn.Config(
        app,
        factory=True,
        lifespan="on",
        http=TaxiiProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=75,  # longer than load balancers keep an idle connection
        timeout_graceful_shutdown=GRACE,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        ssl_ciphers=_CIPHERS,
    )


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--app", required=True)
    arguments = parser.parse_args()
    config = configured(Settings.from_environment(), arguments.app)
    _Server(config).run(sockets=[socket.socket(fileno=arguments.fd)])


if __name__ == "__main__":
    main()
