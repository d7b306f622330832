"""Leaves with 0 when the hub in this container is ready to serve; meant for HEALTHCHECK.

It asks the hub's own address, so a certificate made for its public name does not matter.
"""

from __future__ import annotations

import ssl
import sys
import urllib.error
import urllib.request

from taxii_hub.settings import Settings

SECONDS = 4


def main() -> int:
    settings = Settings.from_environment()
    scheme = "https" if settings.tls_certificate else "http"
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - loopback, see above
    url = f"{scheme}://127.0.0.1:{settings.port}/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS, context=context) as answer:  # noqa: S310 - our own URL
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, TimeoutError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
