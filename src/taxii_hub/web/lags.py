"""How far consumers are behind: how long something has been waiting for them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from taxii_hub.exchange.access import visibility_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account, Collection, ObjectQuery


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one consumer is behind.

    ``seconds`` is the age of the oldest object that it may see and was not given yet; 0 when there is
    none. (The distance between two stamps would call a consumer punctual that misses half a batch.)
    """

    account: str
    agency: str
    collection: str
    seconds: float


@dataclass(slots=True)
class Positions:
    """The last stamp that each account was given of each collection, as one worker knows it."""

    _known: dict[tuple[str, str], tuple[Account, Collection, int]] = field(default_factory=dict)

    def note(self, account: Account, collection: Collection, stamp: int) -> None:
        """Keep how far an unfiltered walk has come; a walk from the start sets it back."""
        self._known[account.id, collection.id] = (account, collection, stamp)

    async def lags(self, hub: Hub) -> list[Lag]:
        """One small read for each account and collection. Raises UnavailableError."""
        now = time.time_ns() // 1000
        found: list[Lag] = []
        for account, collection, stamp in list(self._known.values()):
            visibility = await visibility_of(hub, account, collection)
            rest = await hub.feed.page(visibility, ObjectQuery(position=stamp), "manifest", 1)
            waiting = max(0, now - rest.stamps[0]) / 1_000_000 if rest.stamps else 0.0
            name = f"{collection.api_root}/{collection.alias}"
            found.append(Lag(account.id, account.agency, name, waiting))
        return found
