"""What the feed holds of the objects of an edition: the truth that the next edition is compared with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from taxii_hub.exchange.access import Place, visibility_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import ObjectQuery, VersionFilter
from taxii_hub.stix.validation import version_of
from taxii_hub.taxii.envelope import digest

ASKED = 500
EVERY_VERSION = VersionFilter(frozenset({"all"}))
_VERSIONING = frozenset({"created", "modified", "revoked"})


@dataclass(frozen=True, slots=True)
class Known:
    """One object as the publisher sees it. ``version`` is 0 where it has none; ``later``: there are
    versions after the moment asked about."""

    version: int
    created: str
    revoked: bool
    digest: bytes
    later: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """The feed as one publisher sees it. ``at`` (microseconds): as of that moment, else now."""

    hub: Hub
    place: Place
    at: int | None = None

    async def known(self, ids: Iterable[str]) -> dict[str, Known]:
        """What is known of these objects; an object that came after ``at`` has version -1."""
        found: dict[str, Known] = {}
        versions = VersionFilter() if self.at is None else EVERY_VERSION
        async for value in self._stored(ids, versions):
            _note(found, value, self.at)
        return found

    async def contents(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The last version of each."""
        return {value["id"]: value async for value in self._stored(ids, VersionFilter())}

    async def _stored(self, ids: Iterable[str], versions: VersionFilter) -> AsyncIterator[dict[str, Any]]:
        hub = self.hub
        visibility = await visibility_of(hub, self.place.account, self.place.collection)
        asked = tuple(ids)
        for start in range(0, len(asked), ASKED):
            query = ObjectQuery(ids=asked[start : start + ASKED], versions=versions)
            while True:
                page = await hub.feed.page(visibility, query, "objects", hub.settings.max_limit)
                for data in page.data:
                    yield orjson.loads(data)
                if not page.more:
                    break
                query = replace(query, position=page.stamps[-1])


def _note(found: dict[str, Known], value: Mapping[str, Any], at: int | None) -> None:
    object_id, version = value["id"], version_of(value)[0] or 0
    before = found.get(object_id)
    if at is not None and version > at:
        found[object_id] = (
            Known(-1, value.get("created", ""), revoked=False, digest=b"", later=True)
            if before is None
            else replace(before, later=True)
        )
    elif before is None or version > before.version:
        later = before is not None and before.later
        revoked = value.get("revoked") is True
        found[object_id] = Known(version, value.get("created", ""), revoked, content_digest(value), later)


def content_digest(value: Mapping[str, Any]) -> bytes:
    """Equal for equal content: everything but the version's own properties."""
    return digest({name: item for name, item in value.items() if name not in _VERSIONING})


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """The paths at which two JSON values differ, versions aside; a list counts as a whole."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [] if before == after else [path]
    names = sorted((before.keys() | after.keys()) - (frozenset() if path else _VERSIONING))
    return [
        found
        for name in names
        for found in differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    ]
