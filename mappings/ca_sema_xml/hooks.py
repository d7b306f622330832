"""What of the Canadian list is easier to read as code than as a table: one field with three meanings, aliases in
one text."""

from __future__ import annotations

import re
from datetime import date, timedelta

from taxii_hub.mapping.countries import fold
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.names import once, script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

# A comma inside brackets, or before what only ends a company's name, separates nothing.
_SEPARATOR = re.compile(
    r"[,;](?![^()]*\))(?!\s*(?:Ltd|Limited|Inc|LLC|L\.L\.C|Co|Corp|JSC|PLC|S\.A|GmbH)\b\.?\s*(?:[,;]|$))",
    re.IGNORECASE,
)
_LEAD = re.compile(r"(?:or|a\.?k\.?a\.?)\s+", re.IGNORECASE)
_HEAD = re.compile(r"(\w+)\s*:\s*")
_RANGE = re.compile(r"([0-9]{4})\s*-\s*([0-9]{4})")
_PARTIAL = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_SERIAL = re.compile(r"[0-9]{5}")
_FIRST_SERIAL = date(1899, 12, 30)
"""The day 0 of spreadsheets, as it must be for every day after February 1900."""


def key_name(view: View) -> Tree:
    """The name as it stays when its spelling is only touched up."""
    value = _full(view)
    return None if value is None else value.derive(fold(value.data) or value.data)


def name(view: View) -> Tree:
    """Of the person, the entity or the ship."""
    return _full(view)


def _full(view: View) -> Value | None:
    person = [value for path in ("GivenName", "LastName") if (value := view.get(path)) is not None]
    return view.get("EntityOrShip") or Value.joined(person, " ")


def identity_class(view: View) -> Tree:
    """A ship has an IMO number; whoever has a last or given name is a person."""
    if (number := view.get("ShipIMONumber")) is not None:
        return number.derive("system")
    return "organization" if view.get("EntityOrShip") is not None else "individual"


def is_person(view: View) -> bool:
    """Whether it is a natural person."""
    return bool(plain(identity_class(view)) == "individual")


def is_actor(view: View) -> bool:
    """A person or organisation under a regime about terrorism."""
    return view.lookup("regimes", view.get("Country")) is not None and view.get("ShipIMONumber") is None


def names(view: View) -> Tree:
    """The name with its parts, then the aliases."""
    full = _full(view)
    if full is None:
        return []
    spelt = [("given", view.get("GivenName")), ("last", view.get("LastName"))]
    parts = [{"type": kind, "value": value} for kind, value in spelt if value is not None]
    main = {"full": full, "parts": parts, "kind": "primary", "script": script(full)}
    others = [
        {"full": value, "kind": "alias", "strength": "unknown", "script": script(value), "language": language}
        for value, language in _aliases(view)
    ]
    return [main, *once(others)]


def aliases(view: View) -> Tree:
    """Every other name; the list does not grade them."""
    return once(value for value, _ in _aliases(view))


def _aliases(view: View) -> list[tuple[Value, Value | None]]:
    text = view.get("Aliases")
    if text is None:
        return []
    found = []
    for piece in _SEPARATOR.split(text.data):
        alias, language = (
            _LEAD.sub("", piece.strip(), count=1) if _LEAD.match(piece.strip()) else piece.strip(),
            None,
        )
        head = _HEAD.match(alias)
        if head is not None and head[1] in view.reading.spec.lookups["languages"]:
            alias, language = alias[head.end() :], view.lookup("languages", text.part(head[1]))
        if alias:
            found.append((text.part(alias), language))
    return found


def titles(view: View) -> Tree:
    """Of a person."""
    return [] if _is_thing(view) else view.all("TitleOrShip")


def features(view: View) -> Tree:
    """Of entities and ships: what the fields with several meanings say of them."""
    number = {"type": "IMO number", "value": view.get("ShipIMONumber")}
    found = [number] if number["value"] is not None else []
    if _is_thing(view):
        built = "Ship build date" if found else "Date of birth or ship build date"
        said = {"Title or ship": view.all("TitleOrShip"), built: view.all("DateOfBirthOrShipBuildDate")}
        found += [{"type": kind, "value": value} for kind, values in said.items() for value in values]
    return found


def _is_thing(view: View) -> bool:
    return view.get("EntityOrShip") is not None or view.get("ShipIMONumber") is not None


def birth_dates(view: View) -> Tree:
    """One for each alternative that the text gives; what is no date stays text, and a problem."""
    value = view.get("DateOfBirthOrShipBuildDate")
    if value is None or _is_thing(view):
        return []
    parts = [value.part(part.strip()) for part in re.split(r"\bor\b", value.data) if part.strip()]
    read = [_birth_date(part) for part in parts]
    if not parts or None in read:
        view.warn(value, "is no date like 1960-01-31", "correct it at the source; the text is kept")
        return [{"text": value}]
    return read


def _birth_date(value: Value) -> Tree:
    found = _RANGE.fullmatch(value.data)
    if found is not None and found[1] <= found[2]:
        return {"from": value.part(found[1]), "to": value.part(found[2]), "precision": "range"}
    if _SERIAL.fullmatch(value.data):
        day = value.derive((_FIRST_SERIAL + timedelta(days=int(value.data))).isoformat())
        return {"from": day, "to": day, "precision": "day", "text": value}
    if _PARTIAL.fullmatch(value.data) and _exists(value.data):
        precision = {4: "year", 7: "month", 10: "day"}[len(value.data)]
        return {"from": value, "to": value, "precision": precision}
    return None


def _exists(text: str) -> bool:
    try:
        date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True
