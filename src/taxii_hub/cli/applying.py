"""What ``collections apply`` found and did, in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from taxii_hub.catalog.change import Change
from taxii_hub.catalog.standing import Notice
from taxii_hub.model import Catalog
from taxii_hub.stix import timestamps

if TYPE_CHECKING:
    from taxii_hub.exchange.gaining import Fed
    from taxii_hub.store.base import Gain


@dataclass(frozen=True, slots=True)
class Later:
    """An agency that will be fed again what is in a collection on the day on which an agreement begins."""

    agency: str
    collection: str
    day: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply found and did. ``version`` is the one in force afterwards, 0 if there is none;
    ``notices`` tell of agreements that somebody has to look at; ``fed`` who is fed how much again, ``later``
    who on which day."""

    version: int
    changes: list[Change]
    notices: list[Notice]
    fed: list[Fed]
    dry_run: bool
    later: list[Later]

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "dry_run": self.dry_run,
            "changes": [asdict(change) for change in self.changes],
            "notices": [asdict(notice) for notice in self.notices],
            "history": [asdict(each) for each in self.fed],
            "history_later": [asdict(each) for each in self.later],
        }

    def as_text(self, proposal: Catalog) -> str:
        lines = [change.words for change in self.changes] or ["Nothing changes."]
        lines += [f"Note: {notice.words}" for notice in self.notices]
        verb = "will be" if self.dry_run else "was"
        lines += [
            f"{each.agency} {verb} fed {each.objects} objects of {each.collection} again (joining: history)."
            for each in self.fed
            if each.objects
        ]
        lines += [
            f"{each.agency} will be fed what is in {each.collection} on {each.day} (joining: history)."
            for each in self.later
        ]
        if self.dry_run:
            state = f"version {self.version} stays in force" if self.version else "no catalogue is in force"
            return "\n".join([*lines, f"Dry run: {state}."])
        return "\n".join([*lines, f"Version {self.version} is in force: {size_of(proposal)}."])


def later_of(proposal: Catalog, later: Sequence[Gain]) -> list[Later]:
    names = {each.id: f"{root.path}/{each.alias}" for root in proposal.api_roots for each in root.collections}
    return [Later(each.agency, names[each.of], timestamps.format(each.at)[:10]) for each in later]


def size_of(catalog: Catalog) -> str:
    count = sum(len(root.collections) for root in catalog.api_roots)
    return f"{len(catalog.api_roots)} API roots, {count} collections, {len(catalog.agencies)} agencies"
