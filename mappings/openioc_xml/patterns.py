"""The logic of a document as STIX patterns, as far as they can say it."""

from __future__ import annotations

import re
from typing import Final

from taxii_hub.errors import BadValueError
from taxii_hub.mapping.cleaners import moment
from taxii_hub.mapping.logic import Group, Logic, Term, observed, terms
from taxii_hub.mapping.nested import Element, tree
from taxii_hub.mapping.observables import comparison, guessed, refanged
from taxii_hub.mapping.view import View
from taxii_hub.stix.patterns import problem_of

_NUMBERS: Final = frozenset({"file:size", "network-traffic:dst_port", "network-traffic:src_port"})
_MOMENTS: Final = ("time_date_stamp", ":ctime", ":mtime")
_COMPARED: Final = {"equal": "=", "not equal": "!=", "greater": ">", "less": "<", "matches": "MATCHES"}
_OPPOSITE: Final = {"equal": "not equal", "not equal": "equal", "like": "not like", "not like": "like"}
_LIKE: Final = {"like": "%{}%", "not like": "%{}%", "begins": "{}%", "ends": "%{}"}
_REGEX: Final = {"like": "{}", "not like": "{}", "begins": "^{}", "ends": "{}$"}
_WHOLE: Final = frozenset(
    {"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "MD5", "SHA-1", "SHA-256"}
)


def compiled(view: View) -> tuple[Logic | None, list[Element]]:
    """The logic as far as patterns can say it, and the items that they cannot."""
    left: list[Element] = []
    made = [logic for root in roots(view) if (logic := _logic(view, root, left)) is not None]
    whole = made[0] if len(made) == 1 else Group("OR", tuple(made)) if made else None
    if whole is not None and problem_of(observed(whole)) is not None:
        return None, [item for root in roots(view) for item in root.walk() if item.name == "IndicatorItem"]
    return whole, left


def _logic(view: View, element: Element, left: list[Element]) -> Logic | None:
    if element.name == "IndicatorItem":
        term = _term(view, element)
        if term is None:
            left.append(element)
        return term
    said = element.said("operator")
    operator = str(said.data).upper() if said is not None else "OR"
    if said is not None and operator not in {"AND", "OR"}:
        view.warn(said, "is neither AND nor OR", "correct the document; its items stand in no pattern")
        left += [item for item in element.walk() if item.name == "IndicatorItem"]
        return None
    missing: list[Element] = []
    parts = [_logic(view, child, missing) for child in element.all("Indicator", "IndicatorItem")]
    left += missing
    found = tuple(part for part in parts if part is not None)
    if not found or (operator == "AND" and missing):
        # Without one of its conditions the others would say more than the author meant.
        left += [item for part in found for item in items_of(part)]
        return None
    return found[0] if len(found) == 1 else Group(operator, found)


def items_of(logic: Logic) -> list[Element]:
    return [found.source for found in terms(logic)]


def _term(view: View, item: Element) -> Term | None:
    search = next((value for context in item.all("Context") if (value := context.said("search"))), None)
    content = next((child.text for child in item.all("Content") if child.text is not None), None)
    said = item.said("condition")
    if search is None or content is None or said is None:
        return None
    place, condition = view.lookup("terms", search), view.lookup("conditions", said)
    if place is None or condition is None:
        return None
    how = str(condition.data)
    negate = item.said("negate")
    if negate is not None and str(negate.data).casefold() in {"true", "1"}:
        if how not in _OPPOSITE:
            return None
        how = _OPPOSITE[how]
    text = _comparison(str(place.data), how, str(content.data))
    if text is None:
        return None
    return Term(text.partition(":")[0], text, item, _exact(text, how, str(content.data)))


def _comparison(place: str, how: str, text: str) -> str | None:
    if place == "ip":
        place = "ipv6-addr:value" if ":" in text else "ipv4-addr:value"
    if place == "path":
        folder, mark, name = text.rpartition("\\" if "\\" in text else "/")
        if how != "equal" or not mark or not name:
            return None
        return f"file:name = {_quoted(name)} AND file:parent_directory_ref.path = {_quoted(folder or mark)}"
    if place in _NUMBERS or place.endswith(_MOMENTS):
        literal = _literal(place, text)
        return (
            f"{place} {_COMPARED[how]} {literal}"
            if literal and how in _COMPARED and how != "matches"
            else None
        )
    if how in _COMPARED:
        if "hashes" in place and how in {"equal", "not equal"}:
            text = text.lower()
        return f"{place} {_COMPARED[how]} {_quoted(text)}"
    if re.search(r"[%_]", text):
        # LIKE has no way to say that these two mean themselves.
        return f"{place} {'NOT ' if how == 'not like' else ''}MATCHES {_quoted(_REGEX[how].format(re.escape(text)))}"
    return f"{place} {'NOT ' if how == 'not like' else ''}LIKE {_quoted(_LIKE[how].format(text))}"


def _literal(place: str, text: str) -> str | None:
    if place in _NUMBERS:
        return text if re.fullmatch(r"[0-9]{1,18}", text) else None
    try:
        return f"t'{moment(text).data}'"
    except BadValueError:
        return None


def _exact(text: str, how: str, content: str) -> str | None:
    """``contains`` of a whole value, as SIEMs take it."""
    found = guessed(refanged(content)) if how == "like" else None
    if found is None or found[0] not in _WHOLE:
        return None
    place = text.partition(" ")[0]
    if comparison(found).startswith(f"[{place} ") or found[0] == "ipv4-addr" == text.partition(":")[0]:
        return comparison(found)
    return None


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def roots(view: View) -> list[Element]:
    document = tree(view)
    return [*document.at("definition/Indicator"), *document.at("criteria/Indicator")]
