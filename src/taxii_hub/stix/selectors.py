"""Granular markings' selectors: ``external_references.[0].url`` (STIX 2.1 section 7.2.3.1)."""

from __future__ import annotations

import re
from typing import Any, Final

_INDEX: Final = re.compile(r"\[([0-9]{1,9})\]")


def points_at_something(selector: str, value: Any) -> bool:
    """Whether the selector leads to a property, list item or dictionary key that is present."""
    for step in selector.split("."):
        index = _INDEX.fullmatch(step)
        if index is not None and isinstance(value, list) and int(index[1]) < len(value):
            value = value[int(index[1])]
        elif index is None and isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False
    return True
