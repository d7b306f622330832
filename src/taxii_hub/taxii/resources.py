"""TAXII 2.1 resources as bytes, made of the hub's nouns (sections 3.6, 4, 5).

No resource ever holds a null or an empty list (T-4.1.1-05): what is absent is left out. Objects are
joined as the bytes that were posted; nothing here decodes or encodes a STIX object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from taxii_hub.model import ApiRoot, Collection, Outcome, Page, Status
from taxii_hub.stix import timestamps
from taxii_hub.taxii.media_types import TAXII

FIRST_HEADER = "X-TAXII-Date-Added-First"
LAST_HEADER = "X-TAXII-Date-Added-Last"

UNKNOWN_ID = "unknown"
"""Stands in a status for the id of something that had none: the entry must have one (section 4.3)."""


def discovery(
    title: str, description: str | None, contact: str | None, default: str | None, api_roots: Sequence[str]
) -> bytes:
    """Section 4.1. ``default`` is one of ``api_roots``, spelled the same, or None."""
    return _dumps(
        title=title, description=description, contact=contact, default=default, api_roots=list(api_roots)
    )


def api_root(root: ApiRoot) -> bytes:
    """Section 4.2."""
    return _dumps(
        title=root.title,
        description=root.description,
        versions=[TAXII],
        max_content_length=root.max_content_length,
    )


def collection(value: Collection, can_read: bool, can_write: bool) -> bytes:
    """Section 5.2, as this client may use it."""
    return orjson.dumps(_collection(value, can_read, can_write))


def collections(values: Iterable[tuple[Collection, bool, bool]]) -> bytes:
    """Section 5.1: (collection, can_read, can_write), in the order of their ids; ``{}`` if none."""
    ordered = sorted(values, key=lambda value: value[0].id)
    return _dumps(collections=[_collection(*value) for value in ordered])


def status(value: Status) -> bytes:
    """Section 4.3. What is pending waits for liaison officers; nothing else ever does."""
    requested = timestamps.format(value.requested_at)
    pendings = [_detail(outcome, requested) for outcome in value.outcomes if outcome.pending]
    settled = [outcome for outcome in value.outcomes if not outcome.pending]
    successes = [_detail(outcome, requested) for outcome in settled if outcome.ok]
    failures = [_detail(outcome, requested) for outcome in settled if not outcome.ok]
    return _dumps(
        id=value.id,
        status="pending" if pendings else "complete",
        request_timestamp=requested,
        total_count=len(value.outcomes),
        success_count=len(successes),
        successes=successes,
        failure_count=len(failures),
        failures=failures,
        pending_count=len(pendings),
        pendings=pendings,
    )


def envelope(page: Page, next: str | None, empty_list: bool = False) -> bytes:  # noqa: A002 - TAXII's name
    """Section 3.7: the objects' own bytes, joined."""
    return _listing("objects", list(page.data), page, next, empty_list)


def manifest(page: Page, next: str | None, media_type: str, empty_list: bool = False) -> bytes:  # noqa: A002
    """Section 5.3; ``media_type`` is that of every object of the collection."""
    ids, added, named = _escaped(page.ids), _dates(page.stamps), _escaped(page.versions)
    tail = f'","media_type":{orjson.dumps(media_type).decode()}}}'
    rows = [
        f'{{"id":"{id_}","date_added":"{at}","version":"{version}{tail}'
        for id_, at, version in zip(ids, added, named, strict=True)
    ]
    return _listing("objects", [",".join(rows).encode()], page, next, empty_list)


def versions(page: Page, next: str | None, empty_list: bool = False) -> bytes:  # noqa: A002
    """Section 5.8."""
    rows = orjson.dumps(page.versions)
    return _listing("versions", [rows[1:-1]], page, next, empty_list)


def date_headers(page: Page) -> dict[str, str]:
    """The two date headers of a page; none where there is nothing to say (T-3.2-01 to -03)."""
    if page.stamps:
        return {
            FIRST_HEADER: timestamps.format(page.stamps[0]),
            LAST_HEADER: timestamps.format(page.stamps[-1]),
        }
    if page.mark is None:
        return {}
    mark = timestamps.format(page.mark)
    return {FIRST_HEADER: mark, LAST_HEADER: mark}


def error(
    title: str,
    http_status: int,
    error_id: str | None = None,
    description: str | None = None,
    details: Mapping[str, str] | None = None,
) -> bytes:
    """Section 3.6.1; ``http_status`` becomes a string there."""
    return _dumps(
        title=title,
        description=description,
        error_id=error_id,
        http_status=str(http_status),
        details=dict(details or {}),
    )


def _collection(value: Collection, can_read: bool, can_write: bool) -> dict[str, Any]:
    return _present(
        id=value.id,
        title=value.title,
        description=value.description,
        alias=value.alias,
        can_read=can_read,
        can_write=can_write,
        media_types=list(value.media_types),
    )


def _detail(outcome: Outcome, requested: str) -> dict[str, Any]:
    detail = {"id": outcome.id or UNKNOWN_ID, "version": outcome.version or requested}
    if outcome.message:
        detail["message"] = outcome.message
    return detail


def _escaped(texts: Sequence[str]) -> list[str]:
    """Each as it stands between the quotes of a JSON string, where no bare quote ever follows a comma."""
    return orjson.dumps(texts).decode()[2:-2].split('","') if texts else []


def _dates(stamps: Sequence[int]) -> list[str]:
    """Each as ``timestamps.format`` has it; neighbours share their second, and a manifest has thousands."""
    texts: list[str] = []
    begun, until_second = 0, ""
    for stamp in stamps:
        if not (until_second and 0 <= stamp - begun < 1_000_000):
            begun = stamp // 1_000_000 * 1_000_000
            until_second = timestamps.format(begun)[: -len("000000Z")]
        texts.append(f"{until_second}{timestamps.six_digits(stamp - begun)}Z")
    return texts


def _listing(key: str, rows: list[bytes], page: Page, next_text: str | None, empty_list: bool) -> bytes:
    """``rows`` are joined by commas, and with what stands around them, in one go: a page may be 32 MB."""
    if not page.stamps:
        return f'{{"more":false,"{key}":[]}}'.encode() if empty_list else b"{}"
    start = '{"more":false'
    if page.more:
        # a client that is told of more, but not how to go on, asks for the first page for ever
        if next_text is None:
            raise ValueError("a page with more to come needs its 'next'")
        start = f'{{"more":true,"next":{orjson.dumps(next_text).decode()}'
    rows[0] = f'{start},"{key}":['.encode() + rows[0]
    rows[-1] += b"]}"
    return b",".join(rows)


def _dumps(**members: Any) -> bytes:
    return orjson.dumps(_present(**members))


def _present(**members: Any) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value not in (None, "", [], {})}
