"""The ASGI application: which path is answered by which function."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taxii_hub import __version__
from taxii_hub.errors import HubError
from taxii_hub.exchange.hub import Hub
from taxii_hub.web import (
    api_roots,
    collections,
    discovery,
    errors,
    health,
    manifest,
    objects,
    scrape,
    status,
    versions,
)
from taxii_hub.web import (
    object as one_object,
)
from taxii_hub.web.api import openapi, whoami
from taxii_hub.web.front import Front
from taxii_hub.web.logs import configure_logging
from taxii_hub.web.metrics import Metrics
from taxii_hub.web.visit import visit_of

Endpoint = Callable[[Request], Awaitable[Response]]

_COLLECTION = "/{api_root}/collections/{collection}"
# In the order they are looked up: a client polls objects all day and asks for discovery once.
# The front layer has taken a final slash off, so each path stands here once.
ROUTES: Mapping[str, Mapping[str, Endpoint]] = {
    f"{_COLLECTION}/objects": {"GET": objects.get, "POST": objects.post},
    f"{_COLLECTION}/manifest": {"GET": manifest.get},
    f"{_COLLECTION}/objects/{{object_id}}": {"GET": one_object.get, "DELETE": one_object.delete},
    f"{_COLLECTION}/objects/{{object_id}}/versions": {"GET": versions.get},
    _COLLECTION: {"GET": collections.get},
    "/{api_root}/collections": {"GET": collections.get_all},
    "/{api_root}/status/{status_id}": {"GET": status.get},
    "/taxii2": {"GET": discovery.get},
    "/health/live": {"GET": health.live},
    "/health/ready": {"GET": health.ready},
    "/metrics": {"GET": scrape.get},
    "/{api_root}": {"GET": api_roots.get},
}


def create_app(hub: Hub) -> FastAPI:
    """The application that serves ``hub``; starting and stopping it starts and stops the hub's tasks."""
    metrics = Metrics(__version__)
    settings = hub.settings
    https = settings.public_url is not None or settings.tls_certificate is not None
    app = FastAPI(
        title="TAXII Hub",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan,
        middleware=[Middleware(Front, hub=hub, metrics=metrics, https=https)],
        exception_handlers={
            HubError: errors.on_hub_error,
            HTTPException: errors.on_http_exception,
            RequestValidationError: errors.on_invalid_request,
        },
    )
    app.state.hub = hub
    app.state.metrics = metrics
    app.router.routes.extend(_route(path, endpoints) for path, endpoints in ROUTES.items())
    for router in (openapi.router, whoami.router):
        app.include_router(router, prefix="/api/v1")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    hub: Hub = app.state.hub
    configure_logging(hub.settings.log_level)
    await hub.start()
    port = hub.settings.metrics_port
    try:
        if port is None:
            yield
            return
        async with await scrape.open_port(port, lambda: scrape.render(hub, app.state.metrics)):
            yield
    finally:
        await hub.stop()


def _route(path: str, endpoints: Mapping[str, Endpoint]) -> Route:
    """One route for all methods of a path, so that a 405 names every one of them."""

    async def respond(request: Request) -> Response:
        visit_of(request).route = path
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return Route(path, respond, methods=list(endpoints))
