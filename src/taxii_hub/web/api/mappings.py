"""``/api/v1/mappings``: which report formats there are, and a dry run of one over an uploaded report."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel
from starlette.responses import Response

from taxii_hub.errors import BadRequestError, ForbiddenError, TooLargeError
from taxii_hub.exchange.access import visible_api_roots
from taxii_hub.exchange.dry_run import Formats, Upload
from taxii_hub.mapping.spec import Spec
from taxii_hub.model import Role
from taxii_hub.web.api.callers import account_of, account_with, hub_of, read_body, uploads_of
from taxii_hub.web.multipart import Part, boundary_of, parse
from taxii_hub.web.visit import visit_of

router = APIRouter(prefix="/api/v1")

MAX_NAME: Final = 160
_LONGEST_SUFFIX: Final = 40
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f/\\]")
_FIELDS: Final = frozenset({"edition", "minimise"})
_LONGEST_FIELD: Final = 200
_UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "The report; several files only where one report is several.",
                        },
                        "edition": {
                            "type": "string",
                            "description": "The edition's date, where no file says it.",
                        },
                        "minimise": {
                            "type": "string",
                            "description": "A minimisation profile of the mapping; pseudonyms are made up.",
                        },
                    },
                }
            }
        },
    }
}


class MappingHead(BaseModel):
    """One report format. ``runs``: false where its code is not trusted on this hub."""

    format: str
    format_version: str
    title: str
    runs: bool


class MappingField(BaseModel):
    """How one source field is read."""

    clean: str
    note: str | None


class MappingShown(MappingHead):
    """One report format with its source fields, those that are ignored and why, and its profiles."""

    about: str | None
    records: list[str]
    fields: dict[str, MappingField]
    ignore: dict[str, str]
    profiles: list[str]


class Converted(BaseModel):
    """What a report became: STIX objects, where every source field went, and problems with their place."""

    mapping: str
    edition: str
    objects: list[dict[str, Any]]
    account: dict[str, Any]
    problems: list[dict[str, Any]]


@router.get("/mappings", summary="The report formats that this hub converts")
async def list_(request: Request) -> list[MappingHead]:
    """Every mapping, by name."""
    _require_member(request)
    return [MappingHead(**_head(spec)) for spec in await formats_of(request).registry()]


@router.get(
    "/mappings/{name}", summary="The source fields of one report format", response_model_exclude_none=True
)
async def show(request: Request, name: str) -> MappingShown:
    """How each source field is read, and which are ignored and why."""
    _require_member(request)
    spec = await formats_of(request).get(name)
    return MappingShown(
        **_head(spec),
        about=spec.about,
        records=sorted(spec.kinds),
        fields={p: MappingField(clean=field.cleaner, note=field.note) for p, field in spec.fields.items()},
        ignore=dict(spec.ignore),
        profiles=sorted(spec.minimise),
    )


@router.post(
    "/mappings/{name}/convert",
    summary="What a mapping makes of an uploaded report; nothing is stored",
    response_model=Converted,
    openapi_extra=_UPLOAD,
)
async def convert(
    request: Request,
    name: Annotated[str, PathParameter(description="A mapping, or `auto`: the one that knows the file.")],
) -> Response:
    """A dry run: the objects, the account of every source field, and the problems, each with its place.

    For accounts with the role writer or admin. Refused with 422 where the report cannot be converted.
    """
    _require_member(request, "writer", "admin")
    boundary = boundary_of(request.headers.get("content-type"))
    limit = hub_of(request).settings.max_upload
    with uploads_of(request).room() as take:
        try:
            body = await read_body(request, limit, take)
        except TooLargeError:
            raise TooLargeError(
                f"an upload has {limit} bytes at most (TAXII_HUB_MAX_UPLOAD of this hub)"
            ) from None
        upload = await asyncio.to_thread(_upload, boundary, body)
        del body
        answer = await formats_of(request).convert(name, upload)
    return Response(answer, media_type="application/json")


def formats_of(request: Request) -> Formats:
    """The mappings of the hub that this process serves."""
    return visit_of(request).serving.formats


def _require_member(request: Request, *roles: Role) -> None:
    """Raises UnauthorizedError, ForbiddenError."""
    account = account_with(request, *roles) if roles else account_of(request)
    if not visible_api_roots(hub_of(request), account):
        raise ForbiddenError("this is for agencies that are members of an API root")


def _head(spec: Spec) -> dict[str, Any]:
    return {
        "format": spec.format,
        "format_version": spec.format_version,
        "title": spec.title,
        "runs": spec.trusted,
    }


def _upload(boundary: bytes, body: bytes) -> Upload:
    files: dict[str, bytes] = {}
    fields: dict[str, str] = {}
    for part in parse(boundary, body):
        if part.name == "file":
            _add(files, _file_name(part), part.data)
        elif part.name not in _FIELDS or part.filename is not None:
            raise BadRequestError(
                f"{part.name[:40]!r} is no field of this form; it has file, edition, minimise"
            )
        elif len(part.data) > _LONGEST_FIELD:
            raise BadRequestError(f"{part.name}: {_LONGEST_FIELD} bytes at most")
        else:
            _add(fields, part.name, part.data.decode("utf-8", "replace").strip())
    if not files:
        raise BadRequestError("file: the report is missing; send it as a part with this name")
    return Upload(files, fields.get("edition") or None, fields.get("minimise") or None)


def _add(known: dict[str, Any], name: str, value: str | bytes) -> None:
    if name in known:
        raise BadRequestError(f"{name!r} is sent twice")
    known[name] = value


def _file_name(part: Part) -> str:
    """What the file is called in problems, and where several files are told apart: never a path."""
    name = _UNFIT.sub("\n", part.filename or "").rpartition("\n")[2].strip().lstrip(".")
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        return _cut(suffix, MAX_NAME) or "report"
    return f"{_cut(stem, MAX_NAME)}{dot}{_cut(suffix, _LONGEST_SUFFIX)}"


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")
