"""What of the UN list is easier to read as code than as a table: names, dates of birth, references."""

from __future__ import annotations

import re

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.names import script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_PRECISION = {4: "year", 7: "month", 10: "day"}
_REFERENCE = re.compile(r"\b[A-Z]{2}[ie]\.[0-9]{3}\b")


def status(view: View) -> Tree:
    """A record with DELISTED_ON has left the list; all others are on it."""
    delisted = view.get("DELISTED_ON")
    return "listed" if delisted is None else delisted.derive("delisted")


def names(view: View) -> Tree:
    """The primary name with its parts, the names in the original script, then the aliases."""
    parts = [(path, view.get(path)) for path in _NAMES]
    present = [(path, value) for path, value in parts if value is not None]
    full = Value.joined([value for _, value in present], " ")
    found: list[Tree] = []
    if full is not None:
        spelt = [{"type": path.lower().removesuffix("_name"), "value": value} for path, value in present]
        found.append({"full": full, "parts": spelt, "kind": "primary", "script": script(full)})
    found += [
        {"full": value, "kind": "original-script", "script": script(value)}
        for value in view.all("NAME_ORIGINAL_SCRIPT")
    ]
    for group in view.groups("INDIVIDUAL_ALIAS", "ENTITY_ALIAS"):
        found += _alias(group)
    return found


def _alias(group: View) -> list[Tree]:
    quality, text = group.get("QUALITY"), group.get("ALIAS_NAME")
    if text is None:
        return []
    country = group.get("COUNTRY_OF_BIRTH")
    place = {
        "city": group.get("CITY_OF_BIRTH"),
        "country": country,
        "country_code": group.lookup("countries", country),
    }
    said = {
        "kind": group.lookup("alias_kinds", quality) or "alias",
        "strength": group.lookup("alias_strengths", quality) or "unknown",
        "note": group.get("NOTE"),
        "birth_date": group.get("DATE_OF_BIRTH"),
        "birth_place": place,
    }
    return [{"full": name, **said, "script": script(name)} for name in _split(text)]


def good_aliases(view: View) -> Tree:
    """Aliases that identify: not those of low quality, each once."""
    found: dict[str, Value] = {}
    for group in view.groups("INDIVIDUAL_ALIAS", "ENTITY_ALIAS"):
        quality, text = group.get("QUALITY"), group.get("ALIAS_NAME")
        strength = group.lookup("alias_strengths", quality)
        if text is not None and strength is not None and strength.data != "weak":
            found.update({name.data: name for name in _split(text) if name.data not in found})
    return list(found.values())


def _split(text: Value) -> list[Value]:
    """The names of a list with semicolons; an alias is otherwise left as it is."""
    return [text.part(name.strip()) for name in text.data.split(";") if name.strip()]


def birth_date(group: View) -> Tree:
    """One date of birth, as precise as the source and no more."""
    kind = group.lookup("date_types", group.get("TYPE_OF_DATE"))
    note = group.get("NOTE")
    hijri = note is not None and "hijri" in note.data.casefold()
    return {
        **_span(group, kind),
        "approximate": kind.derive(kind.data == "approximate") if kind is not None else None,
        "calendar": note.derive("islamic") if note is not None and hijri else None,
        "note": note,
    }


def _span(group: View, kind: Value | None) -> dict[str, Tree]:
    day, year = group.get("DATE"), group.get("YEAR")
    first, last = group.get("FROM_YEAR"), group.get("TO_YEAR")
    if day is not None:
        return {"from": day, "to": day, "precision": _PRECISION[len(day.data)]}
    if first is not None or last is not None:
        if first is not None and last is not None and first.data > last.data:
            group.warn(last, "lies before FROM_YEAR", "correct it at the source; both are kept")
        return {"from": first, "to": last, "precision": kind.derive("range") if kind is not None else "range"}
    if year is not None:
        return {"from": year, "to": year, "precision": "year"}
    return {}


def references(view: View) -> Tree:
    """The references of other records that the comments name, each once."""
    comments, own = view.get("COMMENTS1"), view.get("REFERENCE_NUMBER")
    if comments is None:
        return []
    found = dict.fromkeys(_REFERENCE.findall(comments.data))
    return [comments.derive(key) for key in found if own is None or key != own.data]
