"""What to look for: indicators with their logic, and each value that alone means the same."""

from __future__ import annotations

from typing import Final

from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.logic import Logic, Term, alternatives, joined, observed, term, terms
from taxii_hub.mapping.nested import Element, tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View
from taxii_hub.stix import canonical_json
from taxii_hub.stix.patterns import problem_of
from taxii_hub.stix.splitter import alternatives as split

from .elements import (
    attribute,
    confidence_of,
    first_of,
    happened,
    line_of,
    moment_of,
    reference_of,
    spelt_as,
    text_of,
    texts_of,
)
from .values import checked_as, hashes_of, value_of

_PARTS: Final = ("Observable", "ObservableReference", "IndicatorExpression", "IndicatorReference")
_MAIL: Final = {"EmailFrom": "email-message:from_ref.value", "EmailTo": "email-message:to_refs[*].value",
                "EmailSubject": "email-message:subject"}  # fmt: skip
_DEPTH: Final = 20


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
    number = first_of(at[1].all("IndicatorID"))
    pattern = observed(logic)
    properties = _properties(view, at, number)
    name = properties["name"] or pattern
    said = {"name": name, "pattern": _spelt(logic, pattern)}
    same = [found for found in _all_indicators(at[0]) if number is not None and _number(found) == number.data]
    # Without a number of its own, what it says tells it from the others.
    seed = [str(_number(at[1]))] if len(same) == 1 else [canonical_json.dumps(plain({**properties, **said}))]
    whole = emitter.add("indicator", "indicator", {**properties, **said}, seed)
    emitter.relate(whole, "related-to", emitter.main)
    parts = alternatives(logic)
    for text in split(pattern):
        part = parts.get(text)
        if part is None or text == pattern:
            continue
        single = part.source if isinstance(part, Term) else None
        said = {"name": single or name, "pattern": _spelt(part, text)}
        made = emitter.add("indicator", "indicator", {**properties, **said}, [*seed, text])
        emitter.relate(made, "derived-from", whole)


def _number(element: Element) -> str | None:
    value = first_of(element.all("IndicatorID"))
    return None if value is None else str(value.data)


def _properties(view: View, at: tuple[Element, Element], number: Value | None) -> dict[str, Tree]:
    """What the indicator and those that are derived from it have in common. ``at``: incident and indicator."""
    document, element = at
    said = Value.joined(texts_of(element, "Description"), "\n")
    since = moment_of(element, "StartTime") or happened(document)
    until = moment_of(element, "EndTime")
    start = since.data if since is not None else view.edition
    own = element.all("IndicatorID")[:1]
    return {
        "name": said.part(str(said.data).split("\n")[0]) if said is not None else number,
        "description": said
        or (number.part(f"Indicator {number.data} of an IODEF report") if number else None),
        "indicator_types": ["malicious-activity"],
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": since or view.edition,
        "valid_until": until if until is not None and until.data > start else None,
        "confidence": confidence_of(view, element),
        "external_references": [
            *(
                {
                    "source_name": line_of(found.said("name")) or "IODEF",
                    "external_id": number,
                    "description": line_of(found.said("version")),
                }
                for found in own
            ),
            *(reference_of(view, found) for found in element.all("Reference")),
        ],
    }


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
        number = first_of(found.all("IndicatorID"))
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
        elif (found := value_of(view, part)) is not None:
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
    kind = attribute(part, "type")
    word = view.lookup("kinds", kind) if kind is not None else None
    made: list[Logic] = []
    for values in part.all("BulkObservableList"):
        value = text_of(values)
        for text in value.data.splitlines() if value is not None and word is not None else []:
            if value is not None and word is not None and text.strip():
                found = checked_as(view, value.part(text.strip()), str(word.data))
                made += [_term(*found)] if found is not None else []
    return made


def _file_terms(view: View, file: Element) -> list[Logic]:
    hashes: list[Logic] = [term(found, spelt_as(value, found[1])) for value, found in hashes_of(view, file)]
    name = first_of(file.all("FileName"))
    return hashes or ([_place(name, "file:name", str(name.data))] if name is not None else [])


def _mail(mail: Element) -> list[Logic]:
    """One message: each of its properties, of several receivers one."""
    made = []
    for name, place in _MAIL.items():
        found = [value for child in mail.all(name) if (value := line_of(text_of(child))) is not None]
        either = joined("OR", [_place(value, place, str(value.data)) for value in found])
        made += [either] if either is not None else []
    both = joined("AND", made)
    return [both] if both is not None else []


def _registry(part: Element) -> list[Logic]:
    name, value = first_of(part.all("KeyName")), first_of(part.all("KeyValue"))
    made: list[Logic] = [_place(name, "windows-registry-key:key", str(name.data))] if name is not None else []
    if name is not None and value is not None:
        made.append(_place(value, "windows-registry-key:values[*].data", str(value.data)))
    both = joined("AND", made)
    return [both] if both is not None else []
