"""Who received which of an agency's objects, when and for what purpose: its disclosure record.

A page's leaf holds the stamps of what was on it; which object stood under a stamp, and whose it was, is
known from the entries and from what is remembered of stamps that are gone.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from taxii_hub.exchange.audit_records import AuditRecords
from taxii_hub.ledger.asking import Placed, RowFilter
from taxii_hub.ledger.rows import page_stamps, told


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One version of an object on one page that was answered to another agency.

    ``row`` is the number of the page's leaf in the log; ``stamp`` the ``date_added`` under which it was
    read; ``view``: ``objects`` and ``object`` hold content, ``manifest`` and ``versions`` name it only.
    """

    row: int
    at: str
    agency: str | None
    account: str
    purpose: str | None
    view: str
    collection: str
    object_id: str
    version: str
    stamp: int


@dataclass(frozen=True, slots=True)
class DisclosureFilter:
    """Whose objects, and which part: of one object, from row ``first`` on, within some time (microseconds)."""

    origin: str
    object_id: str | None = None
    first: int = 0
    since: int | None = None
    until: int | None = None


async def disclosures(records: AuditRecords, wanted: DisclosureFilter) -> AsyncIterator[Disclosure]:
    """In the order of the log; what the origin read itself is left out."""
    async for _, found in _pages(records, wanted):
        for each in found:
            yield each


async def some_disclosures(
    records: AuditRecords, wanted: DisclosureFilter, most: int, seconds: float
) -> tuple[list[Disclosure], int | None]:
    """As many as ``most`` and those of the same page, or what was found in ``seconds``, be it nothing; and the
    row where looking goes on, None at the end of the log. A long log is no reason for a request without end."""
    until = time.monotonic() + seconds
    found: list[Disclosure] = []
    looked = False
    async for row, here in _pages(records, wanted):
        if looked and (len(found) >= most or time.monotonic() > until):
            return found, row
        found += here
        looked = True
    return found, None


async def _pages(
    records: AuditRecords, wanted: DisclosureFilter
) -> AsyncIterator[tuple[int, list[Disclosure]]]:
    """Row by row, also those that hold nothing of the origin's."""
    classes = await records.classes_of(wanted.origin)
    if not classes:
        return
    stood: dict[int, dict[int, Placed]] = {}
    if wanted.object_id is not None:
        stood = {feed: await records.stamps_of(feed, of, wanted.object_id) for feed, of in classes.items()}
        classes = {feed: of for feed, of in classes.items() if stood[feed]}
    pages = RowFilter(
        first=wanted.first,
        kinds=("page",),
        feeds=tuple(sorted(classes)) or (-1,),
        since=wanted.since,
        until=wanted.until,
    )
    async for row in records.rows(pages):
        leaf = told(row)
        theirs = leaf["by"].get("agency") != wanted.origin
        yield (
            row.n,
            [each async for each in _on(records, row.n, leaf, _Shelf(classes, stood))] if theirs else [],
        )


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The origin's policy classes by feed, and, where one object is asked for, where it stood in each."""

    classes: Mapping[int, frozenset[int]]
    stood: Mapping[int, Mapping[int, Placed]]


async def _on(
    records: AuditRecords, row: int, leaf: Mapping[str, Any], shelf: _Shelf
) -> AsyncIterator[Disclosure]:
    feed = leaf["feed"]
    stood = shelf.stood.get(feed)
    if stood is not None and not any(leaf["first"] <= stamp <= leaf["last"] for stamp in stood):
        return
    stamps = page_stamps(leaf)
    found = await records.placed(feed, shelf.classes[feed], stamps) if stood is None else stood
    for stamp in stamps:
        if (placed := found.get(stamp)) is not None:
            yield Disclosure(
                row=row,
                at=leaf["at"],
                agency=leaf["by"].get("agency"),
                account=leaf["by"]["account"],
                purpose=leaf.get("purpose"),
                view=leaf["view"],
                collection=leaf["collection"],
                object_id=placed.object_id,
                version=placed.version,
                stamp=stamp,
            )
