"""One act of an origin as a commit decides and remembers it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bson.int64 import Int64

from taxii_hub.store.base import Change, ChangeResult, Proposal
from taxii_hub.store.change import ChangePlan
from taxii_hub.store.plan import Known

Document = dict[str, Any]


@dataclass(slots=True)
class Act:
    """One of the acts of a commit, decided and not yet written."""

    change: Change
    result: ChangeResult
    plan: ChangePlan
    known: list[Known]
    held: list[Proposal]

    @property
    def moves(self) -> bool:
        """Whether there is anything to write."""
        return self.result == "done" or bool(self.held)


def follow_up_documents(change: Change, taken: Iterable[Known], last: int) -> list[Document]:
    """One for each class that the act moved versions out of."""
    before = sorted({entry.policy for entry in taken})
    return [
        {
            "_id": f"{change.id}/{number}",
            "c": change.collection,
            "i": change.object_id,
            "before": number,
            "after": change.to,
            "at": Int64(last),
        }
        for number in before
    ]
