"""The ASGI application: which path is answered by which function."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from taxii_hub import __version__
from taxii_hub.errors import HubError
from taxii_hub.exchange.dry_run import Formats
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
from taxii_hub.web.api import audit, explain, mappings, openapi, privacy, releases, report, whoami
from taxii_hub.web.api import objects as own_objects
from taxii_hub.web.body import Uploads
from taxii_hub.web.front import Front
from taxii_hub.web.logs import configure_logging
from taxii_hub.web.metrics import Metrics
from taxii_hub.web.visit import visit_of

Endpoint = Callable[[Request], Awaitable[Response]]

_COLLECTION = "/{api_root}/collections/{collection}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One path and the function for each of its methods.

    ``kind`` is the word under which a consumer's requests are kept; None where no consumer asks.
    """

    path: str
    kind: str | None
    endpoints: Mapping[str, Endpoint]


# In the order they are looked up: a client polls objects all day and asks for discovery once.
# The front layer has taken a final slash off, so each path stands here once.
RESOURCES = (
    Resource(f"{_COLLECTION}/objects", "objects", {"GET": objects.get, "POST": objects.post}),
    Resource(f"{_COLLECTION}/manifest", "manifest", {"GET": manifest.get}),
    Resource(
        f"{_COLLECTION}/objects/{{object_id}}",
        "object",
        {"GET": one_object.get, "DELETE": one_object.delete},
    ),
    Resource(f"{_COLLECTION}/objects/{{object_id}}/versions", "versions", {"GET": versions.get}),
    Resource(_COLLECTION, "collection", {"GET": collections.get}),
    Resource("/{api_root}/collections", "collections", {"GET": collections.get_all}),
    Resource("/{api_root}/status/{status_id}", "status", {"GET": status.get}),
    Resource("/taxii2", "discovery", {"GET": discovery.get}),
    Resource("/health/live", None, {"GET": health.live}),
    Resource("/health/ready", None, {"GET": health.ready}),
    Resource("/metrics", None, {"GET": scrape.get}),
    Resource("/{api_root}", "api-root", {"GET": api_roots.get}),
)


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
    app.state.uploads = Uploads()
    app.state.formats = Formats(settings)
    app.router.routes.extend(_route(resource) for resource in RESOURCES)
    for router in (
        openapi.router,
        whoami.router,
        mappings.router,
        own_objects.router,
        explain.router,
        audit.router,
        privacy.router,
        report.router,
        releases.router,
    ):
        app.include_router(router)
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


def _route(resource: Resource) -> Route:
    """One route for all methods of a path, so that a 405 names every one of them."""
    endpoints = resource.endpoints

    async def respond(request: Request) -> Response:
        visit = visit_of(request)
        visit.route, visit.kind = resource.path, resource.kind
        method = "GET" if request.method == "HEAD" else request.method
        return await endpoints[method](request)

    return Route(resource.path, respond, methods=list(endpoints))
