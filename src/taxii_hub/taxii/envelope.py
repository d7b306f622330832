"""The body of "Add Objects" (TAXII 2.1 section 5.5): an envelope, or a STIX bundle, as clients send.

What belongs to the whole body (UTF-8, one JSON object, ``objects`` a list) is refused as a whole;
everything else is told of the one object it concerns (rule R2).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from taxii_hub.errors import BadEnvelopeError
from taxii_hub.stix import strict_json

DIGEST_BYTES: Final = 16
MAX_MEMBERS: Final = 250_000
"""Far above any real envelope; ten megabytes of ``{},`` would otherwise take half a minute."""

_FLOAT: Final = re.compile(rb"[:,\[]-?[0-9]+(?:\.[0-9]+(?:e[+-]?[0-9]+)?|e[+-]?[0-9]+)[,\]}]")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of ``objects``: what it says, and the exact bytes that say it.

    With a ``problem`` it must not be stored, and ``value`` holds no more than the readable ones of
    type, id, created and modified, for the status resource (None where it is no JSON object).
    """

    value: dict[str, Any] | None
    data: bytes
    problem: str | None = None


def parse_envelope(body: bytes) -> tuple[Member, ...]:
    """The members of an envelope's or bundle's ``objects``, in order; other properties are ignored.

    Raises ``BadEnvelopeError`` where the body as a whole is none, saying where.
    """
    text = _decoded(body)
    start = strict_json.skip_space(text, 0)
    if not text.startswith("{", start):
        raise BadEnvelopeError('The body is no JSON object: send a TAXII envelope {"objects": [...]}.')
    reader = _Reader(text)
    try:
        end = strict_json.skip_space(text, strict_json.read_object(text, start, reader.on_property))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BadEnvelopeError(f"The body is no JSON ({place}): {error.msg}.") from error
    if end != len(text):
        raise BadEnvelopeError(f"Something follows the envelope (character {end}).")
    return reader.result()


def digest(value: dict[str, Any]) -> bytes:
    """16 bytes that are equal for equal parsed values.

    Spacing, key order and the spelling of numbers and strings do not matter (``1`` = ``1.0`` = ``1e0``).
    """
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if _FLOAT.search(canonical):
        canonical = orjson.dumps(_without_whole_floats(value), option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=DIGEST_BYTES).digest()


class _Reader:
    """Collects the members while the envelope is walked."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._members: list[Member] = []
        self._seen = False
        self._type: str | None = None

    def on_property(self, key: str, index: int) -> int:
        text = self._text
        if key == "objects":
            if self._seen:
                raise BadEnvelopeError('The body gives "objects" twice: send one list.')
            if not text.startswith("[", index):
                raise BadEnvelopeError('"objects" is no list.')
            self._seen = True
            return strict_json.read_array(text, index, self._on_member)
        end = strict_json.end_of(text, index)
        if key == "type":
            self._type = text[index:end]
        return end

    def _on_member(self, index: int) -> int:
        text = self._text
        if len(self._members) == MAX_MEMBERS:
            raise BadEnvelopeError(f"More than {MAX_MEMBERS:,} objects: send them in several envelopes.")
        scanned = strict_json.scan(text, index)
        data = text[index : scanned.end].encode()
        if scanned.problem is not None:
            problem = f"objects[{len(self._members)}]{scanned.path}: {scanned.problem}"
            self._members.append(Member(scanned.value, data, problem))
        elif isinstance(scanned.value, dict):
            self._members.append(Member(scanned.value, data))
        else:
            self._members.append(Member(None, data, f"objects[{len(self._members)}]: no JSON object"))
        return scanned.end

    def result(self) -> tuple[Member, ...]:
        if not self._seen and self._type not in (None, '"bundle"'):
            raise BadEnvelopeError('The body is a bare object: put it into {"objects": [...]}.')
        return tuple(self._members)


def _decoded(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise BadEnvelopeError("The body begins with a byte order mark: send UTF-8 without one.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadEnvelopeError(f"The body is no UTF-8 (byte {error.start}).") from error


def _without_whole_floats(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value) if abs(value) <= strict_json.MAX_INTEGER else value
    if isinstance(value, dict):
        return {key: _without_whole_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_whole_floats(item) for item in value]
    return value
