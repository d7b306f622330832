"""What elements of IODEF say, in XML and in JSON: texts, times, words, confidences, references."""

from __future__ import annotations

import re
from typing import Final

from taxii_hub.errors import BadValueError
from taxii_hub.mapping.cleaners import line, moment, prose
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.nested import Element
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

CORRECT: Final = "correct it at the source; the text is kept"
CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
_URL: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")


def text_of(element: Element | None) -> Value | None:
    """What the element says itself; in JSON a text with attributes is an object."""
    if element is None:
        return None
    return element.text if element.text is not None else element.said("value", "id")


def texts_of(element: Element, *names: str) -> list[Value]:
    """The texts of the children of these names, with their paragraphs."""
    found = (text_of(child) for child in element.all(*names))
    return [value.part(prose(value.data).data) for value in found if value is not None]


def line_of(value: Value | None) -> Value | None:
    return None if value is None else value.part(line(value.data).data)


def moment_of(element: Element, *names: str) -> Value | None:
    """The first of these times that can be read, as a STIX timestamp."""
    for name in names:
        for child in element.all(name):
            value = text_of(child)
            if value is not None:
                try:
                    return value.derive(moment(value.data).data)
                except BadValueError:
                    continue
    return None


def attribute(element: Element, name: str) -> Value | None:
    """An attribute; of ``ext-value`` what the team has put in its place."""
    value = element.said(name)
    if value is not None and value.data == "ext-value":
        return element.said(f"ext-{name}") or value
    return value


def both(element: Element, name: str) -> Value | None:
    """The attribute with what stands for ext-value, for both of which this is the place."""
    value, extra = attribute(element, name), element.said(name)
    if value is None or extra is None:
        return value
    return Value(value.data, value.leaves | extra.leaves)


def first_of(found: list[Element]) -> Value | None:
    return next((line_of(value) for element in found if (value := text_of(element)) is not None), None)


def confidence_of(view: View, element: Element) -> Value | None:
    for child in element.all("Confidence"):
        rating, number = child.said("rating"), child.text or child.said("value")
        if rating is None:
            continue
        if rating.data != "numeric":
            return view.lookup("confidences", rating)
        if (
            number is not None
            and re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", number.data)
            and float(number.data) <= 100
        ):
            return Value(round(float(number.data)), number.leaves | rating.leaves, derived=True)
        view.warn(number or rating, "is no confidence from 0 to 100", CORRECT)
    return None


def reference_of(view: View, element: Element) -> Tree:
    name = reference_name(element)
    said = Value.joined(texts_of(element, "Description"), "\n")
    link = link_of(view, "IODEF reference", first_of(element.all("URL")), said)
    if name is None:
        return link
    list_name = "cve" if CVE.fullmatch(str(name.data)) else "IODEF reference"
    return {**(link or {"description": said}), "source_name": list_name, "external_id": name}


def reference_name(element: Element) -> Value | None:
    return first_of(element.at("ReferenceName/ID")) or first_of(element.all("ReferenceName"))


def link_of(view: View, name: str, link: Value | None, said: Value | None) -> dict[str, Tree] | None:
    if link is None:
        return None
    if _URL.fullmatch(link.data) is None:
        view.warn(link, "is no address of a page", CORRECT)
        return None
    return {"source_name": name, "url": link, "description": said}


def happened(document: Element) -> Value | None:
    return moment_of(document, "StartTime", "DetectTime", "ReportTime", "GenerationTime")


def spelt_as(value: Value, text: str) -> Value:
    return value if text == value.data else value.derive(text)
