"""Incidents as teams report them: what happened, who is to be asked, what to look for, and who may know."""

from __future__ import annotations

from typing import Final

from taxii_hub.errors import RecordError
from taxii_hub.mapping.cleaners import prose
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.nested import Element, tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View
from taxii_hub.stix import canonical_json

from .elements import (
    CVE,
    attribute,
    both,
    confidence_of,
    first_of,
    line_of,
    link_of,
    reference_name,
    reference_of,
    text_of,
    texts_of,
)
from .events import events
from .indicators import indicators

# Functions of mapping.yaml that stand in other files.
__all__ = ["events", "indicators"]

_TIMES: Final = ("DetectTime", "StartTime", "EndTime", "RecoveryTime", "ReportTime", "GenerationTime")
_LADDER: Final = ("clear", "green", "amber", "amber+strict", "red")


def key(view: View) -> Tree:
    """Team and number."""
    value = reference(view)
    team = _team(tree(view).all("IncidentID"))
    if value is None or team is None:
        raise RecordError(
            "has no IncidentID with the name of its team", "without them it has no id; add them"
        )
    return Value.joined([team, value], "|")


def _team(numbers: list[Element]) -> Value | None:
    return line_of(numbers[0].said("name")) if numbers else None


def reference(view: View) -> Tree:
    """The team's number of the incident."""
    numbers = tree(view).all("IncidentID")
    if not numbers or (value := line_of(text_of(numbers[0]))) is None:
        return None
    instance = line_of(numbers[0].said("instance"))
    return value if instance is None else Value.joined([value, instance], " ")


def incident_name(view: View) -> Tree:
    """Team and number: IODEF has no titles."""
    found = [_team(tree(view).all("IncidentID")), reference(view)]
    return Value.joined([value for value in found if value is not None], " ")


def _restrictions(view: View) -> list[Value]:
    found = [both(element, "restriction") for element in tree(view).walk()]
    return [value.part(str(value.data).casefold()) for value in found if value is not None]


def caveat(view: View) -> Tree:
    """The strictest word anywhere in the incident: what a part of it says stands in one object with the rest."""
    words = [
        word for value in _restrictions(view) if (word := view.lookup("restrictions", value)) is not None
    ]
    ladder = list(dict.fromkeys(word for word in view.reading.spec.lookups["restrictions"].values() if word))
    ladder.sort(key=_LADDER.index)
    if not words:
        return None
    strictest = max(words, key=lambda word: ladder.index(word.data))
    return Value(strictest.data, frozenset().union(*(word.leaves for word in words)))


def caveats(view: View) -> Tree:
    """The words themselves, each once."""
    found: dict[str, Value] = {}
    for value in _restrictions(view):
        found[value.data] = Value(value.data, value.leaves | found.get(value.data, value).leaves)
    return list(found.values())


def description(view: View) -> Tree:
    """Every description, a paragraph each."""
    return Value.joined(texts_of(tree(view), "Description"), "\n")


def status(view: View) -> Tree:
    """How far the team is with it."""
    return both(tree(view), "status")


def confidence(view: View) -> Tree:
    """The first confidence of an assessment."""
    for assessment in tree(view).all("Assessment"):
        if (found := confidence_of(view, assessment)) is not None:
            return found
    return None


def labels(view: View) -> Tree:
    """Purpose, types of impact, categories."""
    document = tree(view)
    said = [both(document, "purpose")]
    for assessment in document.all("Assessment"):
        said += [
            both(impact, "type") for impact in assessment.all("Impact", "SystemImpact", "BusinessImpact")
        ]
        said += texts_of(assessment, "IncidentCategory")
    found: dict[str, Value] = {}
    for value in said:
        if value is not None:
            found[value.data] = Value(value.data, value.leaves | found.get(value.data, value).leaves)
    return list(found.values())


def external_references(view: View) -> Tree:
    """The incident's numbers, those of related ones, and what its methods refer to; nothing is fetched."""
    document = tree(view)
    numbers = [*document.all("IncidentID"), *document.at("AlternativeID/IncidentID")]
    numbers += document.at("RelatedActivity/IncidentID")
    made: list[Tree] = [
        {"source_name": line_of(number.said("name")) or "IODEF", "external_id": line_of(text_of(number))}
        for number in numbers
        if text_of(number) is not None
    ]
    made += [
        link_of(view, "related activity", text_of(link), None) for link in document.at("RelatedActivity/URL")
    ]
    methods = [*document.at("Method/Reference"), *document.at("Method/AttackPattern/Reference")]
    return made + [reference_of(view, method) for method in methods]


def vulnerabilities(view: View, emitter: Emitter) -> None:
    """What a method refers to by its CVE number."""
    for element in tree(view).at("Method/Reference"):
        name = reference_name(element)
        if name is not None and CVE.fullmatch(str(name.data)):
            known = {"source_name": "cve", "external_id": name}
            made = emitter.add_shared("vulnerability", {"name": name, "external_references": [known]})
            emitter.relate(emitter.main, "related-to", made)


def details(view: View) -> Tree:
    """Times, and what the team has added."""
    document = tree(view)
    made: list[Tree] = []
    for name in _TIMES:
        value = view.get(name)
        if value is not None:
            made.append({"name": name, "value": value})
    language = document.said("lang")
    if language is not None:
        made.append({"name": "lang", "value": language})
    for extra in document.all("AdditionalData"):
        value, meaning = text_of(extra), extra.said("meaning")
        if value is not None:
            made.append(
                {"name": line_of(meaning) or "AdditionalData", "value": value.part(prose(value.data).data)}
            )
    return made


def contacts(view: View, emitter: Emitter) -> None:
    """Everybody whom the report names for questions, in the role that it says."""
    for contact in tree(view).all("Contact"):
        for person in contact.walk():
            if person.name == "Contact":
                _contact(view, emitter, person)


def _contact(view: View, emitter: Emitter, person: Element) -> None:
    mails = [
        value for path in ("Email", "Email/EmailTo") for child in person.at(path) if (value := text_of(child))
    ]
    phones = [
        value
        for path in ("Telephone", "Telephone/TelephoneNumber")
        for child in person.at(path)
        if (value := text_of(child))
    ]
    name = (
        first_of(person.all("ContactName"))
        or (mails[0] if mails else None)
        or first_of(person.all("RegistryHandle"))
    )
    if name is None:
        return
    kind, role = attribute(person, "type"), both(person, "role")
    properties = {
        "name": name,
        "description": Value.joined(texts_of(person, "Description", "ContactTitle"), "\n"),
        "identity_class": (view.lookup("contact_types", kind) if kind is not None else None) or "unknown",
        "contact_information": Value.joined([*mails, *phones], "; "),
        "roles": [role],
    }
    made = emitter.add("identity", "contact", properties, [canonical_json.dumps(plain(properties))])
    emitter.relate(emitter.main, "related-to", made, {"description": role} if role is not None else None)
