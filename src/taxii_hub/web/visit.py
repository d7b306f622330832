"""One request while it is answered: what it says, and what is learned of it on the way.

The TAXII resources are answered from this alone; the hub's own API finds it beside FastAPI's request.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope

from taxii_hub.model import Account, Collection
from taxii_hub.taxii.filters import Asked

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub
    from taxii_hub.web.serving import Serving

UNMATCHED: Final = "unmatched"
GONE: Final = "taxii_hub.gone"
"""Set in the scope of a request whose client hung up before its task is cancelled."""
_VISIT: Final = "taxii_hub.visit"


@dataclass(slots=True)
class Visit:
    """Filled on the way through the layers; ``started`` is on the monotonic clock, in seconds.

    ``path`` is the request's without its final slash, ``names`` the parts of it that name something,
    ``route`` the template of the route that answers and ``kind`` its word for consumers, ``objects`` how
    many items the answer holds, ``published`` how many objects were new, ``newest`` the last stamp given,
    ``mark`` the stamp that an empty answer names; ``status`` (0: none yet) and ``sent`` (bytes of the
    body) are those of the answer.
    """

    scope: Scope
    receive: Receive
    serving: Serving
    method: str
    path: str
    id: str = field(default_factory=lambda: os.urandom(8).hex())
    started: float = field(default_factory=time.perf_counter)
    route: str = UNMATCHED
    kind: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    collection: Collection | None = None
    asked: Asked | None = None
    objects: int = 0
    published: int = 0
    newest: int | None = None
    mark: int | None = None
    error: str | None = None
    status: int = 0
    sent: int = 0
    _headers: dict[bytes, bytes] | None = None

    @property
    def hub(self) -> Hub:
        """The hub that this process serves."""
        return self.serving.hub

    @property
    def source(self) -> str:
        """The peer's address; behind a proxy named in ``TAXII_HUB_TRUSTED_PROXIES`` the server has put
        the client's own there."""
        client = self.scope.get("client")
        return client[0] if client else ""

    def header(self, name: bytes) -> str | None:
        """All lines of one header (in lower case) as one value: taking the first only would be a guess."""
        if self._headers is None:
            self._headers = _joined(self.scope["headers"])
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")


def open_visit(scope: Scope, receive: Receive, serving: Serving) -> Visit:
    """The visit of a request that has just arrived."""
    path: str = scope["path"]
    path = path[:-1] if path.endswith("/") and path != "/" else path
    visit = Visit(scope, receive, serving, scope["method"], path)
    scope[_VISIT] = visit
    return visit


def visit_of(request: HTTPConnection) -> Visit:
    """The visit that the front layer opened for this request."""
    return cast("Visit", request.scope[_VISIT])


def _joined(lines: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in lines:
        found[name] = b"%b, %b" % (found[name], value) if name in found else value
    return found
