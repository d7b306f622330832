"""From the hub's exception tree to HTTP: a status, a TAXII error resource, and the headers it needs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.errors import (
    BadRequestError,
    HubError,
    TooManyFailuresError,
    TooManyRequestsError,
    UnavailableError,
)
from taxii_hub.taxii import resources
from taxii_hub.web.answers import Answer, Header, plain
from taxii_hub.web.deps import account_of
from taxii_hub.web.visit import Visit, visit_of

CHALLENGES: Final[tuple[Header, ...]] = (
    (b"www-authenticate", b'Basic realm="TAXII Hub", charset="UTF-8"'),
    (b"www-authenticate", b'Bearer realm="TAXII Hub"'),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one ``code`` of the exception tree looks in HTTP."""

    status: int
    title: str


REFUSALS: Mapping[str, Refusal] = {
    "bad-request": Refusal(400, "The request is wrong"),
    "bad-parameter": Refusal(400, "A query parameter is wrong"),
    "bad-cursor": Refusal(400, "The value of next is wrong"),
    "bad-envelope": Refusal(400, "The body is not a TAXII envelope"),
    "unauthorized": Refusal(401, "Credentials are needed"),
    "forbidden": Refusal(403, "Not allowed"),
    "not-found": Refusal(404, "Not found"),
    "not-acceptable": Refusal(406, "The Accept header cannot be met"),
    "slow-body": Refusal(408, "The body came too slowly"),
    "too-large": Refusal(413, "The body is too large"),
    "unsupported-media-type": Refusal(415, "The body's media type is not supported"),
    "not-convertible": Refusal(422, "The report cannot be converted"),
    "too-many-failures": Refusal(429, "Too many failures"),
    "too-many-requests": Refusal(429, "Too many requests"),
    "unavailable": Refusal(503, "Not available right now"),
    "damaged-log": Refusal(503, "The audit log is damaged"),
}
_BROKEN = Refusal(500, "The hub failed")
_FRAMEWORK = {
    404: Refusal(404, "Not found"),
    405: Refusal(405, "Method not allowed"),
}
_ADVICE = {
    404: "there is nothing at this path; discovery is at /taxii2/",
    405: "this path does not know this method; the header Allow names those it knows",
}


def refused(visit: Visit, error: HubError) -> Answer:
    """The answer to an error that was raised on purpose."""
    refusal = REFUSALS.get(error.code)
    if refusal is None:  # of the kind that ends a command, not a request: an internal failure here
        raise RuntimeError(f"{error.code} reached the web") from error
    visit.error = error.code
    headers: list[Header] = []
    if refusal.status == 401:
        headers += CHALLENGES
    if isinstance(error, TooManyFailuresError | TooManyRequestsError | UnavailableError):
        headers.append((b"retry-after", b"%d" % _later(error)))
    return _resource(refusal, str(error), headers=headers)


def _later(error: TooManyFailuresError | TooManyRequestsError | UnavailableError) -> int:
    """Seconds. Whom the database left without an answer were many at once: they come back one by one, within
    as long again as they have to wait."""
    least = max(1, error.retry_after)
    return least + secrets.randbelow(least + 1) if isinstance(error, UnavailableError) else least


def unroutable(visit: Visit, status: int, allowed: str | None = None) -> Answer:
    """The answer where no function is: at this path, or for this method, and ``allowed`` names the others."""
    visit.error = f"http-{status}"
    refusal = _FRAMEWORK.get(status, Refusal(status, "The request is wrong"))
    headers = [] if allowed is None else [(b"allow", allowed.encode())]
    return _resource(refusal, _ADVICE.get(status), headers=headers)


def broken(visit: Visit) -> Answer:
    """The answer to a defect: nothing of it but the id under which the log holds the rest."""
    visit.error = "internal"
    return _resource(
        _BROKEN, "Tell the operator of this hub the error_id; the log has it.", error_id=visit.id
    )


def _resource(
    refusal: Refusal, description: str | None, error_id: str | None = None, headers: Sequence[Header] = ()
) -> Answer:
    body = resources.error(refusal.title, refusal.status, description=description, error_id=error_id)
    return plain(body, refusal.status, headers)


# --- the same from behind FastAPI -------------------------------------------------------------------


async def on_hub_error(request: Request, error: HubError) -> Response:
    """Raised on purpose by the hub's own API."""
    return _response(refused(visit_of(request), error))


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """What the framework refuses: unknown paths and methods."""
    allowed = (error.headers or {}).get("Allow")
    named = None if allowed is None else ", ".join(sorted(allowed.split(", ")))
    return _response(unroutable(visit_of(request), error.status_code, named))


async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    """A route was asked with wrong parameters; names each of them, but not to who has no credentials:
    FastAPI reads the parameters first, and a hub tells strangers nothing about itself."""
    visit = visit_of(request)
    try:
        account_of(visit)
    except HubError as refused_first:
        return _response(refused(visit, refused_first))
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _response(refused(visit, BadRequestError("; ".join(wrong))))


async def on_defect(request: Request, error: Exception) -> Response:
    """Starlette raises it again when this was sent, and the front layer logs it."""
    return _response(broken(visit_of(request)))


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.raw_headers.extend(answer.headers)
    return response
