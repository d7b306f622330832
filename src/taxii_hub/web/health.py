"""Is the process alive, can it serve: for load balancers and container platforms, without credentials.

Neither says why not; the log and ``taxii-hub doctor`` do.
"""

from __future__ import annotations

import structlog

from taxii_hub.web.answers import JSON, Answer, plain
from taxii_hub.web.visit import Visit

_log = structlog.get_logger("taxii_hub.web")


async def live(visit: Visit) -> Answer:
    """The process answers."""
    return plain(b'{"status":"live"}', media_type=JSON)


async def ready(visit: Visit) -> Answer:
    """The hub can serve polls and take objects; else 503."""
    problems = visit.hub.ready()
    if not problems:
        return plain(b'{"status":"ready"}', media_type=JSON)
    _log.warning("not ready", problems=problems)
    return plain(b'{"status":"not ready"}', 503, [(b"retry-after", b"5")], JSON)
