"""What of the UK list is easier to read as code than as a table: names, dates with unknown parts, repetitions."""

from __future__ import annotations

import re

from taxii_hub.mapping.births import birth_date
from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.names import distinct, flags, once, script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_PERSON = "IndividualDetails/Individual"
_FLAGS = "SanctionsImposedIndicators"
_NAME_PARTS = tuple(f"Name{number}" for number in range(1, 7))
_ADDRESS_LINES = tuple(f"AddressLine{number}" for number in range(1, 7))
_CONTACTS = {
    "phone": "PhoneNumbers/PhoneNumber",
    "email": "EmailAddresses/EmailAddress",
    "website": "Websites/Website",
}
_OTHER_LISTS = {
    "UNReferenceNumber": "United Nations Security Council Consolidated List",
    "OFSIGroupID": "OFSI Consolidated List of Financial Sanctions Targets (group id)",
}
_NEGATIVE = re.compile(r"-[0-9]+")
_UN_REFERENCE = re.compile(r"\b[A-Z]{2}[ie]\.[0-9]{3}\b")


# --- names -------------------------------------------------------------------------------------


def name(view: View) -> Tree:
    """The primary name; where there is none the first that there is, else the reference."""
    found = [
        (_kind(group), full) for group in view.groups("Names/Name") if (full := _full(group)) is not None
    ]
    primary = [full for kind, full in found if kind is not None and kind.data == "primary"]
    others = [full for _, full in found] + view.all("NonLatinNames/NonLatinName/NameNonLatinScript")
    return next(iter([*primary, *others]), None) or view.get("UniqueID")


def names(view: View) -> Tree:
    """Every name as the list grades it, then those in other scripts."""
    latin = [_name(group) for group in view.groups("Names/Name") if _full(group) is not None]
    return once([*latin, *map(_foreign, view.groups("NonLatinNames/NonLatinName"))])


def aliases(view: View) -> Tree:
    """Names that identify beside the primary one: not those of low quality."""
    found = []
    for group in view.groups("Names/Name"):
        kind, strength, full = _kind(group), _strength(group), _full(group)
        weak = strength is not None and strength.data == "weak"
        if full is not None and not weak and (kind is None or kind.data != "primary"):
            found.append(full)
    return once(found)


def _name(group: View) -> Tree:
    parts = [
        {"type": part.lower(), "value": value}
        for part in _NAME_PARTS
        if (value := group.get(part)) is not None
    ]
    full = _full(group)
    return {
        "full": full,
        "parts": parts if len(parts) > 1 else None,
        "kind": _kind(group) or "alias",
        "strength": _strength(group),
        "script": script(full) if full is not None else None,
    }


def _foreign(group: View) -> Tree:
    full = group.get("NameNonLatinScript")
    if full is None:
        return None
    return {
        "full": full,
        "kind": "original-script",
        "script": script(full),
        "script_text": group.get("NonLatinScriptType"),
        "language": group.get("NonLatinScriptLanguage"),
    }


def _full(group: View) -> Value | None:
    return Value.joined(filter(None, map(group.get, _NAME_PARTS)), " ")


def _kind(group: View) -> Value | None:
    return _folded(group, "name_kinds", "NameType")


def _strength(group: View) -> Value | None:
    return _folded(group, "alias_strengths", "AliasStrength")


def _folded(group: View, table: str, path: str) -> Value | None:
    value = group.get(path)
    return None if value is None else group.lookup(table, value.part(value.data.casefold().rstrip(".")))


# --- what is imposed ---------------------------------------------------------------------------


def is_actor(view: View) -> bool:
    """A person or organisation under a regime that is about terrorism or cyber activity."""
    kind = view.lookup("kinds", view.get("IndividualEntityShip"))
    regime = view.lookup("regimes", view.get("RegimeName"))
    return regime is not None and (kind is None or kind.data != "system")


def measures(view: View) -> Tree:
    """The text list, which is the truth: some measures have no flag."""
    text = view.get("SanctionsImposed")
    return [] if text is None else [text.part(part.strip()) for part in text.data.split("|") if part.strip()]


def measures_flagged(view: View) -> Tree:
    """The flags that are set (``none`` where none is); a flag that the text does not say is a problem."""
    text = view.get("SanctionsImposed")
    said = {_letters(part) for part in text.data.split("|")} if text is not None else set()
    found: list[tuple[str, Value]] = []
    for path, value in [(flag, value) for flag in _flags(view) for value in view.all(flag)]:
        flag, word = path.removeprefix(f"{_FLAGS}/"), value.data.casefold()
        if word not in {"true", "false"}:
            view.warn(value, "is neither true nor false", "correct it at the source; the text is kept")
            continue
        found.append((flag, value.part(word == "true")))
        if word == "true" and _letters(flag) not in said:
            view.warn(value, "is a measure that SanctionsImposed does not name", "ask the issuer which holds")
    return flags(found)


def _flags(view: View) -> list[str]:
    return [path for path in view.reading.spec.fields if path.startswith(f"{_FLAGS}/")]


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.casefold())


def other_references(view: View) -> Tree:
    """Of the same party in other lists."""
    return [
        {"list": title, "reference": value}
        for path, title in _OTHER_LISTS.items()
        for value in view.all(path)
    ]


def un_references(view: View) -> Tree:
    """Records of the UN list that the other information names, each once, without the party's own."""
    text, own = view.get("OtherInformation"), view.get("UNReferenceNumber")
    if text is None:
        return []
    found = dict.fromkeys(_UN_REFERENCE.findall(text.data))
    return [text.derive(key) for key in found if own is None or key != own.data]


# --- places and contacts -----------------------------------------------------------------------


def has_country(group: View) -> bool:
    """Whether an address can be a STIX location, which needs a country."""
    return country_code(group) is not None


def country_code(group: View) -> Value | None:
    """Of the country; where that is missing, of the last line that is the name of a country."""
    country = group.get("AddressCountry")
    if country is not None:
        return group.lookup("countries", country)
    lines = [line for path in reversed(_ADDRESS_LINES) if (line := group.get(path)) is not None]
    codes = [line.derive(code) for line in lines if (code := country_codes().get(fold(line.data)))]
    return codes[0] if codes else None


def addresses(view: View) -> Tree:
    """Those that cannot be locations."""
    groups = [group for group in view.groups("Addresses/Address") if not has_country(group)]
    return once(map(_address, groups))


def _address(group: View) -> Tree:
    return {
        "lines": [line for path in _ADDRESS_LINES if (line := group.get(path)) is not None],
        "postal_code": group.get("AddressPostalCode"),
        "country": group.get("AddressCountry"),
    }


def contacts(view: View) -> Tree:
    """Telephone numbers, mail addresses and sites, each once."""
    return once({"kind": kind, "value": value} for kind, value in _contacts(view))


def contact_information(view: View) -> Tree:
    """The same as one text."""
    values = once(value for _, value in _contacts(view))
    return Value.joined(values, "; ")


def _contacts(view: View) -> list[tuple[str, Value]]:
    found = []
    for kind, path in _CONTACTS.items():
        for value in view.all(path):
            if kind == "phone" and _NEGATIVE.fullmatch(value.data):
                view.warn(
                    value,
                    "is no telephone number: a spreadsheet took its beginning for a minus sign",
                    "ask the issuer for the number; the text is kept",
                )
            else:
                found.append((kind, value))
    return found


# --- persons -----------------------------------------------------------------------------------


def birth_dates(view: View) -> Tree:
    """As precise as the source: dd, mm, 00 and yy stand for what is not known."""
    return once(birth_date(view, value) for value in view.all(f"{_PERSON}/DOBs/DOB"))


def birth_places(view: View) -> Tree:
    """Towns and countries of birth, each pair once."""
    return once(map(_birth_place, view.groups(f"{_PERSON}/BirthDetails/Location")))


def _birth_place(group: View) -> Tree:
    country = group.get("CountryOfBirth")
    return {
        "city": group.get("TownOfBirth"),
        "country": country,
        "country_code": group.lookup("countries", country),
    }


def nationalities(view: View) -> Tree:
    """Each once."""
    values = view.all(f"{_PERSON}/Nationalities/Nationality")
    return once({"text": value, "code": view.lookup("countries", value)} for value in values)


def documents(view: View) -> Tree:
    """Passports and national numbers; the export repeats them, once for each date of birth."""
    found = [
        *_documents(view, "Passport", "passport"),
        *_documents(view, "NationalIdentifier", "national-id"),
    ]
    return [{**tree, "repeated": _times(tree, count)} for tree, count in distinct(found)]


def _documents(view: View, element: str, kind: str) -> list[Tree]:
    return [
        {
            "type": kind,
            "number": group.get(f"{element}Number"),
            "note": group.get(f"{element}AdditionalInformation"),
        }
        for group in view.groups(f"{_PERSON}/{element}Details/{element}")
    ]


def _times(tree: Tree, count: int) -> Value | None:
    value = tree["number"] or tree["note"]
    return value.derive(count) if count > 1 and value is not None else None


def roles(view: View) -> Tree:
    """Positions, each once."""
    return once(view.all(f"{_PERSON}/Positions/Position"))


# --- entities and ships ------------------------------------------------------------------------

_FEATURES = {
    "EntityDetails/Entity/TypeOfEntities/TypeOfEntity": "Type of entity",
    "EntityDetails/Entity/BusinessRegistrationNumbers/BusinessRegistrationNumber": "Business registration number",
    "EntityDetails/Entity/ParentCompanies/ParentCompany": "Parent company",
    "EntityDetails/Entity/Subsidiaries/Subsidiary": "Subsidiary",
    "ShipDetails/Ship/IMONumbers/IMONumber": "IMO number",
    "ShipDetails/Ship/CurrentOwnerOperators/CurrentOwnerOperator": "Current owner or operator",
    "ShipDetails/Ship/PreviousOwnerOperators/PreviousOwnerOperator": "Previous owner or operator",
    "ShipDetails/Ship/CurrentBelievedFlagOfShips/CurrentBelievedFlagOfShip": "Current believed flag",
    "ShipDetails/Ship/PreviousFlags/PreviousFlag": "Previous flag",
    "ShipDetails/Ship/TypeOfShipDetails/TypeOfShip": "Type of ship",
    "ShipDetails/Ship/TonnageOfShipDetails/TonnageOfShip": "Tonnage",
    "ShipDetails/Ship/LengthOfShipDetails/LengthOfShip": "Length",
    "ShipDetails/Ship/YearsBuilt/YearBuilt": "Year built",
    "ShipDetails/Ship/HullIdentificationNumbers/HullIdentificationNumber": "Hull identification number",
}


def features(view: View) -> Tree:
    """What the list says of entities and ships, by what it is; each once."""
    found = ({"type": kind, "value": value} for path, kind in _FEATURES.items() for value in view.all(path))
    return once(found)
