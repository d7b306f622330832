"""In which classes objects stand, of all that a reader sees of them last: what a relationship connects narrows it.

Two ways give the same. Looking for each object in each class takes a scan for each pair. Going once through
the classes takes a key for each entry of theirs. Either reads no key of what the reader may not see (R4).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from taxii_hub.model import Visibility
from taxii_hub.store.queries import class_finds, class_scans
from taxii_hub.store.snapshots import Point

FEW_PAIRS = 2_000
"""Of objects and classes: so many are looked for without a thought of the other way."""
_BATCH = 10_000
_FIELDS = {"_id": 0, "i": 1, "p": 1}


async def last_classes(
    point: Point, visibility: Visibility, ids: Sequence[str], among: Sequence[int]
) -> dict[str, int]:
    """The class of each object's last visible version, if it is one of ``among``."""
    pairs = len(ids) * len(among)
    found = await _walked(point, visibility, frozenset(ids), among, pairs) if pairs > FEW_PAIRS else None
    if found is not None:
        return found
    found = {}
    for find in class_finds(visibility, ids, among):
        found |= {row["i"]: row["p"] for row in await point.all(find, _FIELDS)}
    return found


async def _walked(
    point: Point, visibility: Visibility, ids: frozenset[str], among: Sequence[int], most: int
) -> dict[str, int] | None:
    """None where the classes have more entries than there are pairs."""
    found: dict[str, int] = {}
    for find in class_scans(visibility, among):
        async with aclosing(point.batches(find, _FIELDS, most + 1, _BATCH)) as batches:
            async for rows in batches:
                most -= len(rows)
                found |= {row["i"]: row["p"] for row in rows if row["i"] in ids}
        if most < 0:
            return None
    return found
