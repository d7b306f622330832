"""The Australian list's rows of one party: what they repeat is said once, what they list in one cell is
taken apart, dates are read where they are certain."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from taxii_hub.errors import RecordError
from taxii_hub.mapping import english_dates
from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.names import distinct, flags, once, script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_NAME = "Name of Individual or Entity"
_LETTER = re.compile(r"(?:^|(?<=[\s,;]))[a-z]\)\s*")
_BETWEEN = re.compile(r"\s*(?:;|>>)\s*")
_NOTE = re.compile(r"(.+?)[\s.]*(\(.*|\. For .*)")
_NUMBERS = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_DAY = r"[0-9]{1,2} [A-Z][a-z]+\.? [0-9]{4}"
_LISTED = re.compile(rf"[Ll]isted\b[^(]*?\bon:? ({_DAY}|[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}})")
_AMENDED = re.compile(r"\(amended\b([^)]*)")
_MEASURES = ("Targeted Financial Sanction", "Travel Ban", "Arms Embargo", "Maritime Restriction")


def key(view: View) -> Tree:
    """The number, and the primary name without what spellings differ in."""
    row = _primary(view)
    reference, name = row.get("Reference"), row.get(_NAME)
    if reference is None or name is None:
        raise RecordError("has no Reference or no name", "without them it has no id; add them")
    plain = unicodedata.normalize("NFKD", str(name.data).casefold())
    words = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split()
    found = re.match(r"[0-9]+", str(reference.data))
    return Value(
        f"{found[0] if found else reference.data}|{' '.join(sorted(words))}", reference.leaves | name.leaves
    )


def _primary(view: View) -> View:
    """The row with the primary name; the first one where none has it."""
    rows = view.groups("row")
    if not rows:
        raise RecordError("has no Reference", "without it, it has no id; add it")
    return next((row for row in rows if _starts(row)), rows[0])


def _starts(row: View) -> bool:
    kind = row.get("Name Type")
    return kind is not None and str(kind.data).casefold().startswith("primary")


def _lower(value: Value) -> Value:
    return value.part(str(value.data).casefold().replace(".", "").rstrip(";, "))


def name(view: View) -> Tree:
    """The primary name."""
    return _primary(view).get(_NAME)


def number(view: View) -> Tree:
    """The reference without letters."""
    value = _primary(view).get("Reference")
    found = None if value is None else re.match(r"[0-9]+", str(value.data))
    return value if value is None or found is None else value.part(found[0])


def _said(view: View, path: str) -> list[Value]:
    """What the rows say, each text once, the primary name's first."""
    first = _primary(view).get(path)
    found: list[Value] = once([*([first] if first is not None else []), *view.all(f"row/{path}")])
    return found


def identity_class(view: View) -> Tree:
    """Of the primary name's row; another word of another row is kept and a problem."""
    words = once(view.lookup("types", _lower(value)) for value in _said(view, "Type"))
    return words[0] if words else "unknown"


def is_person(view: View) -> bool:
    """Whether it is a natural person."""
    return bool(plain(identity_class(view)) == "individual")


def description(view: View) -> Tree:
    """The primary name's text."""
    texts = _texts(view)
    return texts[0] if texts else None


def remarks(view: View) -> Tree:
    """Other texts of other names."""
    return _texts(view)[1:]


def _texts(view: View) -> list[Value]:
    said = _said(view, "Additional Information")
    return once(value.part(str(value.data).replace("_x000D_", "").strip()) for value in said)


def committees(view: View) -> Tree:
    """Each one."""
    return _said(view, "Committees")


def instruments(view: View) -> Tree:
    """Each one."""
    return _said(view, "Instrument of Designation")


def measures(view: View) -> Tree:
    """Those that are imposed."""
    found = []
    for path in _MEASURES:
        answers = [view.lookup("answers", _lower(value)) for value in view.all(f"row/{path}")]
        found += [(path, answer) for answer, _ in distinct(a for a in answers if a is not None)]
    return flags(found)


def names(view: View) -> Tree:
    """Each row's name with what the row says of it alone."""
    return [_named(row) for row in view.groups("row") if row.get(_NAME) is not None]


def _named(row: View) -> Tree:
    full, kind, strength = row.get(_NAME), row.get("Name Type"), row.get("Alias Strength")
    word = row.lookup("name_kinds", _lower(kind)) if kind is not None else None
    return {
        "full": full,
        "kind": word or "alias",
        "strength": row.lookup("strengths", _lower(strength)) if strength is not None else None,
        "script": script(full) if full is not None else None,
        "source": {"key": row.get("Reference")},
    }


def aliases(view: View) -> Tree:
    """The other names that are not weak."""
    found = []
    for row in view.groups("row"):
        said, strength = row.get(_NAME), row.get("Alias Strength")
        weak = strength is not None and str(strength.data).casefold() == "weak"
        if said is not None and not _starts(row) and not weak:
            found.append(said)
    return once(found)


# --- lists in a cell -----------------------------------------------------------------------------


def _parts(value: Value) -> list[Value]:
    """What stands behind letters (``a) … b) …``), semicolons or double arrows."""
    pieces = [piece for part in _LETTER.split(str(value.data)) for piece in _BETWEEN.split(part)]
    return [value.part(piece.strip(" ,;")) for piece in pieces if piece.strip(" ,;.")]


def _pieces(view: View, path: str) -> list[Value]:
    return once(piece for value in _said(view, path) for piece in _parts(value))


def _alone(view: View, path: str, piece: Value) -> Tree:
    """Which other name's row says it, where the primary name's does not."""
    primary = _primary(view).get(path)
    if primary is not None and primary.leaves & piece.leaves:
        return None
    rows = (
        row for row in view.groups("row") if (own := row.get(path)) is not None and own.leaves & piece.leaves
    )
    row = next(rows, None)
    return None if row is None else {"key": row.get("Reference")}


def birth_dates(view: View) -> Tree:
    """Each date as precise as it is certain, always with the list's own words."""
    words = [
        piece.part(text)
        for piece in _pieces(view, "Date of Birth")
        for text in re.split(r"\s+or\s+", str(piece.data))
    ]
    return [_birth_date(view, value) for value in once(words)]


def _birth_date(view: View, words: Value) -> Tree:
    text = str(words.data)
    aside = _NOTE.fullmatch(text)
    span = _span(words, aside[1] if aside else text)
    if not span:
        view.warn(words, "has a date that is not certain", "its words are carried; look at the source")
    return {**span, "text": words, "source": _alone(view, "Date of Birth", words)}


def _span(words: Value, text: str) -> dict[str, Tree]:
    numbers = _NUMBERS.fullmatch(text)
    if numbers is not None:  # the day is first in Australia
        text = f"{numbers[3]}-{int(numbers[2]):02}-{int(numbers[1]):02}"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            day = date.fromisoformat(text).isoformat()
        except ValueError:
            return {}
        return {"from": words.derive(day), "to": words.derive(day), "precision": words.derive("day")}
    plain = re.sub(r"(?<=[a-z])\.", "", text.strip(" ,."))
    plain = re.sub(r"([0-9]{4}) ?- ?([0-9]{4})", r"\1 - \2", plain)
    plain = re.sub(r"^([0-9]{4}), ([0-9]{1,2} [A-Za-z]+)$", r"\2 \1", plain)
    return english_dates.span(words.part(plain))


def birth_places(view: View) -> Tree:
    """Each place in the list's words."""
    path = "Place of Birth"
    return [{"text": piece, "source": _alone(view, path, piece)} for piece in _pieces(view, path)]


def nationalities(view: View) -> Tree:
    """Each citizenship, with its code where it is one."""
    return [
        {
            "text": piece,
            "code": _citizen(view, piece),
            "status": "citizenship",
            "source": _alone(view, "Citizenship", piece),
        }
        for piece in _pieces(view, "Citizenship")
    ]


def _citizen(view: View, piece: Value) -> Value | None:
    aside = _NOTE.fullmatch(str(piece.data))
    word = _lower(piece.part(aside[1] if aside else piece.data))
    citizens = view.reading.spec.lookups["citizens"]
    return view.lookup("citizens" if str(word.data) in citizens else "countries", word)


def _country(piece: Value) -> str | None:
    """The code of the country that ends the address; an aside behind it may say when."""
    text = re.sub(r"\s*\([^)]*\)\s*$", "", str(piece.data)).rpartition(",")[2]
    return country_codes().get(fold(re.sub(r"^\s*the ", "", text, flags=re.IGNORECASE).strip(" .;")))


def addresses(view: View) -> Tree:
    """Those without a country that is known: no location can be made of them."""
    found = (piece for piece in _pieces(view, "Address") if _country(piece) is None)
    return [{"text": piece, "source": _alone(view, "Address", piece)} for piece in found]


def places(view: View, emitter: Emitter) -> None:
    """Locations of addresses and citizenships."""
    for piece in _pieces(view, "Address"):
        if (code := _country(piece)) is not None:
            made = emitter.add_shared("location", {"name": piece, "country": piece.derive(code)})
            emitter.relate(emitter.main, "located-at", made)
    for piece in _pieces(view, "Citizenship"):
        if (nation := _citizen(view, piece)) is not None:
            made = emitter.add_shared("location", {"name": nation, "country": nation})
            emitter.relate(emitter.main, "national-of", made)


# --- listing -------------------------------------------------------------------------------------


def features(view: View) -> Tree:
    """The number of a vessel."""
    return [{"type": "IMO number", "value": value} for value in _said(view, "IMO Number")]


def information(view: View) -> Tree:
    """How and when it was listed, and controlled, in the list's words."""
    return [
        {"key": path, "value": value}
        for path in ("Listing Information", "Control Date")
        for value in _said(view, path)
    ]


def listed_on(view: View) -> Tree:
    """The day of the listing, where the text gives it in full."""
    for value in _said(view, "Listing Information"):
        text = " ".join(str(value.data).split())
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return value
        found = _LISTED.search(text)
        day = _day(found[1]) if found is not None else None
        if day is not None:
            return value.derive(day)
    return None


def amended_on(view: View) -> Tree:
    """The days of amendments that the text gives in full."""
    days: dict[str, Value] = {}
    for value in _said(view, "Listing Information"):
        for amended in _AMENDED.findall(" ".join(str(value.data).split())):
            for text in re.findall(_DAY, amended):
                if (day := _day(text)) is not None:
                    days.setdefault(day, value.derive(day))
    return [days[day] for day in sorted(days)]


def _day(text: str) -> str | None:
    numbers = _NUMBERS.fullmatch(text)
    if numbers is None:
        words = re.sub(r"\b(Sept)\b", "Sep", text.replace(".", ""))
        return english_dates.partial(words)
    try:
        return date(int(numbers[3]), int(numbers[2]), int(numbers[1])).isoformat()
    except ValueError:
        return None
