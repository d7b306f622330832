"""Dates of birth as British lists write them: the day first, letters or zeros for what is not known."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_BIRTH: Final = re.compile(
    r"(?P<day>[0-9]{2}|dd)/(?P<month>[0-9]{2}|mm)/(?P<year>[0-9]{4}|[0-9]{0,3}y{1,4})", re.IGNORECASE
)


def birth_date(view: View, value: Value) -> Tree:
    """A ``birth_date`` of the designation extension: as precise as the source and never padded; the
    text beside it where it says more. Without a year, or where it is no date (a problem), text alone."""
    found = _BIRTH.fullmatch(value.data)
    written = _partial(found) if found is not None else None
    if found is None or (written is None and found["year"].isdigit()):
        view.warn(
            value, "is no date like 31/01/1960 or dd/mm/1960", "correct it at the source; the text is kept"
        )
    if found is None or written is None:
        return {"text": value}
    precision = {4: "year", 7: "month", 10: "day"}[len(written)]
    spelt = value.part(written)
    loose = found["day"].isdigit() and found["day"] != "00" and precision != "day"
    return {"from": spelt, "to": spelt, "precision": precision, "text": value if loose else None}


def _partial(found: re.Match[str]) -> str | None:
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; None without a year, or where there is no such day."""
    day, month, year = (found[part] if found[part].isdigit() else "00" for part in ("day", "month", "year"))
    if year in {"00", "0000"}:
        return None
    known = [year] if month == "00" else [year, month] if day == "00" else [year, month, day]
    try:
        date.fromisoformat("-".join([*known, "01", "01"][:3]))
    except ValueError:
        return None
    return "-".join(known)
