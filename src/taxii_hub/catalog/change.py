"""One difference between two catalogues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChangeKind = Literal["gains", "loses", "new", "removed", "renamed", "retired", "reopened", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, ``words`` being the sentence for people.

    ``subject`` is what it is about (``un-gcts``, ``un-gcts/designations``, ``us-kite``); ``agency``
    is set where somebody gains or loses.
    """

    kind: ChangeKind
    subject: str
    words: str
    agency: str | None = None
