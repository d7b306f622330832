"""Whether a new object waits for liaison officers, and for how many of them."""

from __future__ import annotations

from typing import Final

from taxii_hub.model import Collection
from taxii_hub.policy.marking import Marked
from taxii_hub.policy.reading import LADDER

ABOVE: Final = "above-"


def signatures_for(collection: Collection, each: Marked) -> int:
    """How many officers have to sign before anybody is fed the object; 0: it does not wait.

    A collection without signatures holds nothing, whatever the markings say.
    """
    held = each.hold or _held_by(collection, each.policy.level)
    return collection.signatures if held else 0


def widening_needs(collection: Collection, each: Marked) -> int:
    """How many officers beside the one who proposes it have to sign before an object that is there already
    gets more readers: as many as a new one like it, everywhere that the collection holds anything."""
    guarded = each.hold or collection.hold != "never" or collection.signatures > 1
    return collection.signatures if guarded else 0


def _held_by(collection: Collection, level: int) -> bool:
    if collection.hold.startswith(ABOVE):
        return level > LADDER.index(collection.hold.removeprefix(ABOVE))
    return collection.hold == "always"
