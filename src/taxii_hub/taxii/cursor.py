"""The ``next`` of paged answers: a signed position and the filters of the walk (DESIGN section 3).

A cursor is no right: what its bearer may see is decided anew on every page. It is no session either,
so any hub that holds the keys can go on with it, and the same one may be asked twice. Text form:
``<key id, hexadecimal>.<body>.<signature>``, both in base64url without padding.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson

from taxii_hub.errors import BadCursorError, BadRequestError
from taxii_hub.model import ObjectQuery, VersionFilter
from taxii_hub.taxii.filters import VERSION_PARAMETER, Asked

MAX_LENGTH = 65_536
"""No URL that reaches the hub is longer."""
KEY_LIFETIME = 30 * 24 * 3600 * 1_000_000
"""Microseconds for which a replaced key still verifies."""

_PURPOSE = b"taxii-hub cursor 1\0"
_TEXT = re.compile(r"([1-9a-f][0-9a-f]{0,7}|0)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{22})")
_PLAIN, _DEFLATED = b"j", b"z"
_WORTH_DEFLATING = 200
_NOT_OURS = "next: this value was not made by this server; start again from your last added_after"
_TOO_OLD = "next: this value was made too long ago; start again from your last added_after"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk goes on.

    ``position`` is the stamp of the last entry that was sent; ``query`` holds the filters of the
    walk (its ``position`` and ``limit`` are not kept); ``epoch`` is the catalogue version that the
    page was made under. ``object_id`` is None on the lists of a whole collection.
    """

    collection: int
    position: int
    object_id: str | None
    query: ObjectQuery
    epoch: int


@dataclass(frozen=True, slots=True)
class CursorKeys:
    """``newest`` (key id, secret) signs, ``all`` verify.

    ``all`` maps key ids to (secret, microsecond at which it was replaced, or None).
    """

    newest: tuple[int, bytes]
    all: Mapping[int, tuple[bytes, int | None]]


def encode(keys: CursorKeys, cursor: Cursor) -> str:
    """The ``next`` for this cursor, in ``[A-Za-z0-9._-]``: it needs no escaping in a URL."""
    key_id, secret = keys.newest
    body = orjson.dumps(_fields(cursor))
    packed = _DEFLATED + zlib.compress(body) if len(body) > _WORTH_DEFLATING else _PLAIN + body
    signed = f"{key_id:x}.{_to_text(packed)}"
    return f"{signed}.{_to_text(_signature(secret, signed))}"


def decode(keys: CursorKeys, text: str, now: int) -> Cursor:
    """The cursor that :func:`encode` put into ``text``; ``now`` in microseconds.

    Raises BadCursorError for everything else, and for a key replaced more than 30 days ago.
    """
    found = _TEXT.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise BadCursorError(_NOT_OURS)
    key_id, body, signature = found.groups()
    secret, replaced_at = keys.all.get(int(key_id, 16), (None, None))
    if secret is None or not _same(_signature(secret, f"{key_id}.{body}"), signature):
        raise BadCursorError(_NOT_OURS)
    if replaced_at is not None and now - replaced_at > KEY_LIFETIME:
        raise BadCursorError(_TOO_OLD)
    packed = _from_text(body)
    raw = zlib.decompress(packed[1:]) if packed[:1] == _DEFLATED else packed[1:]
    return _cursor(orjson.loads(raw))


def resume(asked: Asked, cursor: Cursor, collection: int, object_id: str | None) -> ObjectQuery:
    """The query that a request with this cursor means.

    A cursor of another collection or object is treated as absent (OpenCTI's connector sends them);
    filters that the request leaves out are the cursor's, ``limit`` is always the request's.
    Raises BadRequestError for a filter that is given and differs.
    """
    if cursor.collection != collection or cursor.object_id != object_id:
        return asked.query
    walk = cursor.query
    pairs = {
        "added_after": (asked.query.added_after, walk.added_after),
        "match[id]": (asked.query.ids, walk.ids),
        "match[type]": (asked.query.types, walk.types),
        VERSION_PARAMETER: (asked.query.versions, walk.versions),
        "match[spec_version]": (asked.query.spec_versions, walk.spec_versions),
    }
    for name, (wanted, walked) in pairs.items():
        if name in asked.given and wanted != walked:
            raise BadRequestError(
                f"{name}: differs from the filter that 'next' was made with; "
                "repeat the filters of the first page, or leave them out, or start again without 'next'"
            )
    return replace(walk, position=cursor.position, limit=asked.query.limit)


def _fields(cursor: Cursor) -> list[Any]:
    query = cursor.query
    filters: dict[str, Any] = {}
    if query.added_after is not None:
        filters["a"] = query.added_after
    if query.ids:
        filters["i"] = query.ids
    if query.types:
        filters["t"] = query.types
    if query.versions != VersionFilter():
        filters["v"] = [sorted(query.versions.keywords), query.versions.exact]
    if query.spec_versions:
        filters["s"] = query.spec_versions
    head: list[Any] = [cursor.collection, cursor.position, cursor.epoch]
    return head if cursor.object_id is None and not filters else [*head, cursor.object_id, filters]


def _cursor(fields: list[Any]) -> Cursor:
    collection, position, epoch, *rest = fields
    object_id, filters = cast("tuple[str | None, dict[str, Any]]", rest or (None, {}))
    versions = VersionFilter()
    if "v" in filters:
        keywords, exact = filters["v"]
        versions = VersionFilter(frozenset(keywords), tuple(exact))
    query = ObjectQuery(
        added_after=filters.get("a"),
        ids=tuple(filters.get("i", ())),
        types=tuple(filters.get("t", ())),
        versions=versions,
        spec_versions=tuple(filters.get("s", ())),
    )
    return Cursor(collection, position, object_id, query, epoch)


def _signature(secret: bytes, signed: str) -> bytes:
    return hmac.digest(secret, _PURPOSE + signed.encode("ascii"), hashlib.sha256)[:16]


def _same(signature: bytes, text: str) -> bool:
    # compared as text: two spellings of one signature would be two cursors for one page
    return hmac.compare_digest(_to_text(signature), text)


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_text(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
