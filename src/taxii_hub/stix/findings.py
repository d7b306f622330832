"""What a check of an object finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of STIX 2.1.

    ``must``: a collection that validates strictly refuses the object. ``should``: advice only.
    ``path`` is the property (``granular_markings[0].selectors``; empty for the whole object).
    """

    level: Literal["must", "should"]
    path: str
    message: str
