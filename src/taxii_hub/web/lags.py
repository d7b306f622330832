"""How far consumers are behind: what this worker gave them last, beside the newest they may see."""

from __future__ import annotations

from dataclasses import dataclass, field

from taxii_hub.exchange.access import visibility_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.model import Account, Collection


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one consumer is behind.

    ``seconds`` lie between the newest object it may see and the one it was given last; 0 when it has
    them all.
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
        """One read for each agency and collection. Raises UnavailableError."""
        newest: dict[tuple[str, str], int | None] = {}
        found: list[Lag] = []
        for account, collection, stamp in list(self._known.values()):
            pair = (account.agency, collection.id)
            if pair not in newest:
                newest[pair] = await hub.feed.newest(await visibility_of(hub, account.agency, collection))
            behind = max(0, (newest[pair] or 0) - stamp) / 1_000_000
            name = f"{collection.api_root}/{collection.alias}"
            found.append(Lag(account.id, account.agency, name, behind))
        return found
