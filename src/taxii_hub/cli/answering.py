"""Where the hub answers on this machine, and whether it does."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Final

from taxii_hub.settings import Settings

_LOG: Final = logging.getLogger("taxii_hub.supervisor")
_USUAL_START: Final = 5.0


def base_url(settings: Settings) -> str:
    """Where the hub answers on this machine, without final slash."""
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{_loopback(settings.host, brackets=True)}:{settings.port}"


def _loopback(host: str, *, brackets: bool = False) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read
    return f"[{reached}]" if brackets and ":" in reached else reached


async def until_ready(settings: Settings) -> None:
    """Until the hub can serve; where that takes long, it is said once that something is missing."""
    try:
        async with asyncio.timeout(_USUAL_START):
            await until_answered(settings, "/health/ready")
    except TimeoutError:
        _LOG.warning("the hub runs on %s but is not ready; the lines above say why", base_url(settings))
        await until_answered(settings, "/health/ready")


async def until_answered(settings: Settings, path: str) -> None:
    """Ask the path until the answer is 200, less and less often: each refusal is a line in the log."""
    pause = 0.05
    while not await _answers(settings, path):
        await asyncio.sleep(pause)
        pause = min(1.5 * pause, 2)


async def _answers(settings: Settings, path: str) -> bool:
    # To ourselves: the certificate carries the public name, not that of the loopback.
    context = ssl._create_unverified_context() if settings.tls_certificate else None  # noqa: S323, SLF001
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(
                _loopback(settings.host), settings.port, ssl=context
            )
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.readline()
            writer.close()
    except OSError:
        return False
    return b" 200 " in answer
