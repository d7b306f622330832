"""From the hub's exception tree to HTTP: a status, a TAXII error resource, and the headers it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from taxii_hub.errors import HubError, TooManyFailuresError, TooManyRequestsError, UnavailableError
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import TAXII
from taxii_hub.web.deps import account_of
from taxii_hub.web.visit import visit_of

CHALLENGES = (
    ("www-authenticate", 'Basic realm="TAXII Hub", charset="UTF-8"'),
    ("www-authenticate", 'Bearer realm="TAXII Hub"'),
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


async def on_hub_error(request: Request, error: HubError) -> Response:
    """The answer to an error that was raised on purpose."""
    refusal = REFUSALS.get(error.code)
    if refusal is None:  # of the kind that ends a command, not a request: an internal failure here
        raise RuntimeError(f"{error.code} reached the web") from error
    visit_of(request).error = error.code
    response = _response(refusal, description=str(error))
    if refusal.status == 401:
        for name, value in CHALLENGES:
            response.headers.append(name, value)
    if isinstance(error, TooManyFailuresError | TooManyRequestsError | UnavailableError):
        response.headers["retry-after"] = str(max(1, error.retry_after))
    return response


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """The answer to what the framework refuses: unknown paths and methods."""
    visit_of(request).error = f"http-{error.status_code}"
    refusal = _FRAMEWORK.get(error.status_code, Refusal(error.status_code, "The request is wrong"))
    response = _response(refusal, description=_ADVICE.get(error.status_code))
    allowed = (error.headers or {}).get("Allow")
    if allowed:
        response.headers["allow"] = ", ".join(sorted(allowed.split(", ")))
    return response


async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    """The answer where a hub API route was asked with wrong parameters; names each of them.

    The framework looks at parameters before the route looks at credentials: who has none learns nothing.
    """
    try:
        account_of(request)
    except HubError as refused:
        return await on_hub_error(request, refused)
    visit_of(request).error = "bad-request"
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _response(REFUSALS["bad-request"], description="; ".join(wrong))


def broken(request_id: str) -> Response:
    """The answer to a defect: nothing of it but the id under which the log holds the rest."""
    return _response(
        _BROKEN,
        description="Tell the operator of this hub the error_id; the log has it.",
        error_id=request_id,
    )


def _response(refusal: Refusal, description: str | None = None, error_id: str | None = None) -> Response:
    body = resources.error(refusal.title, refusal.status, description=description, error_id=error_id)
    return Response(body, refusal.status, headers={"content-type": TAXII})
