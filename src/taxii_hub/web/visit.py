"""What is known of one request while it is answered: for the log line, the metrics and the consumers."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import cast

from starlette.requests import HTTPConnection

from taxii_hub.model import Account, Collection
from taxii_hub.taxii.filters import Asked

UNMATCHED = "unmatched"
_SCOPE_KEY = "taxii_hub.visit"


@dataclass(slots=True)
class Visit:
    """Filled on the way through the layers; ``started`` is on the monotonic clock, in seconds.

    ``route`` is the template of the route that answers and ``kind`` its word for consumers, ``objects``
    how many items the answer holds, ``published`` how many objects were new, ``newest`` the last stamp
    given, ``mark`` the stamp that an empty answer names.
    """

    id: str = field(default_factory=lambda: os.urandom(8).hex())
    started: float = field(default_factory=time.perf_counter)
    route: str = UNMATCHED
    kind: str | None = None
    account: Account | None = None
    collection: Collection | None = None
    asked: Asked | None = None
    objects: int = 0
    published: int = 0
    newest: int | None = None
    mark: int | None = None
    error: str | None = None


def open_visit(scope: object) -> Visit:
    """Make the visit of a request that has just arrived."""
    visit = Visit()
    cast("dict[str, object]", scope)[_SCOPE_KEY] = visit
    return visit


def visit_of(request: HTTPConnection) -> Visit:
    """The visit that the front layer opened for this request."""
    return cast("Visit", request.scope[_SCOPE_KEY])
