"""The body of "Add Objects" (TAXII 2.1 section 5.5): an envelope, or a STIX bundle, as clients send.

What belongs to the whole body (UTF-8, one JSON object, ``objects`` a list) is refused as a whole;
everything else is told of the one object it concerns (rule R2).

Two readers do the work. orjson reads the whole body at once, and writes each object again: where that gives
the very text of the request, nothing in it can be what orjson lets through and the strict reader does not
(keys given twice, numbers cut), so the slice is known without looking for its end. Whatever is spelled
otherwise is read by the strict one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from taxii_hub.errors import BadEnvelopeError, TooLargeError
from taxii_hub.stix import strict_json

DIGEST_BYTES: Final = 16
MAX_MEMBERS: Final = 30_000
"""Objects in one envelope: their outcomes have to fit into one status document of 16 MB."""
MAX_PROPERTIES: Final = 1_000
"""Beside ``objects``; an envelope has two."""
FREE_BRACKETS: Final = 200_000
BYTES_A_BRACKET: Final = 12
"""Ten megabytes of ``[],`` would take the whole process for seconds, and hundreds of megabytes; reports hold a
list or an object in fifty bytes."""

_PATIENCE: Final = 16
_COMPACT: Final = re.compile(rb'\{"[^"\\]*":[^ \t\n\r]')
_WHOLE_FLOAT: Final = re.compile(rb"\.0[,\]}]")
"""As orjson writes those below 10**16; larger ones equal no integer that is accepted."""


@dataclass(slots=True)
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

    Raises ``BadEnvelopeError`` where the body as a whole is none, saying where, and ``TooLargeError`` for more than
    ``MAX_MEMBERS`` objects.
    """
    _require_content(body)
    text = _decoded(body)
    start = strict_json.skip_space(text, 0)
    if not text.startswith("{", start):
        raise BadEnvelopeError('The body is no JSON object: send a TAXII envelope {"objects": [...]}.')
    reader = _Reader(text, body)
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
    if b".0" in canonical and _WHOLE_FLOAT.search(canonical):
        canonical = orjson.dumps(_without_whole_floats(value), option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=DIGEST_BYTES).digest()


class _Reader:
    """Collects the members while the envelope is walked."""

    def __init__(self, text: str, body: bytes) -> None:
        self._text = text
        self._members: list[Member] = []
        self._quick = _QuickReader(body, self._members)
        self._places = _Places(text, body)
        self._seen = False
        self._others = 0
        self._type: str | None = None

    def on_property(self, key: str, index: int) -> int:
        text = self._text
        if key == "objects":
            if self._seen:
                raise BadEnvelopeError('The body gives "objects" twice: send one list.')
            if not text.startswith("[", index):
                raise BadEnvelopeError('"objects" is no list.')
            self._seen = True
            return strict_json.read_array(text, index, self._on_members)
        self._others += 1
        if self._others > MAX_PROPERTIES:
            raise BadEnvelopeError(
                f'More than {MAX_PROPERTIES:,} properties beside "objects": send objects in that list.'
            )
        end = strict_json.end_of(text, index)
        if key == "type":
            self._type = text[index:end]
        return end

    def _on_members(self, index: int) -> int:
        """As many members as can be read at a time, one at least."""
        place = self._places.byte_of(index)
        end = self._quick.read(place)
        return self._places.character_of(end) if end > place else self._on_member(index)

    def _on_member(self, index: int) -> int:
        members = self._members
        require_room(len(members) + 1)
        scanned = strict_json.scan(self._text, index)
        data = self._text[index : scanned.end].encode()
        if scanned.problem is not None:
            problem = f"objects[{len(members)}]{scanned.path}: {scanned.problem}"
            members.append(Member(scanned.value, data, problem))
        elif isinstance(scanned.value, dict):
            members.append(Member(scanned.value, data))
        else:
            members.append(Member(None, data, f"objects[{len(members)}]: no JSON object"))
        return scanned.end

    def result(self) -> tuple[Member, ...]:
        if not self._seen and self._type not in (None, '"bundle"'):
            raise BadEnvelopeError('The body is a bare object: put it into {"objects": [...]}.')
        return tuple(self._members)


class _QuickReader:
    """Reads members as orjson foresees them, while it writes the very text of the request.

    It tries where the first member shows that the client writes as orjson does, and no more after it was
    wrong too often.
    """

    def __init__(self, body: bytes, members: list[Member]) -> None:
        self._body = body
        self._members = members
        self._foreseen: list[Any] | None = None
        self._patience = _PATIENCE

    def read(self, place: int) -> int:
        """Read the member at ``place`` and those that follow without a blank; the place behind them."""
        if self._foreseen is None:
            self._foreseen = self._all() if _COMPACT.match(self._body, place) else []
        body, members, end = self._body, self._members, place
        for value in islice(self._foreseen, len(members), None):
            data = _written(value)
            if data is None or not body.startswith(data, place):
                self._patience -= 1
                if not self._patience:
                    self._foreseen = []
                break
            members.append(Member(value, data))
            end = place + len(data)
            if not body.startswith(b",", end):
                break
            place = end + 1
        return end

    def _all(self) -> list[Any]:
        body = self._body
        # NUL in a key is refused; in other texts it is rare.
        if b"\\u0000" in body:
            return []
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            return []
        objects = found.get("objects") if isinstance(found, dict) else None
        if not isinstance(objects, list):
            return []
        require_room(len(objects))
        return objects


def _written(value: Any) -> bytes | None:
    """A member as orjson writes it; None where that would prove nothing."""
    if not isinstance(value, dict):
        return None
    try:
        data = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except orjson.JSONEncodeError:
        return None
    if len(data) > strict_json.MAX_BYTES or data.count(b"{") + data.count(b"[") > strict_json.MAX_DEPTH:
        return None
    return data


class _Places:
    """Where a character of the body begins, in bytes, and the reverse; to be asked in rising order."""

    def __init__(self, text: str, body: bytes) -> None:
        self._text, self._body = text, body
        self._same = text.isascii()
        self._character = self._byte = 0

    def byte_of(self, character: int) -> int:
        if self._same:
            return character
        self._byte += len(self._text[self._character : character].encode())
        self._character = character
        return self._byte

    def character_of(self, byte: int) -> int:
        if self._same:
            return byte
        self._character += len(self._body[self._byte : byte].decode())
        self._byte = byte
        return self._character


def _require_content(body: bytes) -> None:
    brackets = body.count(b"{") + body.count(b"[")
    if brackets > max(FREE_BRACKETS, len(body) // BYTES_A_BRACKET):
        raise BadEnvelopeError(
            f"The body is mostly brackets ({brackets:,}): send objects with something in them."
        )


def require_room(number: int) -> None:
    """Raises ``TooLargeError`` for so many objects in one envelope."""
    if number > MAX_MEMBERS:
        raise TooLargeError(f"More than {MAX_MEMBERS:,} objects: send them in several envelopes.")


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
