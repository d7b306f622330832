"""The CSV edition of the UK list: rows multiply names, addresses and dates, so every fact is gathered from all rows."""

from __future__ import annotations

import re
from collections.abc import Callable

from taxii_hub.mapping.births import birth_date
from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.names import distinct, once, script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_NAME_PARTS = tuple(f"Name {number}" for number in range(1, 7))
_LINES = tuple(f"Address Line {number}" for number in range(1, 7))
_ADDRESS = (*_LINES, "Address Postal Code", "Address Country")
_CONTACTS = {"phone": "Phone number", "email": "Email address", "website": "Website"}
_OTHER_LISTS = {
    "UN Reference Number": "United Nations Security Council Consolidated List",
    "OFSI Group ID": "OFSI Consolidated List of Financial Sanctions Targets (group id)",
}
_FEATURES = {
    "Type of entity": "Type of entity",
    "Business registration number": "Business registration number",
    "Parent company": "Parent company",
    "Subsidiaries": "Subsidiary",
    "IMO number": "IMO number",
    "Current owner or operator": "Current owner or operator",
    "Previous owner or operator": "Previous owner or operator",
    "Current believed flag of ship": "Current believed flag",
    "Previous flags": "Previous flag",
    "Type of ship": "Type of ship",
    "Tonnage of ship": "Tonnage",
    "Length of ship": "Length",
    "Year Built": "Year built",
    "Hull identification number": "Hull identification number",
}
_NEGATIVE = re.compile(r"-[0-9]+")
_UN_REFERENCE = re.compile(r"\b[A-Z]{2}[ie]\.[0-9]{3}\b")


# --- what every row repeats --------------------------------------------------------------------


def _all(view: View, column: str) -> list[Value]:
    """What the rows say in a column, each once."""
    return once(view.all(f"row/{column}"))


def _said(view: View, column: str) -> Value | None:
    """The first of it; a row that says something else keeps it in residual, with a problem."""
    return next(iter(_all(view, column)), None)


def reference(view: View) -> Tree:
    """The list's own reference."""
    return _said(view, "Unique ID")


def description(view: View) -> Tree:
    """The other information."""
    return Value.joined(_all(view, "Other Information"), "\n")


def reason(view: View) -> Tree:
    """The statement of reasons."""
    return Value.joined(_all(view, "UK Statement of Reasons"), "\n")


def roles(view: View) -> Tree:
    """Positions."""
    return _all(view, "Position")


def titles(view: View) -> Tree:
    """Titles."""
    return _all(view, "Title")


def programmes(view: View) -> Tree:
    """Regimes."""
    return _all(view, "Regime Name")


def designated_by(view: View) -> Tree:
    """UK, UN or both."""
    return _all(view, "Designation source")


def listed_on(view: View) -> Tree:
    """The day of designation."""
    return _said(view, "Date Designated")


def amended_on(view: View) -> Tree:
    """The days of changes."""
    return _all(view, "Last Updated")


def gender(view: View) -> Tree:
    """The first that is said."""
    return view.lookup("genders", _said(view, "Gender"))


def identity_class(view: View) -> Tree:
    """Person, organisation, or system for a ship."""
    return view.lookup("kinds", _said(view, "Kind"))


def is_person(view: View) -> bool:
    """Whether it is a natural person."""
    return bool(plain(identity_class(view)) == "individual")


def actor_type(view: View) -> Tree:
    """What a regime about terrorism or cyber activity makes of a party."""
    return view.lookup("regimes", _said(view, "Regime Name"))


def is_actor(view: View) -> bool:
    """A person or organisation under such a regime."""
    kind = view.lookup("kinds", _said(view, "Kind"))
    return actor_type(view) is not None and (kind is None or kind.data != "system")


def measures(view: View) -> Tree:
    """The measures of the list with bars."""
    texts = _all(view, "Sanctions Imposed")
    return [text.part(part.strip()) for text in texts for part in text.data.split("|") if part.strip()]


def other_references(view: View) -> Tree:
    """Of the same party in other lists."""
    found = [(title, value) for column, title in _OTHER_LISTS.items() for value in _all(view, column)]
    return [{"list": title, "reference": value} for title, value in found]


def un_reference(view: View) -> Tree:
    """The party's own reference of the UN list."""
    return _all(view, "UN Reference Number")


def un_references(view: View) -> Tree:
    """Records of the UN list that the other information names, each once, without the party's own."""
    text, own = description(view), {value.data for value in un_reference(view)}
    if text is None:
        return []
    return [text.derive(key) for key in dict.fromkeys(_UN_REFERENCE.findall(text.data)) if key not in own]


# --- names -------------------------------------------------------------------------------------


def name(view: View) -> Tree:
    """The primary name; where there is none the first that there is, else the reference."""
    found = [tree for tree in names(view) if tree["full"] is not None]
    primary = [tree["full"] for tree in found if plain(tree["kind"]) == "primary"]
    return next(iter([*primary, *(tree["full"] for tree in found)]), None) or _said(view, "Unique ID")


def names(view: View) -> Tree:
    """Every name as the list grades it, then those in other scripts."""
    rows = view.groups("row")
    return once(tree for make in (_name, _foreign) for group in rows if (tree := make(group)) is not None)


def aliases(view: View) -> Tree:
    """Names that identify beside the primary one: not those of low quality or in other scripts."""
    found = [tree for tree in names(view) if plain(tree["kind"]) in {"alias", "variation"}]
    return once(tree["full"] for tree in found if plain(tree["strength"]) != "weak")


def _name(group: View) -> Tree:
    parts = [(part, value) for part in _NAME_PARTS if (value := group.get(part)) is not None]
    full = Value.joined([value for _, value in parts], " ")
    if full is None:
        return None
    spelt = [{"type": part.lower().replace(" ", ""), "value": value} for part, value in parts]
    return {
        "full": full,
        "parts": spelt if len(parts) > 1 else None,
        "kind": _folded(group, "name_kinds", "Name type") or "alias",
        "strength": _folded(group, "alias_strengths", "Alias strength"),
        "script": script(full),
    }


def _foreign(group: View) -> Tree:
    full = group.get("Name non-latin script")
    if full is None:
        return None
    said = {"script_text": "Non-latin script type", "language": "Non-latin script language"}
    return {
        "full": full,
        "kind": "original-script",
        "script": script(full),
        **{word: group.get(column) for word, column in said.items()},
    }


def _folded(group: View, table: str, column: str) -> Value | None:
    value = group.get(column)
    return None if value is None else group.lookup(table, value.part(value.data.casefold().rstrip(".")))


# --- places and contacts -----------------------------------------------------------------------


def places(view: View, emitter: Emitter) -> None:
    """Locations of addresses and nationalities that name a country of ISO 3166-1."""
    for tree in _gathered(view, _location):
        emitter.relate(emitter.main, "located-at", emitter.add_shared("location", tree))
    for value in _all(view, "Nationality"):
        if (code := view.lookup("countries", value)) is not None:
            nation = emitter.add_shared("location", {"name": value, "country": code})
            emitter.relate(emitter.main, "national-of", nation)


def addresses(view: View) -> Tree:
    """Those that cannot be locations."""
    return _gathered(view, _elsewhere)


def _gathered(view: View, make: Callable[[View], Tree]) -> list[Tree]:
    return once(tree for group in view.groups("row") if (tree := make(group)) is not None)


def _location(group: View) -> Tree:
    code = _country(group)
    if code is None:
        return None
    found = [value for column in _ADDRESS if (value := group.get(column)) is not None]
    lines = [value for column in _LINES if (value := group.get(column)) is not None]
    return {
        "name": Value.joined(found, ", "),
        "country": code,
        "street_address": Value.joined(lines, ", "),
        "postal_code": group.get("Address Postal Code"),
    }


def _elsewhere(group: View) -> Tree:
    if _country(group) is not None:
        return None
    return {
        "lines": [value for column in _LINES if (value := group.get(column)) is not None],
        "postal_code": group.get("Address Postal Code"),
        "country": group.get("Address Country"),
    }


def _country(group: View) -> Value | None:
    """Of the country; where that is missing, of the last line that is the name of a country."""
    country = group.get("Address Country")
    if country is not None:
        return group.lookup("countries", country)
    lines = [line for column in reversed(_LINES) if (line := group.get(column)) is not None]
    codes = [line.derive(code) for line in lines if (code := country_codes().get(fold(line.data)))]
    return codes[0] if codes else None


def contacts(view: View) -> Tree:
    """Telephone numbers, mail addresses and sites."""
    return [{"kind": kind, "value": value} for kind, value in _contacts(view)]


def contact_information(view: View) -> Tree:
    """The same as one text."""
    return Value.joined([value for _, value in _contacts(view)], "; ")


def _contacts(view: View) -> list[tuple[str, Value]]:
    found = [(kind, value) for kind, column in _CONTACTS.items() for value in _all(view, column)]
    for _, value in found:
        if _NEGATIVE.fullmatch(value.data):
            view.warn(
                value,
                "is no telephone number: a spreadsheet took its beginning for a minus sign",
                "ask the issuer for the number; the text is kept",
            )
    return [(kind, value) for kind, value in found if not _NEGATIVE.fullmatch(value.data)]


# --- persons, entities, ships ------------------------------------------------------------------


def birth_dates(view: View) -> Tree:
    """As precise as the source."""
    return [birth_date(view, value) for value in _all(view, "D.O.B")]


def birth_places(view: View) -> Tree:
    """Towns and countries of birth, each pair once."""
    return _gathered(view, _birth_place)


def _birth_place(group: View) -> Tree:
    country = group.get("Country of birth")
    code = group.lookup("countries", country)
    return {"city": group.get("Town of birth"), "country": country, "country_code": code}


def nationalities(view: View) -> Tree:
    """Each once."""
    values = _all(view, "Nationality")
    return [{"text": value, "code": view.lookup("countries", value)} for value in values]


def documents(view: View) -> Tree:
    """Passports and national numbers; rows repeat them, so nothing can be counted."""
    kinds = {"Passport": "passport", "National Identifier": "national-id"}
    found = [_document(group, word, kind) for word, kind in kinds.items() for group in view.groups("row")]
    return [tree for tree, _ in distinct(tree for tree in found if tree is not None)]


def _document(group: View, word: str, kind: str) -> Tree:
    number, note = group.get(f"{word} number"), group.get(f"{word} additional information")
    return None if number is None and note is None else {"type": kind, "number": number, "note": note}


def features(view: View) -> Tree:
    """What the list says of entities and ships, by what it is."""
    return [
        {"type": kind, "value": value} for column, kind in _FEATURES.items() for value in _all(view, column)
    ]
