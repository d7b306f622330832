"""What of a poster is easier to read as code than as a table: whom it is about, dates, measures, references."""

from __future__ import annotations

import re
from typing import Final

from taxii_hub.mapping.english_dates import partial
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.names import script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_ADULT: Final = 18
_MONTH_FIRST: Final = re.compile(r"([A-Za-z]+) ([0-9]{1,2}), ?([0-9]{4})")
_URL: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_NUMBER: Final = re.compile(r"[0-9]{1,12}(\.[0-9]+)?")
_YEARS: Final = re.compile(r"[0-9]{1,3}")
_LATEST: Final = {4: "-12-31", 7: "-31", 10: ""}
_PRECISION: Final = {4: "year", 7: "month", 10: "day"}
# In a request for information these words say that its person is a victim, or may be one.
_VICTIM: Final = re.compile(
    r"\b(victims?|deceased|dead|deaths?|died|killed|killings?|murder(s|ed)?|homicides?|body|remains|missing|"
    r"disappear(ed|ance)|kidnap(ped|ping)?|abduct(ed|ion)|last seen|child(ren)?|unidentified)\b",
    re.IGNORECASE,
)
_STORY: Final = (
    "title",
    "description",
    "details",
    "caution",
    "remarks",
    "reward_text",
    "additional_information",
)
_PERSONAL: Final = (
    "sex",
    "race",
    "race_raw",
    "hair",
    "hair_raw",
    "eyes",
    "eyes_raw",
    "dates_of_birth_used",
    "height_min",
)


# --- whom the poster is about --------------------------------------------------------------------


def is_victim(view: View) -> bool:
    """A victim by classification, or a request for information that tells of one."""
    said = view.lookup("person_classifications", view.get("person_classification"))
    if said is not None and said.data == "victim":
        return True
    texts = (view.get(path) for path in _STORY)
    return _is_about(view, "seeking") and any(
        text is not None and _VICTIM.search(text.data) for text in texts
    )


def is_missing(view: View) -> bool:
    poster = view.lookup("poster_classifications", view.get("poster_classification"))
    return _is_about(view, "missing") or (poster is not None and poster.data == "missing")


def is_minor(view: View) -> bool:
    """By age, or by a date of birth less than 18 years before the poster was changed (where it
    does not say when, nobody's age is known); where a child
    abduction says neither, nobody knows who is who."""
    ages = [int(found[0]) for path in _AGES for found in _YEARS.finditer(_text(view, path))]
    born = [day for text in view.all("dates_of_birth_used") if (day := _birth(text.data)) is not None]
    today = (_text(view, "modified") or _text(view, "publication"))[:10]
    if any(age < _ADULT for age in ages) or any(_comes_of_age(day) > today for day in born):
        return True
    return _is_about(view, "children") and not ages and not born


_AGES: Final = ("age_min", "age_max", "age_range")


def _text(view: View, path: str) -> str:
    value = view.get(path)
    return "" if value is None else str(value.data)


def _comes_of_age(born: str) -> str:
    """The day, month or year of the 18th birthday, as precise as the date of birth, late rather than early."""
    return f"{int(born[:4]) + _ADULT:04}{born[4:]}{_LATEST[len(born)]}"


def _is_about(view: View, what: str) -> bool:
    found = [view.lookup("subjects", subject) for subject in view.all("subjects")]
    return any(word is not None and word.data == what for word in found)


def _is_person(view: View) -> bool:
    """An event has nobody's looks."""
    return not _is_about(view, "seeking") or any(view.get(path) is not None for path in _PERSONAL)


def is_terrorist(view: View) -> bool:
    """By the programme that lists the person; what is asked about somebody does not make him one."""
    return _is_about(view, "terrorism") and not _is_about(view, "seeking")


def is_wanted(view: View) -> bool:
    """Not a request for information, and neither captured nor located since."""
    return not _is_about(view, "seeking") and view.get("status") is None


# --- properties ----------------------------------------------------------------------------------


def identity_class(view: View) -> Tree:
    return "individual" if _is_person(view) else "unknown"


def labels(view: View) -> Tree:
    """What became of the search, otherwise what it is."""
    status = view.get("status")
    if status is not None:
        return [status.part(status.data.lower())]
    return ["seeking-information" if _is_about(view, "seeking") else "wanted-person"]


def names(view: View) -> Tree:
    title = view.get("title")
    found: list[Tree] = []
    if title is not None and _is_person(view):
        found.append({"full": title, "kind": "primary", "script": script(title)})
    return found + [{"full": name, "kind": "alias", "script": script(name)} for name in aliases(view)]


def aliases(view: View) -> list[Value]:
    bare = [(alias, alias.data.strip("\"“”' ")) for alias in view.all("aliases")]
    return [alias.part(name or alias.data) for alias, name in bare]


def birth_date(group: View) -> Tree:
    """As precise as the source; the words beside it, for the comma of a month that nobody knows."""
    text = group.get(".")
    if text is None:
        return None
    day = _birth(text.data)
    if day is None:
        group.warn(text, "is no date like July 8, 1955", "correct it at the source; the text is kept")
        return {"text": text}
    made = text.derive(day)
    return {"from": made, "to": made, "precision": _PRECISION[len(day)], "text": text}


def _birth(text: str) -> str | None:
    found = _MONTH_FIRST.fullmatch(text.strip())
    return partial(f"{found[2]} {found[1]} {found[3]}" if found else text)


def remarks(view: View) -> Tree:
    """What the poster says beside its description."""
    told = [view.get(path) for path in ("caution", "details", "remarks", "additional_information")]
    return [text for text in told if text is not None][1 if told[0] or told[1] else 0 :]


def other_references(view: View) -> Tree:
    number = view.get("ncic")
    return None if number is None else [{"list": "National Crime Information Center", "reference": number}]


def person_categories(view: View) -> Tree:
    """Sought, but for who is asked about or was found: no poster says whether suspected or convicted."""
    if not _is_person(view):
        return []
    return [
        {"category": "sought" if is_wanted(view) else "unknown", "text": view.get("person_classification")}
    ]


def information(view: View) -> Tree:
    """What the poster is about, where that is nobody, its own class too."""
    paths: tuple[str, ...] = ("poster_classification", "suspects")
    if not _is_person(view):
        paths = ("person_classification", *paths)
    return [{"key": path, "value": value} for path in paths for value in view.all(path)]


def notice(view: View) -> Tree:
    return {
        "kind": "seeking-information" if _is_about(view, "seeking") else "wanted",
        "status": view.get("status"),
        "published": view.get("publication"),
        "updated": view.get("modified"),
        "charges": view.get("description"),
        "warning": view.get("warning_message"),
        "reward": {
            "text": view.get("reward_text"),
            "min": _number(view, "reward_min"),
            "max": _number(view, "reward_max"),
        },
        "offices": [*view.all("field_offices"), *view.all("legat_names")],
        "whereabouts": _whereabouts(view),
    }


def _whereabouts(view: View) -> list[Tree]:
    paths = ("locations", "possible_countries", "possible_states")
    found: list[Tree] = [{"key": path, "value": value} for path in paths for value in view.all(path)]
    for group in view.groups("coordinates"):
        parts = [group.get(name) for name in ("formatted", "lat", "lng")]
        spot = Value.joined([part for part in parts if part is not None], ", ")
        found.append({"key": "coordinates", "value": spot})
    return found


def physical(view: View) -> Tree:
    """Inches and pounds, as the source measures."""
    return {
        "height": _measure(view, "height", "in", None),
        "weight": _measure(view, "weight", "lb", view.get("weight")),
        "age": _measure(view, "age", "years", view.get("age_range")),
        "hair": _spelt(view, "hair"),
        "eyes": _spelt(view, "eyes"),
        "race": _spelt(view, "race"),
        "build": view.get("build"),
        "complexion": view.get("complexion"),
        "marks": view.get("scars_and_marks"),
    }


def _spelt(view: View, path: str) -> list[Value]:
    """The code and the words behind it; one of them where they say the same."""
    code, words = view.get(path), view.get(f"{path}_raw")
    if code is not None and words is not None and code.data.casefold() == words.data.casefold():
        return [Value(words.data, code.leaves | words.leaves)]
    return [value for value in (code, words) if value is not None]


def _measure(view: View, path: str, unit: str, text: Value | None) -> Tree:
    least, most = _number(view, f"{path}_min"), _number(view, f"{path}_max")
    if least is None and most is None and text is None:
        return None
    return {"min": least, "max": most, "unit": unit, "text": text}


def _number(view: View, path: str) -> Value | None:
    text = view.get(path)
    if text is None:
        return None
    if _NUMBER.fullmatch(text.data) is None:
        view.warn(text, "is no number", "correct it at the source; the text is kept")
        return None
    return text.part(float(text.data))


def external_references(view: View) -> Tree:
    """The poster, its pictures and its printable forms; nothing is fetched."""
    found: list[Tree] = [
        {"source_name": "FBI", "external_id": view.get("uid"), "url": _url(view, "url")},
        {"source_name": "FBI API", "url": _url(view, "@id")} if view.get("@id") is not None else None,
    ]
    for kind, url, said in (("pictures", "original", "caption"), ("files", "url", "name")):
        for group in view.groups("images" if kind == "pictures" else "files"):
            address, text = _url(group, url), group.get(said)
            if address is not None or text is not None:
                found.append({"source_name": f"FBI {kind}", "url": address, "description": text})
    return [reference for reference in found if reference is not None]


def _url(view: View, path: str) -> Value | None:
    link = view.get(path)
    if link is not None and _URL.fullmatch(link.data) is None:
        view.warn(link, "is no address", "correct it at the source; the text is kept")
        return None
    return link
