"""What of the EU file is easier to read as code than as a table: which name is the main one and how good the
others are, dates in several calendars, countries with codes of their own."""

from __future__ import annotations

import re
from datetime import date

from taxii_hub.mapping.countries import country_codes
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.names import flags, once, script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_PARTS = {"first": "@firstName", "middle": "@middleName", "last": "@lastName"}
# Remarks grade names, misspelt in many ways, where the attribute calls every name strong.
_LOW = re.compile(r"\b(?:lo|low|weak)\s+(?:quality|alias|aka)", re.IGNORECASE)
_UN_REFERENCE = re.compile(r"[A-Z]{2}[ie]\.[0-9]{3}")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_ACT = {
    "title": "@numberTitle",
    "type": "@regulationType",
    "published_on": "@publicationDate",
    "url": "@publicationUrl",
}
_STATES = {
    "@diplomatic": "diplomatic",
    "@knownExpired": "expired",
    "@knownFalse": "false",
    "@reportedLost": "lost",
    "@revokedByIssuer": "revoked",
}


# --- the record --------------------------------------------------------------------------------


def status(view: View) -> Tree:
    """A record with a date of delisting leaves the list; all others are on it."""
    delisted = view.get("@delistingDate")
    return "listed" if delisted is None else delisted.derive("delisted")


def description(view: View) -> Tree:
    """The remarks about the whole record."""
    return Value.joined(view.all("remark"), "\n")


def roles(view: View) -> Tree:
    """Functions, which the file ties to names; each once."""
    return once(view.all("nameAlias/@function"))


def titles(view: View) -> Tree:
    """Titles, which the file ties to names; each once."""
    return once(view.all("nameAlias/@title"))


def contact_information(view: View) -> Tree:
    """What the addresses say of how to reach the party."""
    return Value.joined(once(view.all("address/contactInfo/@value")), "; ")


def un_reference(view: View) -> Tree:
    """The reference of the UN list, where it is one as that list writes it today."""
    value = view.get("@unitedNationId")
    return value if value is not None and _UN_REFERENCE.fullmatch(value.data) else None


def references(view: View) -> Tree:
    """The list's own reference, and the acts with an address."""
    own = view.get("@euReferenceNumber") or view.get("@logicalId")
    acts = [(group.get("@numberTitle"), group.get("publicationUrl")) for group in view.groups("regulation")]
    return [
        {"source_name": "EU consolidated list of financial sanctions", "external_id": own},
        *once(
            {"source_name": title, "url": url}
            for title, url in acts
            if title is not None and url is not None and _URL.fullmatch(url.data)
        ),
    ]


# --- names -------------------------------------------------------------------------------------


def name(view: View) -> Tree:
    """The main name; where no name can be read the reference."""
    return _main(view) or view.get("@euReferenceNumber") or view.get("@logicalId")


def aliases(view: View) -> Tree:
    """Names that identify beside the main one: not those of low quality."""
    main = _main(view)
    found = [(full(group), strength(group)) for group in view.groups("nameAlias")]
    good = [value for value, grade in found if value is not None and (grade is None or grade.data != "weak")]
    return once(value for value in good if main is None or value.data != main.data)


def _main(view: View) -> Value | None:
    """The first strong name in Latin letters, else the first strong one, else the first."""
    found = [(value, group) for group in view.groups("nameAlias") if (value := full(group)) is not None]
    strong = [
        value for value, group in found if (grade := strength(group)) is not None and grade.data == "strong"
    ]
    latin = [value for value in strong if (code := script(value)) is not None and code.data == "Latn"]
    return next(iter([*latin, *strong, *(value for value, _ in found)]), None)


def has_name(group: View) -> bool:
    """Whether the element says any name."""
    return full(group) is not None


def full(group: View) -> Value | None:
    """The whole name; where it is missing, its parts."""
    return group.get("@wholeName") or Value.joined(filter(None, map(group.get, _PARTS.values())), " ")


def parts(group: View) -> Tree:
    """First, middle and last name."""
    return [
        {"type": kind, "value": value}
        for kind, path in _PARTS.items()
        if (value := group.get(path)) is not None
    ]


def kind(group: View) -> Tree:
    """``primary`` for the main name, ``alias`` for every other."""
    own, main = full(group), _main(View(group.reading))
    return "primary" if own is not None and main is not None and own.leaves == main.leaves else "alias"


def strength(group: View) -> Value | None:
    """What the remarks say; where they say nothing, what the attribute says."""
    remarks = [remark for remark in group.all("remark") if _LOW.search(remark.data)]
    strong = group.lookup("booleans", group.get("@strong"))
    if remarks:
        said = remarks if strong is None else [*remarks, strong]
        return Value("weak", frozenset().union(*(value.leaves for value in said)), derived=True)
    return None if strong is None else strong.derive("strong" if strong.data else "weak")


def name_script(group: View) -> Tree:
    """ISO 15924 code, detected."""
    value = full(group)
    return None if value is None else script(value)


# --- countries ---------------------------------------------------------------------------------


def code(group: View) -> Value | None:
    """ISO 3166-1 code; the file also has codes of its own, such as 00 for unknown."""
    value = group.get("@countryIso2Code")
    if value is None or value.data in country_codes().values():
        return value
    return group.lookup("other_codes", value)


def has_code(group: View) -> bool:
    """Whether the element names a country of ISO 3166-1."""
    return code(group) is not None


def country(group: View) -> Tree:
    """The country's name; with a code that is none of ISO 3166-1 the name stands for both."""
    said, value = group.get("@countryDescription"), group.get("@countryIso2Code")
    if said is None or value is None or code(group) is not None:
        return said or value
    return Value(said.data, said.leaves | value.leaves)


# --- dates of birth ----------------------------------------------------------------------------


def birth_date(group: View) -> Tree:
    """As precise as the source and in the source's calendar, with what the file says about this detail."""
    said = _birth(group)
    return {**said, "source": source(group)}


def source(group: View) -> Tree:
    """What the file says of one detail: its key, the act that gave it, remarks."""
    act = {word: group.get(f"regulationSummary/{path}") for word, path in _ACT.items()}
    pairs = [
        {"key": pair.get("@key"), "value": pair.get("@value")}
        for pair in group.groups("additionalInformation")
    ]
    return {
        "key": group.get("@logicalId"),
        "language": group.get("@regulationLanguage"),
        "regulation": act,
        "remarks": group.all("remark"),
        "information": pairs,
    }


def _birth(group: View) -> dict[str, Tree]:
    calendar = group.lookup("calendars", group.get("@calendarType"))
    said = {"approximate": group.lookup("booleans", group.get("@circa")), "calendar": calendar}
    first, last = group.get("@yearRangeFrom"), group.get("@yearRangeTo")
    day, written = group.get("@birthdate"), _written(group)
    if (calendar is None and group.get("@calendarType")) or (calendar and calendar.data != "gregorian"):
        found = [value for value in (day, written, first, last) if value is not None]
        return {**said, "text": Value.joined(found, "; ")}
    if day is not None and written is not None:
        if not day.data.startswith(written.data):
            group.warn(
                day, f"is not what its parts say ({written.data})", "correct it at the source; both are kept"
            )
            return {**said, **_span(day), "text": written}
        day = Value(day.data, day.leaves | written.leaves)
    if (known := day or written) is not None and re.match(r"[0-9]{4}", known.data):
        return {**said, **_span(known), "text": Value.joined(filter(None, (first, last)), "; ")}
    if first is not None or last is not None:
        return {**said, "from": first, "to": last, "precision": "range", "text": known}
    return {**said, "text": known}


def _span(value: Value) -> dict[str, Tree]:
    return {"from": value, "to": value, "precision": {4: "year", 7: "month", 10: "day"}[len(value.data)]}


def _written(group: View) -> Value | None:
    """The parts as ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; as ``--MM-DD`` where no year is known."""
    year, month, day = (group.get(path) for path in ("@year", "@monthOfYear", "@dayOfMonth"))
    found = [value.part(value.data.zfill(2)) for value in (year, month, day) if value is not None]
    joined = Value.joined(found, "-")
    if joined is None:
        return None
    if year is None or (month is None and day is not None):
        return joined.part(f"--{joined.data}")
    try:
        date.fromisoformat(f"{joined.data}-01-01"[:10])
    except ValueError:
        group.warn(
            joined, f"gives no day of the calendar ({joined.data})", "correct it at the source; it is kept"
        )
        return joined.part(f"--{joined.data}")
    return joined


# --- documents ---------------------------------------------------------------------------------


def document_flags(group: View) -> Tree:
    """What the file says of the document's state: the flags that are set, ``none`` where none is."""
    found = [(word, group.lookup("booleans", group.get(path))) for path, word in _STATES.items()]
    return flags((word, value) for word, value in found if value is not None)
