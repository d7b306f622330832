"""Values of indicator lists: refanged, recognised, checked, and written as one comparison."""

from __future__ import annotations

import re

from taxii_hub.errors import BadValueError, RecordError
from taxii_hub.mapping.cleaners import moment
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.observables import Observable, checked, comparison, guessed, refanged
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_NAMED = "give the row a Type that its value has, or correct the value"


def key(view: View) -> Tree:
    """Source, kind and value: what makes the row's ids. Refuses what is no observable."""
    value, (kind, text) = _observable(view)
    source = view.get("Source")
    said = f"{source.data}|{kind}:{text}" if source is not None else f"{kind}:{text}"
    return value.derive(said)


def pattern(view: View) -> Tree:
    """One comparison, the value in single quotes."""
    value, found = _observable(view)
    made, text = comparison(found), found[1]
    spelt = Value(made, value.leaves, derived=text != value.data)
    given = view.get("Type")
    return spelt if given is None else Value(made, value.leaves | given.leaves, spelt.derived)


def name(view: View) -> Tree:
    """The value itself, where the row has no name."""
    value, (_, text) = _observable(view)
    return value.part(text) if text == value.data else value.derive(text)


def description(view: View) -> Tree:
    """What kind of value it is, where the row says nothing about it."""
    value, (kind, _) = _observable(view)
    return value.derive(f"{kind} of an indicator list; the list says no more about it.")


def _observable(view: View) -> tuple[Value, Observable]:
    value, given = view.get("Value"), view.get("Type")
    if value is None:
        raise RecordError("has no Value", "add the value or remove the row")
    text = refanged(str(value.data))
    if given is None:
        found = guessed(text)
        if found is None:
            view.refuse(value, "is nothing that an indicator can be made of", _NAMED)
        return value, found
    word = view.lookup("types", given.part(re.sub(r"[^a-z0-9]", "", str(given.data).casefold())))
    if word is None:
        view.refuse(given, "is no type of observable that the hub knows", _NAMED)
    found = checked(str(word.data), text)
    if found is None:
        view.refuse(value, f"is no {word.data}, as its Type says", _NAMED)
    return value, found


def valid_from(view: View) -> Tree:
    """When the row says so, otherwise the edition: an indicator must say from when it is one."""
    return _moment(view, "Valid from") or view.edition


def valid_until(view: View) -> Tree:
    """The end, where it lies after the beginning."""
    until, since = _moment(view, "Valid until"), _moment(view, "Valid from")
    if until is None:
        return None
    if until.data <= (since.data if since is not None else view.edition):
        view.warn(until, "does not lie after the beginning", "correct the row; the indicator has no end")
        return None
    return until


def _moment(view: View, path: str) -> Value | None:
    value = view.get(path)
    if value is None:
        return None
    try:
        return value.derive(moment(re.sub(r"(?<=\d) (?=\d\d:\d\d:\d\d)", "T", str(value.data))).data)
    except BadValueError as error:
        view.warn(value, str(error), error.remedy, error.code)
        return None


def labels(view: View) -> Tree:
    """Every label, once."""
    value = view.get("Labels")
    return [] if value is None else [value.part(text) for text in _listed(value)]


def indicator_types(view: View) -> Tree:
    """In STIX's spelling."""
    value = view.get("Indicator types")
    if value is None:
        return []
    words = dict.fromkeys(re.sub(r"[\s_]+", "-", text.lower()) for text in _listed(value))
    return [value.part(word) if word in value.data else value.derive(word) for word in words]


def _listed(value: Value) -> list[str]:
    parts = (part.strip() for part in re.split(r"[,;|]", str(value.data)))
    return list(dict.fromkeys(part for part in parts if part))


def confidence(view: View) -> Tree:
    """0 to 100, or a word of STIX 2.1, appendix A."""
    value = view.get("Confidence")
    if value is None:
        return None
    text = str(value.data).casefold().removesuffix("%").strip()
    if not re.fullmatch(r"[0-9]+(?:\.0+)?", text):
        return view.lookup("confidences", value.derive(text))
    number = int(text.split(".")[0])
    if number > 100:
        view.warn(value, "is no confidence from 0 to 100", "correct it at the source; the text is kept")
        return None
    return value.derive(number)


def references(view: View) -> Tree:
    """A link, or the number of a report."""
    value, source = view.get("Reference"), view.get("Source")
    if value is None:
        return []
    link = re.match(r"https?://", str(value.data)) is not None
    return [{"source_name": source or "indicator list", "url" if link else "external_id": value}]


def details(view: View) -> Tree:
    """What STIX has no property for."""
    found = [("threat", view.get("Threat")), ("last seen", view.get("Last seen"))]
    return [{"name": said, "value": value} for said, value in found if value is not None]


def tlp(view: View) -> Tree:
    """The row's TLP, with or without the letters before it."""
    value = view.get("TLP")
    if value is None:
        return None
    word = str(value.data).casefold().replace(" ", "").removeprefix("tlp:")
    return view.lookup("tlp", value.part(word))
