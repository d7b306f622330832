"""What of a notice is easier to read as code than as a table: its type, countries, dates, warrants, links."""

from __future__ import annotations

import re
from typing import Final

from taxii_hub.errors import BadValueError, RecordError
from taxii_hub.mapping.cleaners import partial_day
from taxii_hub.mapping.countries import country_names
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.names import script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_TYPE: Final = re.compile(r"/notices/v[0-9]+/([a-z]+)/")
_URL: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_NUMBER: Final = re.compile(r"[0-9]{1,3}(\.[0-9]+)?")
_PRECISION: Final = {4: "year", 7: "month", 10: "day"}
_UNITED_NATIONS: Final = "United Nations Security Council Consolidated List"
# What an entry of a list of notices does not have.
_DETAILS: Final = (
    "sex_id", "country_of_birth_id", "place_of_birth", "languages_spoken_ids", "height", "weight", "hairs_id",
    "eyes_colors_id", "distinguishing_marks", "arrest_warrants/issuing_country_id", "arrest_warrants/charge",
    "un_reference", "summary", "date_of_event", "place",
)  # fmt: skip
_PARENTS: Final = ("father_forename", "father_name", "mother_forename", "mother_name")


def notice_type_and_entity_id(view: View) -> Tree:
    """``red|2024/1``; an entry of a list is another record than the notice itself: ``red|2024/1|list``."""
    kind, number = _kind(view), view.get("entity_id")
    if kind is None or view.lookup("notices", kind) is None:
        raise RecordError(
            "is no red, yellow or United Nations notice by its own link (_links/self/href)",
            "get the notice again, with its link; other kinds are not for sharing here",
        )
    parts = [kind, *([number] if number is not None else [])]
    if number is None:
        return None
    joined = Value.joined(parts, "|")
    return joined if joined is None or _is_whole(view) else joined.derive(f"{joined.data}|list")


def _kind(view: View) -> Value | None:
    """The type of the notice, as its own link says it."""
    link = view.get("_links/self/href")
    found = _TYPE.search(link.data) if link is not None else None
    return link.derive(found[1]) if link is not None and found is not None else None


def _is_whole(view: View) -> bool:
    """A zero says nothing, and yet only a whole notice has it."""
    return any(view.all(path) for path in _DETAILS) or bool(view.reading.nothing)


def label(view: View) -> Tree:
    """What the notice is for, in a word."""
    return view.lookup("notices", _kind(view))


def description(view: View) -> Tree:
    """The summary, or the charges one after the other."""
    charges = view.all("arrest_warrants/charge")
    return view.get("summary") or Value.joined(charges, "\n")


def identity_class(view: View) -> Tree:
    """United Nations notices are about organisations too; those have nothing that only persons have."""
    kind = _kind(view)
    personal = [view.get(path) for path in ("forename", "date_of_birth", "sex_id")]
    if kind is not None and kind.data == "un" and not any(personal):
        return kind.derive("organization")
    return "individual"


def person_categories(view: View) -> Tree:
    """By the type of the notice, of a person."""
    if plain(identity_class(view)) != "individual":
        return []
    return [{"category": view.lookup("person_categories", _kind(view))}]


def names(view: View) -> Tree:
    """The name with its parts, and the name at birth."""
    given, family, maiden = (view.get(path) for path in ("forename", "name", "birth_name"))
    full = Value.joined([value for value in (given, family) if value is not None], " ")
    found: list[Tree] = []
    if full is not None:
        parts = [
            {"type": kind, "value": value} for kind, value in (("given", given), ("family", family)) if value
        ]
        found.append({"full": full, "parts": parts, "kind": "primary", "script": script(full)})
    if maiden is not None:
        found.append({"full": maiden, "kind": "maiden", "script": script(maiden)})
    return found


def birth_date(view: View) -> Tree:
    """As precise as the source; what is no date is carried as it stands."""
    text = view.get("date_of_birth")
    if text is None:
        return None
    day = _date(view, text)
    if day is None:
        return {"text": text}
    return {"from": day, "to": day, "precision": _PRECISION[len(day.data)]}


def _date(view: View, text: Value) -> Value | None:
    try:
        return text.part(partial_day(text.data.replace("/", "-")).data)
    except BadValueError:
        view.warn(text, "is no date like 1970/01/31 or 1970", "correct it at the source; the text is kept")
        return None


def _country(view: View, path: str) -> Value | None:
    """The code at the path where ISO 3166-1 has it."""
    code = view.get(path)
    if code is not None and code.data not in country_names():
        view.warn(code, "is no country code of ISO 3166-1", "correct it at the source", "unknown-value")
        return None
    return code


def birth_country(view: View) -> Tree:
    return _country(view, "country_of_birth_id")


def nationality(group: View) -> Tree:
    return {"text": group.get("."), "code": _country(group, ".")}


def is_country(group: View) -> bool:
    return _country(group, ".") is not None


def country_name(group: View) -> Tree:
    code = group.get(".")
    return None if code is None else code.derive(country_names()[code.data])


def united_nations_reference(view: View) -> Tree:
    reference = view.get("un_reference")
    return None if reference is None else {"list": _UNITED_NATIONS, "reference": reference}


def parents(view: View) -> Tree:
    """The names of a missing person's parents."""
    found = [(path, view.get(path)) for path in _PARENTS]
    return [{"key": path, "value": value} for path, value in found if value is not None]


def notice(view: View) -> Tree:
    """Why the person is sought."""
    happened = view.get("date_of_event")
    return {
        "kind": _kind(view),
        "summary": view.get("summary"),
        "warrants": [_warrant(group) for group in view.groups("arrest_warrants")],
        "event": {
            "date": _date(view, happened) if happened is not None else None,
            "place": {
                "text": view.get("place"),
                "country": view.get("country"),
                "country_code": _country(view, "country"),
            },
        },
    }


def _warrant(group: View) -> Tree:
    return {
        "issuing_country": group.get("issuing_country_id"),
        "issuing_country_code": _country(group, "issuing_country_id"),
        "charge": group.get("charge"),
        "charge_translation": group.get("charge_translation"),
    }


def physical(view: View) -> Tree:
    """Metres and kilograms; codes of colours as INTERPOL writes them."""
    return {
        "height": _measure(view, "height", "m"),
        "weight": _measure(view, "weight", "kg"),
        "hair": view.all("hairs_id"),
        "eyes": view.all("eyes_colors_id"),
        "marks": view.get("distinguishing_marks"),
    }


def _measure(view: View, path: str, unit: str) -> Tree:
    text = view.get(path)
    if text is None:
        return None
    if _NUMBER.fullmatch(text.data) is None:
        view.warn(text, f"is no number of {unit}", "correct it at the source; the text is kept")
        return {"text": text}
    number = text.part(float(text.data))
    return {"min": number, "max": number, "unit": unit}


def external_references(view: View) -> Tree:
    """The notice itself and its pictures; nothing is fetched."""
    pictures = [_url(view, f"_links/{name}/href") for name in ("images", "thumbnail")]
    own = {
        "source_name": "INTERPOL",
        "external_id": view.get("entity_id"),
        "url": _url(view, "_links/self/href"),
    }
    return [own, *({"source_name": "INTERPOL pictures", "url": url} for url in pictures if url is not None)]


def _url(view: View, path: str) -> Value | None:
    link = view.get(path)
    if link is not None and _URL.fullmatch(link.data) is None:
        view.warn(link, "is no address", "correct it at the source; the text is kept")
        return None
    return link


def wanted_by(view: View, emitter: Emitter) -> None:
    """From the person to the state of each warrant, with the charge."""
    for group in view.groups("arrest_warrants"):
        code = _country(group, "issuing_country_id")
        if code is not None:
            state = emitter.add_shared(
                "location", {"name": code.derive(country_names()[code.data]), "country": code}
            )
            charge = group.get("charge")
            emitter.relate(
                emitter.main, "wanted-by", state, {"description": charge} if charge is not None else None
            )


def linked_notices(view: View, emitter: Emitter) -> None:
    """Other notices that this one names: usually of accomplices or relatives."""
    for group in view.groups("_embedded/links"):
        kind, number = _kind(group) or group.get("color"), group.get("entity_id")
        if kind is None or number is None:
            continue
        key = kind.derive(f"{kind.data.lower()}|{number.data}")
        emitter.mention(
            emitter.main, "related-to", Value(key.data, key.leaves | number.leaves), _said(group, number)
        )


def _said(group: View, number: Value) -> Tree:
    """Whom the link is about, as it says."""
    called = [value for path in ("forename", "name") if (value := group.get(path)) is not None]
    reference = {
        "source_name": "INTERPOL",
        "external_id": number,
        "url": _url(group, "_links/self/href"),
        "description": group.get("color"),
    }
    return {"description": Value.joined(called, " "), "external_references": [reference]}


def same_person(view: View, emitter: Emitter) -> None:
    """From the entry of a list to the notice itself."""
    key = notice_type_and_entity_id(view)
    if key is not None and not _is_whole(view):
        emitter.mention(emitter.main, "alias-of-same-person", key.derive(key.data.removesuffix("|list")))
