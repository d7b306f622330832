"""What of the EU's CSV is easier to read as code than as a table: facts of the record that every row repeats, and
details that share a row."""

from __future__ import annotations

import re
from datetime import date

from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.names import once, script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_PARTS = {"first": "Naal_firstname", "middle": "Naal_middlename", "last": "Naal_lastname"}
_LOST = "?"
"""What stands for a letter that a spreadsheet could not save."""
_PARTIAL = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_DOCUMENT = re.compile(r"(?P<number>.*?)\s*\((?P<code>\w+)-(?P<kind>[^()]*)\)\s*(?P<rest>.*)")


# --- what every row repeats --------------------------------------------------------------------


def _said(view: View, path: str) -> Value | None:
    """The first value of a column that must say the same in every row; a row that says something else
    keeps it in residual, with a problem."""
    return next(iter(once(view.all(f"row/{path}"))), None)


def reference(view: View) -> Tree:
    """The list's own reference."""
    return _said(view, "EU_ref_num")


def source_record_key(view: View) -> Tree:
    """The key of the former database."""
    days = once(view.all("row/Date_file"))
    if len(days) > 1:
        view.warn(
            days[1], f"is not the day that other rows say ({days[0].data})", "do not join files of two days"
        )
    return _said(view, "Entity_logical_id")


def identity_class(view: View) -> Tree:
    """Of the subject type."""
    return view.lookup("classes", _said(view, "Subject_type"))


def is_person(view: View) -> bool:
    """Whether it is a natural person."""
    return bool(plain(identity_class(view)) == "individual")


def description(view: View) -> Tree:
    """The remarks about the record, each once."""
    return Value.joined(once(view.all("row/Entity_remark")), "\n")


def programmes(view: View) -> Tree:
    """Each once."""
    return once(view.all("row/Programme"))


def regulations(view: View) -> Tree:
    """The acts that list the party, each once; the file's own day belongs to none of them."""
    return once(_act(group, "Leba", "Programme") for group in view.groups("row"))


def is_actor(view: View) -> bool:
    """Whether a programme is about terrorism."""
    return actor_type(view) is not None


def actor_type(view: View) -> Tree:
    """The type that the first such programme gives."""
    found = [view.lookup("regimes", value) for value in view.all("row/Programme")]
    return next((word for word in found if word is not None), None)


# --- names -------------------------------------------------------------------------------------


def name(view: View) -> Tree:
    """The main name; where there is none the reference."""
    return _main(view) or _said(view, "EU_ref_num")


def names(view: View) -> Tree:
    """Each with what the file says of it."""
    main = _main(view)
    return [_name(group, full, main) for group, full in _names(view)]


def aliases(view: View) -> Tree:
    """Every other name of which no letters are lost; the file does not grade them."""
    main = _main(view)
    whole = [full for _, full in _names(view) if _LOST not in full.data]
    return once(full for full in whole if main is None or full.data != main.data)


def roles(view: View) -> Tree:
    """Functions, each once."""
    return once(view.all("row/Naal_function"))


def titles(view: View) -> Tree:
    """Each once."""
    return once(view.all("row/Naal_title"))


def gender(view: View) -> Tree:
    """The first that a name says."""
    return view.lookup("genders", view.get("row/Naal_gender"))


def _names(view: View) -> list[tuple[View, Value]]:
    found = []
    for group in view.groups("row"):
        full = group.get("Naal_wholename") or Value.joined(filter(None, map(group.get, _PARTS.values())), " ")
        if full is not None:
            found.append((group, full))
    return found


def _main(view: View) -> Value | None:
    found = [full for _, full in _names(view)]
    latin = [
        full
        for full in found
        if _LOST not in full.data and (code := script(full)) is not None and code.data == "Latn"
    ]
    return next(iter([*latin, *found]), None)


def _name(group: View, full: Value, main: Value | None) -> Tree:
    if _LOST in full.data:
        group.warn(full, "has question marks where letters were lost", "take the name from the XML edition")
    own = main is not None and main.leaves == full.leaves
    return {
        "full": full,
        "parts": [
            {"type": kind, "value": part} for kind, path in _PARTS.items() if (part := group.get(path))
        ],
        "kind": "primary" if own else "alias",
        "strength": "unknown",
        "script": script(full),
        "language": group.get("Naal_language"),
        "title": group.get("Naal_title"),
        "function": group.get("Naal_function"),
        "gender": group.lookup("genders", group.get("Naal_gender")),
        "source": _source(group, "Naal"),
    }


# --- details -----------------------------------------------------------------------------------


def birth_date(group: View) -> Tree:
    """As precise as the source; what is no date stays text, and a problem."""
    value, source = group.get("Birt_date"), _source(group, "Birt")
    if value is None:
        place = {"place": group.get("Birt_place"), "country": group.get("Birt_country")}
        return {"place": place, "source": source}
    if _PARTIAL.fullmatch(value.data) is None or not _exists(value.data):
        group.warn(value, "is no date like 1960-01-31", "correct it at the source; the text is kept")
        return {"text": value, "source": source}
    precision = {4: "year", 7: "month", 10: "day"}[len(value.data)]
    return {"from": value, "to": value, "precision": precision, "source": source}


def document(group: View) -> Tree:
    """Number, kind and remark out of their one text."""
    value = group.get("Iden_number")
    said = {"issuing_country": group.get("Iden_country"), "source": _source(group, "Iden")}
    found = _DOCUMENT.fullmatch(value.data) if value is not None else None
    if value is None or found is None:
        return {**said, "number": value}
    return {
        **said,
        "type": group.lookup("document_types", value.part(found["code"])),
        "detail": value.part(found["code"]),
        "type_text": value.part(found["kind"]),
        "number": value.part(found["number"]),
        "note": value.part(found["rest"]),
    }


def citizenship_source(group: View) -> Tree:
    """Of a citizenship."""
    return _source(group, "Citi")


def address_source(group: View) -> Tree:
    """Of an address."""
    return _source(group, "Addr")


def _source(group: View, prefix: str) -> Tree:
    return {
        "key": group.get(f"{prefix}_logical_id"),
        "regulation": _act(group, f"{prefix}_leba", f"{prefix}_programme"),
    }


def _act(group: View, prefix: str, programme: str) -> Tree:
    return {
        "title": group.get(f"{prefix}_numtitle"),
        "published_on": group.get(f"{prefix}_publication_date"),
        "url": group.get(f"{prefix}_url"),
        "programme": group.get(programme),
    }


def _exists(text: str) -> bool:
    try:
        date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True
