"""JSON bodies of the hub's own API: read after the caller is known, bounded, checked against a model."""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from taxii_hub.errors import BadRequestError
from taxii_hub.web.api.callers import read_body, uploads_of

LONGEST: Final = 64 * 1024

Model = TypeVar("Model", bound=BaseModel)


async def json_body(request: Request, model: type[Model]) -> Model:
    """The request's body. Raises BadRequestError with the place of what is wrong, TooLargeError."""
    with uploads_of(request).room() as take:
        body = await read_body(request, LONGEST, take)
        try:
            return model.model_validate_json(body or b"{}")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the body"
            raise BadRequestError(f"{place}: {first['msg']}") from None
