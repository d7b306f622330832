"""``multipart/form-data`` (RFC 7578) of an upload that is in memory already: a few parts, each of them small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from taxii_hub.errors import BadRequestError, UnsupportedMediaError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS: Final = 16
MAX_BOUNDARY: Final = 70
"""RFC 2046 section 5.1.1."""


@dataclass(frozen=True, slots=True)
class Part:
    """``filename`` is None for a plain field; else as the client sent it."""

    name: str
    filename: str | None
    data: bytes


def boundary_of(content_type: str | None) -> bytes:
    """Raises UnsupportedMediaError for another media type, BadRequestError where there is no boundary."""
    media_type, options = parse_options_header(content_type)
    if media_type.lower() != b"multipart/form-data":
        raise UnsupportedMediaError("Content-Type: multipart/form-data is wanted, with the report as `file`")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY:
        raise BadRequestError(f"Content-Type: a boundary of 1 to {MAX_BOUNDARY} characters is wanted")
    return boundary


def parse(boundary: bytes, body: bytes) -> list[Part]:
    """Every part, in order. Raises BadRequestError for what is no multipart, is cut, or has too many parts."""
    reader = _Reader()
    parser = MultipartParser(boundary, reader.callbacks())
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadRequestError(f"the body is not multipart/form-data as its header says: {error}") from None
    if not reader.ended:
        raise BadRequestError("the body ends before its last boundary; send it again")
    return reader.parts


class _Reader:
    """The parts as the parser comes upon them."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._data = bytearray()
        self._field, self._value = b"", b""
        self._disposition = b""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_part_data": self._on_data,
            "on_part_end": self._on_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MAX_PARTS:
            raise BadRequestError(f"an upload has {MAX_PARTS} parts at most")
        self._data, self._disposition = bytearray(), b""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field, self._value = b"", b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._data += memoryview(data)[start:end]

    def _on_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise BadRequestError("a part has no name in its Content-Disposition")
        filename = options.get(b"filename")
        self.parts.append(
            Part(
                name=options[b"name"].decode("utf-8", "replace"),
                filename=None if filename is None else filename.decode("utf-8", "replace"),
                data=bytes(self._data),
            )
        )

    def _end(self) -> None:
        self.ended = True
