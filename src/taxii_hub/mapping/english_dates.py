"""Dates as English lists write them in words: ``1958``, ``Feb 1980``, ``08 Feb 1980``, ``circa 1960``,
``1960 to 1963``. What is not certain is not read: the text itself is always carried beside."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value

_LONG: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTHS: Final = {name[:3]: number for number, name in enumerate(_LONG, 1)}
_DATE: Final = re.compile(r"(?:(?:([0-9]{1,2}) )?([a-z]+) )?([0-9]{4})")
_ABOUT: Final = re.compile(r"(?:circa|approximately|approx\.?|about|c\.) (.+)")
_RANGE: Final = re.compile(r"(?:between )?(.+?) (?:to|and|-) (.+)")
_PRECISION: Final = {4: "year", 7: "month", 10: "day"}


def partial(text: str) -> str | None:
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``, as precise as the words; None where they are no date."""
    found = _DATE.fullmatch(" ".join(text.casefold().split()))
    if found is None or found[3] == "0000":
        return None
    day, month, year = found.groups()
    if month is None:
        return str(year)
    number = _MONTHS.get(month[:3]) if month in _LONG or len(month) == 3 else None
    if number is None:
        return None
    if day is None:
        return f"{year}-{number:02}"
    try:
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        return None


def span(words: Value) -> dict[str, Tree]:
    """``from``, ``to``, ``precision`` and ``approximate`` of a date in words; empty where it is not
    certain."""
    text = " ".join(str(words.data).casefold().split())
    about = _ABOUT.fullmatch(text)
    text = about[1] if about is not None else text
    single, both = partial(text), _RANGE.fullmatch(text)
    if single is not None:
        made = {"from": single, "to": single, "precision": _PRECISION[len(single)]}
    elif both is not None and (first := partial(both[1])) and (last := partial(both[2])):
        if first[: len(last)] > last[: len(first)]:
            return {}
        made = {"from": first, "to": last, "precision": "range"}
    else:
        return {}
    return {name: words.derive(value) for name, value in {**made, "approximate": about is not None}.items()}
