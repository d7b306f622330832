"""Yes or no, with the clause that decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is a clause for a person: who, what, why. A decision counts as its answer."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


def yes(reason: str) -> Decision:
    return Decision(True, reason)


def no(reason: str) -> Decision:
    return Decision(False, reason)
