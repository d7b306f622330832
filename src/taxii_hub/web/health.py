"""Is the process alive, can it serve: for load balancers and container platforms, without credentials.

Neither says why not; the log and ``taxii-hub doctor`` do.
"""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.web.answers import JSON
from taxii_hub.web.deps import hub_of

_log = structlog.get_logger("taxii_hub.web")


async def live(request: Request) -> Response:
    """The process answers."""
    return Response(b'{"status":"live"}', media_type=JSON)


async def ready(request: Request) -> Response:
    """The hub can serve polls and take objects; else 503."""
    problems = hub_of(request).ready()
    if not problems:
        return Response(b'{"status":"ready"}', media_type=JSON)
    _log.warning("not ready", problems=problems)
    return Response(b'{"status":"not ready"}', 503, {"retry-after": "5"}, JSON)
