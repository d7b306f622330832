"""What a stored row says, to those who read the log without verifying all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from taxii_hub.errors import DamagedLogError
from taxii_hub.ledger.leaves import index_of, read, stamps_of
from taxii_hub.ledger.log import Row
from taxii_hub.ledger.merkle import leaf_hash

_OF_A_PAGE: Final = frozenset({"collection", "feed", "first", "last", "stamps", "view"})


def told(row: Row) -> dict[str, Any]:
    """The leaf of a row that is as a hub wrote it. Raises DamagedLogError for every other one: whoever
    changed it must neither be believed nor stop the answer with a defect."""
    with damage():
        leaf = read(row.leaf)
        sound = leaf_hash(row.leaf) == row.hash and row.index in (None, index_of(leaf))
    if not sound or (leaf["kind"] == "page" and not leaf.keys() >= _OF_A_PAGE):
        raise DamagedLogError
    return leaf


def page_stamps(leaf: Mapping[str, Any]) -> list[int]:
    """The stamps of a page's leaf. Raises DamagedLogError where it has none that can be read."""
    with damage():
        return stamps_of(leaf)


@contextmanager
def damage() -> Iterator[None]:
    """What cannot be read of the log was not written so."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise DamagedLogError from error
