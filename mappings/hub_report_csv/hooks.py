"""What the rows of the hub's own template mean: references, lists in cells, grades, dates, places."""

from __future__ import annotations

import re

from taxii_hub.errors import BadValueError, RecordError
from taxii_hub.mapping import english_dates
from taxii_hub.mapping.cleaners import partial_day
from taxii_hub.mapping.countries import country_codes
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.names import script
from taxii_hub.mapping.observables import checked, comparison, refanged
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_LETTERS = {"person": "P", "organisation": "O", "sighting": "S", "indicator": "I"}
_PARTY = re.compile(r"[PO]-.+")
_PRECISION = {4: "year", 7: "month", 10: "day"}


def key(view: View) -> Tree:
    """``Agency|Reference``; the reference's letter says what the row is."""
    agency, reference = view.get("Agency"), view.get("Reference")
    if agency is None or reference is None:
        raise RecordError("has no Agency or no Reference", "without them it has no id; add them")
    if view.get("Reported on") is None:
        raise RecordError("has no Reported on that can be read", "write a day like 2026-01-31")
    letter = _LETTERS[view.kind]
    if re.fullmatch(rf"{letter}-.+", str(reference.data)) is None:
        view.refuse(
            reference, f"is no reference of a {view.kind}", f"write {letter}- and the agency's own number"
        )
    return Value.joined([agency, reference], "|")


def is_party(view: View) -> bool:
    """Persons and organisations."""
    return view.kind in {"person", "organisation"}


def is_sighting(view: View) -> bool:
    """Sightings, of whatever."""
    return view.kind == "sighting"


def is_indicator(view: View) -> bool:
    """Indicators."""
    return view.kind == "indicator"


def is_sighting_of_a_value(view: View) -> bool:
    """A sighting that names no party, but a value."""
    return view.kind == "sighting" and view.get("Seen") is None


def identity_class(view: View) -> Tree:
    """By what the row is."""
    record = view.get("Record")
    return None if record is None else record.derive(_CLASSES[view.kind])


_CLASSES = {"person": "individual", "organisation": "organization"}


def _folded(value: Value) -> Value:
    return value.part(str(value.data).casefold())


def _listed(value: Value | None) -> list[Value]:
    if value is None:
        return []
    texts = (text.strip() for text in str(value.data).split(";"))
    return [value.part(text) for text in dict.fromkeys(texts) if text]


# --- handling and grading ------------------------------------------------------------------------


def caveat(view: View) -> Tree:
    """The TLP word, with or without ``TLP:`` before it."""
    value = view.get("Caveat")
    if value is None:
        return None
    return view.lookup("caveats", value.part(re.sub(r"^TLP:|\s", "", str(value.data).upper())))


def handling(view: View) -> Tree:
    """What the scheme's handling code asks for at least."""
    return _graded(view, "handling", "Handling")


def confidence(view: View) -> Tree:
    """By the grade of the information."""
    return _graded(view, "confidences", "Information grade")


def source_words(view: View) -> Tree:
    """What the source's grade means."""
    return _graded(view, "sources", "Source grade")


def _graded(view: View, table: str, path: str) -> Tree:
    scheme, grade = view.get("Grading scheme"), view.get(path)
    if grade is None:
        return None
    if scheme is None:
        return view.lookup(table, grade)
    said = f"{str(scheme.data).casefold()} {str(grade.data).upper()}"
    return view.lookup(table, grade.part(said))


def details(view: View) -> Tree:
    """What has no property of its own."""
    paths: tuple[str, ...] = ("Reported on", "Handling conditions")
    if not is_party(view):
        paths += ("Category of person", "Basis")
    found = [(path.lower(), view.get(path)) for path in paths]
    if view.kind == "sighting":
        found.append(("record", view.get("Record")))
        if view.get("Seen") is not None:
            found.append(("name", view.get("Name")))
        if not has_place(view):
            found.append(("place", view.get("Place")))
            found.append(("country", view.get("Country")))
    elif view.kind == "indicator":
        found.append(("record", view.get("Record")))
    return [{"name": name, "value": value} for name, value in found if value is not None]


def related(view: View) -> Tree:
    """The keys of the parties that the row names."""
    return [found for value in _listed(view.get("Related to")) if (found := _party(view, value)) is not None]


def _party(view: View, reference: Value) -> Value | None:
    agency = view.get("Agency")
    if agency is None or _PARTY.fullmatch(str(reference.data)) is None:
        view.warn(
            reference,
            "is no reference of a person or organisation",
            "write P- or O- and the agency's own number",
        )
        return None
    joined = f"{agency.data}|{reference.data}"
    own = view.get("Reference")
    return None if own is not None and own.data == reference.data else reference.derive(joined)


# --- persons and organisations -------------------------------------------------------------------


def roles(view: View) -> Tree:
    """Each role."""
    return _listed(view.get("Role"))


def person_categories(view: View) -> Tree:
    """Each category; a word that the template does not know is another one."""
    found = []
    for value in _listed(view.get("Category of person")):
        word = view.lookup("person_categories", _folded(value))
        found.append({"category": "other" if word is None else word, "text": value})
    return found


def basis(view: View) -> Tree:
    """Fact or assessment."""
    value = view.get("Basis")
    if value is None:
        return None
    word = view.lookup("bases", _folded(value))
    return {"kind": "unknown" if word is None else word, "text": value}


def names(view: View) -> Tree:
    """The name, the one in its own script, the aliases."""
    kinds = (("Name", "primary"), ("Original script", "original-script"), ("Aliases", "alias"))
    return [
        {"full": name, "kind": kind, "script": script(name)}
        for path, kind in kinds
        for name in ([view.get(path)] if kind == "primary" else _listed(view.get(path)))
        if name is not None
    ]


def gender(view: View) -> Tree:
    """In the designation's words."""
    value = view.get("Gender")
    return None if value is None else view.lookup("genders", _folded(value))


def birth_dates(view: View) -> Tree:
    """As precise as they are written; one that cannot be read is carried in its own words."""
    found: list[Tree] = []
    for value in _listed(view.get("Date of birth")):
        span = _span(value)
        if not span:
            view.warn(value, "has a date that cannot be read", "write YYYY, YYYY-MM or YYYY-MM-DD")
        found.append({**span, "text": value})
    return found


def _span(value: Value) -> dict[str, Tree]:
    text = str(value.data)
    about = re.match(r"(?:circa|about|c\.)\s+", text, re.IGNORECASE)
    try:
        day = partial_day(text[about.end() :] if about else text).data
    except BadValueError:
        return english_dates.span(value)
    made = {"from": day, "to": day, "precision": _PRECISION[len(day)], "approximate": about is not None}
    return {name: value.derive(said) for name, said in made.items()}


def nationalities(view: View) -> Tree:
    """Each nationality with its code."""
    return [{"text": value, "code": _code(view, value)} for value in _listed(view.get("Nationality"))]


def _code(view: View, value: Value | None) -> Value | None:
    """The country's code, where the text is not one already."""
    if value is None or str(value.data) in set(country_codes().values()):
        return value
    return view.lookup("countries", value)


def country(view: View) -> Tree:
    """The code of the row's country."""
    return _code(view, view.get("Country"))


def documents(view: View) -> Tree:
    """The identity document, and an organisation's number in a register."""
    kind, issuer = view.get("Document type"), view.get("Issuing country")
    document = {
        "type": view.lookup("document_types", _folded(kind)) if kind is not None else None,
        "type_text": kind,
        "number": view.get("Document number"),
        "issuing_country": issuer,
        "issuing_country_code": _code(view, issuer),
    }
    number = view.get("Registration number")
    return [document, {"type": "registration-number", "number": number} if number is not None else None]


def addresses(view: View) -> Tree:
    """The address, where no location can be made of it: STIX wants a country that is known."""
    text, land = view.get("Address"), view.get("Country")
    if _code(view, land) is not None or (text is None and land is None):
        return []
    return [{"text": text, "country": land}]


def places(view: View, emitter: Emitter) -> None:
    """Locations of a party's address and nationalities."""
    if not is_party(view):
        return
    text, land = view.get("Address"), view.get("Country")
    if (code := _code(view, land)) is not None and land is not None:
        name = Value.joined([part for part in (text, land) if part is not None], ", ")
        made = emitter.add_shared("location", {"name": name, "country": code, "street_address": text})
        emitter.relate(emitter.main, "located-at", made)
    for nation in _listed(view.get("Nationality")):
        if (code := _code(view, nation)) is not None:
            made = emitter.add_shared("location", {"name": nation, "country": code})
            emitter.relate(emitter.main, "national-of", made)


# --- sightings and indicators --------------------------------------------------------------------


def sighting_of(view: View) -> Tree:
    """The party that was seen, or the indicator of the value that was."""
    seen = view.get("Seen")
    if seen is None:
        return view.own("indicator", "sighted")
    party = _party(view, seen)
    if party is None:
        view.refuse(seen, "is no reference of a person or organisation", "write P- or O- and the number")
    return view.refer(party)


def has_place(view: View) -> bool:
    """Whether a sighting has a place of which a location can be made."""
    return view.kind == "sighting" and country(view) is not None


def where_sighted(view: View) -> Tree:
    """The location of the sighting."""
    return [view.own("location", "place")] if has_place(view) else []


def last_seen(view: View) -> Tree:
    """Where it is not before the first time."""
    first, last = view.get("First seen"), view.get("Last seen")
    if first is not None and last is not None and last.data < first.data:
        view.warn(last, "lies before First seen", "correct it; the sighting has no last time")
        return None
    return last


def count(view: View) -> Tree:
    """A whole number."""
    value = view.get("Count")
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", str(value.data)) is None:
        view.warn(value, "is no number of times", "write a whole number; the text is kept")
        return None
    return value.part(int(value.data))


def pattern(view: View) -> Tree:
    """One comparison with the value."""
    kind, value = view.get("Type"), view.get("Value")
    if kind is None or value is None:
        raise RecordError("has no Type or no Value", "an indicator is made of both; add them")
    word = view.lookup("indicator_kinds", _folded(kind))
    if word is None:
        view.refuse(kind, "is no type of value that the template knows", "write one of the README's types")
    text = refanged(str(value.data))
    found = checked(str(word.data), text)
    if found is None:
        view.refuse(value, f"is no {kind.data}, as its Type says", "correct the value or its type")
    return Value(comparison(found), kind.leaves | value.leaves, derived=found[1] != value.data)


def indicator_words(view: View) -> Tree:
    """What it is, where the row does not describe it."""
    kind = view.get("Type")
    return None if kind is None else kind.derive(f"{kind.data} that an agency reports without more words.")


def valid_until(view: View) -> Tree:
    """Where it lies after the beginning."""
    until = view.get("Valid until")
    since = view.get("Valid from") or view.get("First seen") or view.get("Reported on")
    if until is not None and since is not None and until.data <= since.data:
        view.warn(until, "does not lie after the beginning", "correct it; the indicator has no end")
        return None
    return until


def indicator_types(view: View) -> Tree:
    """In STIX's spelling."""
    return [
        value.derive(re.sub(r"[\s_]+", "-", str(value.data).lower()))
        for value in _listed(view.get("Indicator types"))
    ]
