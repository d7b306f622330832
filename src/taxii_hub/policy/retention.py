"""When an object is over for everybody: by its markings, or because the collection keeps nothing longer."""

from __future__ import annotations

from typing import Final

from taxii_hub.model import Collection

DAY: Final = 86_400 * 1_000_000
LASTING: Final = frozenset({"marking-definition", "extension-definition"})
"""Types that other objects are read by, and that say nothing about anybody."""


def over_at(collection: Collection, object_type: str, marked: int | None, published: int) -> int | None:
    """The first moment (microseconds) at which nobody may read it any more; None: it never ends.

    ``marked`` is that moment by its markings alone; ``published`` when it is published here.
    """
    if collection.retention_days is None or object_type in LASTING:
        return marked
    kept = (published // DAY + collection.retention_days + 1) * DAY
    return kept if marked is None else min(kept, marked)
