"""Who was given the content of which versions: read from the audit log, in one pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from taxii_hub.exchange.hub import Hub
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.rows import damage, page_stamps, told
from taxii_hub.stix import timestamps

CONTENT: Final = frozenset({"objects", "object"})
"""The views that hold content; manifests and lists of versions only name it."""
SLACK: Final = 3600 * 1_000_000
"""Microseconds that the clocks of hub and database may differ."""

Version = tuple[str, str]


@dataclass(slots=True)
class Received:
    """By (object, version), the agencies and when each was given it last. ``gaps``: a hub ended uncleanly
    since the first of them was published, so the log may not know everybody."""

    by: dict[Version, dict[str, str]] = field(default_factory=dict)
    gaps: bool = False

    def of(self, object_id: str, version: str) -> Mapping[str, str]:
        """Who was given this version, and when last."""
        return self.by.get((object_id, version), {})


async def received(hub: Hub, feed: int, origin: str, object_ids: Collection[str]) -> Received:
    """For what an origin published of these objects; what it read itself is left out.

    Raises UnavailableError.
    """
    records = hub.audit.records
    found = Received()
    # A copy belongs to nobody, and is read by some in place of what it is a copy of.
    classes: set[int] = set()
    for owner in (origin, ""):
        classes |= (await records.classes_of(owner)).get(feed, frozenset())
    stood: dict[int, Version] = {}
    for object_id in object_ids:
        placed = await records.stamps_of(feed, classes, object_id)
        stood.update({stamp: (each.object_id, each.version) for stamp, each in placed.items()})
    if not stood:
        return found
    await hub.audit.settled(sign=False)
    first, last, since = min(stood), max(stood), min(stood) - SLACK
    async for row in records.rows(RowFilter(kinds=("page",), feeds=(feed,), since=since)):
        leaf = told(row)
        agency = leaf["by"].get("agency")
        if leaf["view"] not in CONTENT or agency in (None, origin):
            continue
        if leaf["last"] < first or leaf["first"] > last:
            continue
        for stamp in page_stamps(leaf):
            if (version := stood.get(stamp)) is not None:
                found.by.setdefault(version, {})[agency] = leaf["at"]
    async for row in records.rows(RowFilter(kinds=("gap",), since=since)):
        with damage():
            found.gaps = found.gaps or timestamps.parse(told(row)["until"]) >= first
    return found
