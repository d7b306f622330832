"""The transparency report of the stored log."""

from __future__ import annotations

from taxii_hub.exchange.hub import Hub
from taxii_hub.ledger.asking import RowFilter
from taxii_hub.ledger.rows import damage, told
from taxii_hub.ledger.transparency import KINDS, Line, Tally
from taxii_hub.stix import timestamps


async def report(hub: Hub, since: int | None, until: int | None) -> tuple[Line, ...]:
    """What an export of the log as it stands gives as well (``tally_export``). Raises UnavailableError."""
    await hub.audit.settled(sign=False)
    tally = Tally(since, until)
    standing = RowFilter(kinds=("catalogue-apply", "reviews-overdue"), until=until)
    counted = RowFilter(kinds=tuple(KINDS), since=since, until=until)
    for wanted in (standing, counted):
        async for row in hub.audit.records.rows(wanted):
            leaf = told(row)
            with damage():
                tally.take(leaf, timestamps.parse(leaf["at"]))
    return tally.lines()
