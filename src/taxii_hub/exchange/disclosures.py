"""Who received which of an agency's objects, when and for what purpose: its disclosure record.

A page's leaf holds the stamps of what was on it; which object stood under a stamp, and whose it was, is
known from the entries and from what is remembered of stamps that are gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from taxii_hub.exchange.audit_records import AuditRecords
from taxii_hub.ledger.asking import Placed, RowFilter
from taxii_hub.ledger.leaves import read, stamps_of


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
        leaf = read(row.leaf)
        if leaf["by"].get("agency") == wanted.origin:
            continue
        feed = leaf["feed"]
        if feed in stood and not any(leaf["first"] <= stamp <= leaf["last"] for stamp in stood[feed]):
            continue
        stamps = stamps_of(leaf)
        found = stood[feed] if feed in stood else await records.placed(feed, classes[feed], stamps)
        for stamp in stamps:
            if (placed := found.get(stamp)) is not None:
                yield Disclosure(
                    row=row.n,
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
