"""Incidents as teams report them: what happened, who is to be asked, what to look for, and who may know."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from taxii_hub.errors import BadValueError, RecordError
from taxii_hub.mapping.cleaners import line, moment, prose
from taxii_hub.mapping.constants import SOURCE
from taxii_hub.mapping.cyber_observables import observe
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.logic import Logic, Term, alternatives, joined, observed, term, terms
from taxii_hub.mapping.nested import Element, tree
from taxii_hub.mapping.observables import Observable, checked, refanged
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View
from taxii_hub.stix import canonical_json
from taxii_hub.stix.patterns import problem_of
from taxii_hub.stix.splitter import alternatives as split

_CORRECT: Final = "correct it at the source; the text is kept"
_TIMES: Final = ("DetectTime", "StartTime", "EndTime", "RecoveryTime", "ReportTime", "GenerationTime")
_PARTS: Final = ("Observable", "ObservableReference", "IndicatorExpression", "IndicatorReference")
_MAIL: Final = {"EmailFrom": "email-message:from_ref.value", "EmailTo": "email-message:to_refs[*].value",
                "EmailSubject": "email-message:subject"}  # fmt: skip
_DEPTH: Final = 20
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
_URL: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")


# --- reading -------------------------------------------------------------------------------------


def _text(element: Element | None) -> Value | None:
    """What the element says itself; in JSON a text with attributes is an object."""
    if element is None:
        return None
    return element.text if element.text is not None else element.said("value", "id")


def _texts(element: Element, *names: str) -> list[Value]:
    """The texts of the children of these names, with their paragraphs."""
    found = (_text(child) for child in element.all(*names))
    return [value.part(prose(value.data).data) for value in found if value is not None]


def _line(value: Value | None) -> Value | None:
    return None if value is None else value.part(line(value.data).data)


def _moment(element: Element, *names: str) -> Value | None:
    """The first of these times that can be read, as a STIX timestamp."""
    for name in names:
        for child in element.all(name):
            value = _text(child)
            if value is not None:
                try:
                    return value.derive(moment(value.data).data)
                except BadValueError:
                    continue
    return None


def _attribute(element: Element, name: str) -> Value | None:
    """An attribute; of ``ext-value`` what the team has put in its place."""
    value = element.said(name)
    if value is not None and value.data == "ext-value":
        return element.said(f"ext-{name}") or value
    return value


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
    return _line(numbers[0].said("name")) if numbers else None


def reference(view: View) -> Tree:
    """The team's number of the incident."""
    numbers = tree(view).all("IncidentID")
    if not numbers or (value := _line(_text(numbers[0]))) is None:
        return None
    instance = _line(numbers[0].said("instance"))
    return value if instance is None else Value.joined([value, instance], " ")


def incident_name(view: View) -> Tree:
    """Team and number: IODEF has no titles."""
    found = [_team(tree(view).all("IncidentID")), reference(view)]
    return Value.joined([value for value in found if value is not None], " ")


# --- who may know --------------------------------------------------------------------------------


def _restrictions(view: View) -> list[Value]:
    found = [_both(element, "restriction") for element in tree(view).walk()]
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


_LADDER: Final = ("clear", "green", "amber", "amber+strict", "red")


def caveats(view: View) -> Tree:
    """The words themselves, each once."""
    found: dict[str, Value] = {}
    for value in _restrictions(view):
        found[value.data] = Value(value.data, value.leaves | found.get(value.data, value).leaves)
    return list(found.values())


# --- the incident --------------------------------------------------------------------------------


def description(view: View) -> Tree:
    """Every description, a paragraph each."""
    return Value.joined(_texts(tree(view), "Description"), "\n")


def status(view: View) -> Tree:
    """How far the team is with it."""
    return _both(tree(view), "status")


def _both(element: Element, name: str) -> Value | None:
    """The attribute with what stands for ext-value, for both of which this is the place."""
    value, extra = _attribute(element, name), element.said(name)
    if value is None or extra is None:
        return value
    return Value(value.data, value.leaves | extra.leaves)


def confidence(view: View) -> Tree:
    """The first confidence of an assessment."""
    for assessment in tree(view).all("Assessment"):
        if (found := _confidence(view, assessment)) is not None:
            return found
    return None


def _confidence(view: View, element: Element) -> Value | None:
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
        view.warn(number or rating, "is no confidence from 0 to 100", _CORRECT)
    return None


def labels(view: View) -> Tree:
    """Purpose, types of impact, categories."""
    document = tree(view)
    said = [_both(document, "purpose")]
    for assessment in document.all("Assessment"):
        said += [
            _both(impact, "type") for impact in assessment.all("Impact", "SystemImpact", "BusinessImpact")
        ]
        said += _texts(assessment, "IncidentCategory")
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
        {"source_name": _line(number.said("name")) or "IODEF", "external_id": _line(_text(number))}
        for number in numbers
        if _text(number) is not None
    ]
    made += [
        _link(view, "related activity", _text(link), None) for link in document.at("RelatedActivity/URL")
    ]
    methods = [*document.at("Method/Reference"), *document.at("Method/AttackPattern/Reference")]
    return made + [_reference(view, method) for method in methods]


def _reference(view: View, element: Element) -> Tree:
    name = _reference_name(element)
    said = Value.joined(_texts(element, "Description"), "\n")
    link = _link(view, "IODEF reference", _first(element.all("URL")), said)
    if name is None:
        return link
    list_name = "cve" if _CVE.fullmatch(str(name.data)) else "IODEF reference"
    return {**(link or {"description": said}), "source_name": list_name, "external_id": name}


def _reference_name(element: Element) -> Value | None:
    return _first(element.at("ReferenceName/ID")) or _first(element.all("ReferenceName"))


def vulnerabilities(view: View, emitter: Emitter) -> None:
    """What a method refers to by its CVE number."""
    for element in tree(view).at("Method/Reference"):
        name = _reference_name(element)
        if name is not None and _CVE.fullmatch(str(name.data)):
            known = {"source_name": "cve", "external_id": name}
            made = emitter.add_shared("vulnerability", {"name": name, "external_references": [known]})
            emitter.relate(emitter.main, "related-to", made)


def _first(found: list[Element]) -> Value | None:
    return next((_line(value) for element in found if (value := _text(element)) is not None), None)


def _link(view: View, name: str, link: Value | None, said: Value | None) -> dict[str, Tree] | None:
    if link is None:
        return None
    if _URL.fullmatch(link.data) is None:
        view.warn(link, "is no address of a page", _CORRECT)
        return None
    return {"source_name": name, "url": link, "description": said}


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
        value, meaning = _text(extra), extra.said("meaning")
        if value is not None:
            made.append(
                {"name": _line(meaning) or "AdditionalData", "value": value.part(prose(value.data).data)}
            )
    return made


# --- contacts ------------------------------------------------------------------------------------


def contacts(view: View, emitter: Emitter) -> None:
    """Everybody whom the report names for questions, in the role that it says."""
    for contact in tree(view).all("Contact"):
        for person in contact.walk():
            if person.name == "Contact":
                _contact(view, emitter, person)


def _contact(view: View, emitter: Emitter, person: Element) -> None:
    mails = [
        value for path in ("Email", "Email/EmailTo") for child in person.at(path) if (value := _text(child))
    ]
    phones = [
        value
        for path in ("Telephone", "Telephone/TelephoneNumber")
        for child in person.at(path)
        if (value := _text(child))
    ]
    name = (
        _first(person.all("ContactName"))
        or (mails[0] if mails else None)
        or _first(person.all("RegistryHandle"))
    )
    if name is None:
        return
    kind, role = _attribute(person, "type"), _both(person, "role")
    properties = {
        "name": name,
        "description": Value.joined(_texts(person, "Description", "ContactTitle"), "\n"),
        "identity_class": (view.lookup("contact_types", kind) if kind is not None else None) or "unknown",
        "contact_information": Value.joined([*mails, *phones], "; "),
        "roles": [role],
    }
    made = emitter.add("identity", "contact", properties, [canonical_json.dumps(plain(properties))])
    emitter.relate(emitter.main, "related-to", made, {"description": role} if role is not None else None)


# --- what was seen -------------------------------------------------------------------------------


def _own(element: Element) -> Iterator[Element]:
    """The element and what is in it, without further EventData."""
    yield element
    for child in element.children:
        if child.name != "EventData":
            yield from _own(child)


def events(view: View, emitter: Emitter) -> None:
    """An observed-data for every EventData that names something that STIX has an object for."""
    document = tree(view)
    for top in document.all("EventData"):
        for element in top.walk():
            if element.name == "EventData":
                _event(view, emitter, document, element)


def _event(view: View, emitter: Emitter, document: Element, element: Element) -> None:
    refs = []
    for part in _own(element):
        refs += _seen(view, emitter, part)
    for flow in element.all("Flow"):
        refs += _traffic(view, emitter, flow)
    if not refs:
        return
    first = _moment(element, "StartTime", "DetectTime") or _happened(document)
    last = _moment(element, "EndTime")
    properties: dict[str, Tree] = {
        "first_observed": first or view.edition,
        "last_observed": last if last and first and last.data >= first.data else first or view.edition,
        "number_observed": 1,
        "object_refs": list(dict.fromkeys(refs)),
        "extensions": {SOURCE: {"extension_type": "property-extension", "details": _told(element)}},
    }
    if not properties["extensions"][SOURCE]["details"]:
        del properties["extensions"]
    made = emitter.add("observed-data", "event", properties, [canonical_json.dumps(plain(properties))])
    emitter.relate(emitter.main, "related-to", made)


def _happened(document: Element) -> Value | None:
    return _moment(document, "StartTime", "DetectTime", "ReportTime", "GenerationTime")


def _told(element: Element) -> list[Tree]:
    """What the event says of itself and of its systems, in words."""
    made: list[Tree] = [{"name": "description", "value": value} for value in _texts(element, "Description")]
    for system in element.at("Flow/System"):
        role = _both(system, "category")
        if role is not None:
            made.append({"name": "system", "value": role})
        made += [
            {"name": "description of a system", "value": value} for value in _texts(system, "Description")
        ]
    return made


def _seen(view: View, emitter: Emitter, part: Element) -> list[str]:
    if part.name == "File":
        return _file(view, emitter, part)
    found = _value_of(view, part)
    if found is None:
        return []
    value, kind, text = found
    if kind == "autonomous-system:number":
        return [observe(emitter, "autonomous-system", {"number": value.part(int(text))})]
    if ":" in kind or kind == "hash":
        return []
    if kind == "user-account":
        return [observe(emitter, kind, {"account_login": value})]
    return [observe(emitter, kind, {"value": _as(value, text)})]


def _value_of(view: View, part: Element) -> tuple[Value, str, str] | None:
    """The value of an Address, a NodeName or a DomainData's Name with its kind, checked."""
    if part.name == "Address":
        value, category = _line(_text(part)), _attribute(part, "category")
        kind = view.lookup("kinds", category) if category is not None else None
        word = str(kind.data) if kind is not None else "" if category is not None else "ip"
    elif part.name == "NodeName":
        value, word = _line(_text(part)), "domain-name"
    elif part.name == "DomainData":
        value, word = _first(part.all("Name")), "domain-name"
    else:
        return None
    return None if value is None or not word else _checked(view, value, word)


def _checked(view: View, value: Value, kind: str) -> tuple[Value, str, str] | None:
    if kind == "autonomous-system:number":
        text = str(value.data).upper().removeprefix("AS")
        if re.fullmatch(r"[0-9]{1,10}", text):
            return value, kind, text
    elif ":" in kind:
        return value, kind, str(value.data)
    elif (found := checked(kind, refanged(value.data))) is not None:
        return value, *found
    view.warn(value, f"is no {kind.partition(':')[0]}", _CORRECT)
    return None


def _file(view: View, emitter: Emitter, file: Element) -> list[str]:
    hashes = {kind: _as(value, text) for value, (kind, text) in _hashes(view, file)}
    name, size = _first(file.all("FileName")), _first(file.all("FileSize"))
    if not hashes and name is None:
        return []
    number = (
        size.part(int(size.data)) if size is not None and re.fullmatch(r"[0-9]{1,18}", size.data) else None
    )
    return [observe(emitter, "file", {"hashes": hashes, "name": name, "size": number})]


def _hashes(view: View, file: Element) -> list[tuple[Value, Observable]]:
    """Digests as hexadecimal digits, or in base64 as XML Signature has it."""
    found = []
    for digest in file.at("HashData/Hash/DigestValue"):
        value = _text(digest)
        if value is None:
            continue
        made = checked("hash", value.data)
        if made is None:
            try:
                made = checked("hash", base64.b64decode(value.data.translate(_STANDARD), validate=True).hex())
            except (binascii.Error, ValueError):
                made = None
        if made is None:
            view.warn(value, "is no digest", _CORRECT)
        else:
            found.append((value, made))
    return found


_STANDARD: Final = str.maketrans("-_", "+/")


def _traffic(view: View, emitter: Emitter, flow: Element) -> list[str]:
    ends = {}
    for system in flow.all("System"):
        role = _attribute(system, "category")
        if role is not None and role.data in {"source", "target"} and role.data not in ends:
            ends[role.data] = (system, role)
    if len(ends) < 2:
        return []
    (source, _), (target, _) = ends["source"], ends["target"]
    refs = {name: _address(view, emitter, system) for name, (system, _) in ends.items()}
    if not all(refs.values()):
        return []
    version = str(refs["source"]).partition("-addr--")[0]
    carried = [_protocol(view, system) for system in (target, source)]
    traffic = {
        "src_ref": refs["source"],
        "dst_ref": refs["target"],
        "src_port": _port(source),
        "dst_port": _port(target),
        "protocols": [version, *[found for found in carried if found is not None][:1]],
    }
    return [observe(emitter, "network-traffic", traffic)]


def _address(view: View, emitter: Emitter, system: Element) -> str | None:
    for part in system.walk():
        if part.name == "Address":
            for ref in _seen(view, emitter, part):
                if ref.startswith(("ipv4-addr--", "ipv6-addr--")):
                    return ref
    return None


def _port(system: Element) -> Value | None:
    value = _first(system.at("Service/Port"))
    if value is None or not re.fullmatch(r"[0-9]{1,5}", value.data) or int(value.data) > 65535:
        return None
    return value.part(int(value.data))


def _protocol(view: View, system: Element) -> Value | None:
    for service in system.all("Service"):
        number = service.said("ip-protocol", "ip_protocol")
        if number is not None and (name := view.lookup("protocols", number)) is not None:
            return name
    return None


# --- what to look for ----------------------------------------------------------------------------


def _all_indicators(document: Element) -> list[Element]:
    return [*document.at("IndicatorData/Indicator"), *document.all("Indicator")]


def indicators(view: View, emitter: Emitter) -> None:
    """Each indicator with its whole logic, and one for each value that alone means the same."""
    document = tree(view)
    for element in _all_indicators(document):
        logic = _parts(view, document, element, "or", 0)
        if logic is not None and problem_of(observed(logic)) is None:
            _indicator(view, emitter, (document, element), logic)


def _indicator(view: View, emitter: Emitter, at: tuple[Element, Element], logic: Logic) -> None:
    document, element = at
    number = _first(element.all("IndicatorID"))
    said = Value.joined(_texts(element, "Description"), "\n")
    name = said.part(str(said.data).split("\n")[0]) if said is not None else number
    teams = [_line(found.said("name")) for found in element.all("IndicatorID")]
    version = [_line(found.said("version")) for found in element.all("IndicatorID")]
    since = _moment(element, "StartTime") or _happened(document)
    until = _moment(element, "EndTime")
    pattern = observed(logic)
    properties: dict[str, Tree] = {
        "name": name or pattern,
        "description": said
        or (number.part(f"Indicator {number.data} of an IODEF report") if number else None),
        "indicator_types": ["malicious-activity"],
        "pattern": _spelt(logic, pattern),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": since or view.edition,
        "valid_until": until
        if until is not None and until.data > (since.data if since else view.edition)
        else None,
        "confidence": _confidence(view, element),
        "external_references": [
            {"source_name": teams[0] or "IODEF", "external_id": number, "description": version[0]}
            if number
            else None,
            *(_reference(view, found) for found in element.all("Reference")),
        ],
    }
    seed = [str(number.data)] if number is not None else [canonical_json.dumps(plain(properties))]
    whole = emitter.add("indicator", "indicator", properties, seed)
    emitter.relate(whole, "related-to", emitter.main)
    parts = alternatives(logic)
    for text in split(pattern):
        part = parts.get(text)
        if part is None or text == pattern:
            continue
        single = part.source if isinstance(part, Term) else None
        changed = {"name": single or properties["name"], "pattern": _spelt(part, text)}
        made = emitter.add("indicator", "indicator", {**properties, **changed}, [*seed, text])
        emitter.relate(made, "derived-from", whole)


def _spelt(logic: Logic, pattern: str) -> Value:
    return Value(pattern, frozenset().union(*(found.source.leaves for found in terms(logic))))


def _parts(view: View, document: Element, element: Element, operator: str, depth: int) -> Logic | None:
    """The logic of what stands in an Indicator or an IndicatorExpression. None where patterns cannot say it: an
    AND without one of its parts would say more than the team meant."""
    made = [_logic(view, document, child, depth) for child in element.all(*_PARTS)]
    found = [logic for logic in made if logic is not None]
    if depth > _DEPTH or operator not in {"and", "or"} or (operator == "and" and len(found) < len(made)):
        return None
    return joined(operator.upper(), found)


def _logic(view: View, document: Element, element: Element, depth: int) -> Logic | None:
    if element.name == "Observable":
        return joined("OR", _terms(view, element))
    if element.name == "IndicatorExpression":
        operator = element.said("operator")
        return _parts(view, document, element, str(operator.data) if operator else "and", depth + 1)
    wanted = element.said("uid-ref", "euid-ref")
    if wanted is None or depth > _DEPTH:
        return None
    if element.name == "ObservableReference":
        named = (
            found
            for found in document.walk()
            if (value := found.said("observable-id")) and value.data == wanted.data
        )
        target = next(named, None)
        return joined("OR", _terms(view, target)) if target is not None else None
    for found in _all_indicators(document):
        number = _first(found.all("IndicatorID"))
        if number is not None and number.data == wanted.data:
            return _parts(view, document, found, "or", depth + 1)
    return None


def _terms(view: View, observable: Element) -> list[Logic]:
    """Every value that an observable names: each of them counts."""
    made: list[Logic] = []
    for part in observable.walk():
        if part.name == "BulkObservable":
            made += _bulk(view, part)
        elif part.name == "File":
            made += _file_terms(view, part)
        elif part.name == "Key":
            made += _registry(part)
        elif part.name == "EmailData":
            made += _mail(part)
        elif (found := _value_of(view, part)) is not None:
            made.append(_term(*found))
    return list(dict.fromkeys(made))


def _term(value: Value, kind: str, text: str) -> Term:
    return _place(value, kind, text) if ":" in kind else term((kind, text), value)


def _place(value: Value, place: str, text: str) -> Term:
    quoted = (
        text
        if place == "autonomous-system:number"
        else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    )
    return Term(place.partition(":")[0], f"{place} = {quoted}", value)


def _bulk(view: View, part: Element) -> list[Logic]:
    kind = _attribute(part, "type")
    word = view.lookup("kinds", kind) if kind is not None else None
    made: list[Logic] = []
    for values in part.all("BulkObservableList"):
        value = _text(values)
        for text in value.data.splitlines() if value is not None and word is not None else []:
            if value is not None and word is not None and text.strip():
                found = _checked(view, value.part(text.strip()), str(word.data))
                made += [_term(*found)] if found is not None else []
    return made


def _file_terms(view: View, file: Element) -> list[Logic]:
    hashes: list[Logic] = [term(found, _as(value, found[1])) for value, found in _hashes(view, file)]
    name = _first(file.all("FileName"))
    return hashes or ([_place(name, "file:name", str(name.data))] if name is not None else [])


def _as(value: Value, text: str) -> Value:
    return value if text == value.data else value.derive(text)


def _mail(mail: Element) -> list[Logic]:
    """One message: each of its properties, of several receivers one."""
    made = []
    for name, place in _MAIL.items():
        found = [value for child in mail.all(name) if (value := _line(_text(child))) is not None]
        either = joined("OR", [_place(value, place, str(value.data)) for value in found])
        made += [either] if either is not None else []
    both = joined("AND", made)
    return [both] if both is not None else []


def _registry(part: Element) -> list[Logic]:
    name, value = _first(part.all("KeyName")), _first(part.all("KeyValue"))
    made: list[Logic] = [_place(name, "windows-registry-key:key", str(name.data))] if name is not None else []
    if name is not None and value is not None:
        made.append(_place(value, "windows-registry-key:values[*].data", str(value.data)))
    both = joined("AND", made)
    return [both] if both is not None else []
