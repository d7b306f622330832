"""The ASGI application: the front layer, and behind it FastAPI for the hub's own API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from taxii_hub import __version__
from taxii_hub.errors import HubError
from taxii_hub.exchange.dry_run import Formats
from taxii_hub.exchange.ending import end_task
from taxii_hub.exchange.hub import Hub
from taxii_hub.web import errors, scrape
from taxii_hub.web.api import (
    audit,
    explain,
    mappings,
    objects,
    openapi,
    privacy,
    releases,
    report,
    whoami,
)
from taxii_hub.web.front import Front
from taxii_hub.web.logs import configure_logging
from taxii_hub.web.serving import Serving

_ROUTERS = (openapi, whoami, mappings, objects, explain, audit, privacy, report, releases)


class Application(FastAPI):
    """Every request goes to the front layer, which hands on to FastAPI what is no TAXII resource."""

    def __init__(self, serving: Serving) -> None:
        super().__init__(
            title="TAXII Hub",
            version=__version__,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
            lifespan=_lifespan,
            exception_handlers={
                HubError: errors.on_hub_error,
                HTTPException: errors.on_http_exception,
                RequestValidationError: errors.on_invalid_request,
                Exception: errors.on_defect,
            },
        )
        self.serving = serving
        self._front = Front(super().__call__, serving)
        for module in _ROUTERS:
            self.include_router(module.router)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)


def create_app(hub: Hub) -> Application:
    """The application that serves ``hub``; starting and stopping it starts and stops the hub's tasks."""
    return Application(Serving(hub, Formats(hub.settings)))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    serving = cast("Application", app).serving
    hub = serving.hub
    configure_logging(hub.settings.log_level)
    await hub.start()
    warming = asyncio.create_task(serving.formats.warm())
    port = hub.settings.metrics_port
    try:
        if port is None:
            yield
            return
        async with await scrape.open_port(port, lambda: scrape.render(hub, serving.metrics)):
            yield
    finally:
        await end_task(warming)
        await hub.stop()
