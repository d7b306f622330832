"""An OpenIOC document: its logic as STIX patterns, what its links name, and who may read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from taxii_hub.errors import BadValueError
from taxii_hub.mapping.cleaners import moment
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.logic import Group, Logic, Term, alternatives, observed, terms
from taxii_hub.mapping.nested import Element, tree
from taxii_hub.mapping.observables import comparison, guessed, refanged
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View
from taxii_hub.stix.patterns import problem_of
from taxii_hub.stix.splitter import alternatives as split

_NUMBERS: Final = frozenset({"file:size", "network-traffic:dst_port", "network-traffic:src_port"})
_MOMENTS: Final = ("time_date_stamp", ":ctime", ":mtime")
_COMPARED: Final = {"equal": "=", "not equal": "!=", "greater": ">", "less": "<", "matches": "MATCHES"}
_OPPOSITE: Final = {"equal": "not equal", "not equal": "equal", "like": "not like", "not like": "like"}
_LIKE: Final = {"like": "%{}%", "not like": "%{}%", "begins": "{}%", "ends": "%{}"}
_REGEX: Final = {"like": "{}", "not like": "{}", "begins": "^{}", "ends": "{}$"}
_WHOLE: Final = frozenset(
    {"ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "MD5", "SHA-1", "SHA-256"}
)
_TLP_LINKS: Final = frozenset({"tlp", "marking", "handling", "sharing"})
_PLACES: Final = ("", "metadata/")


# --- what the document says ----------------------------------------------------------------------


def _get(view: View, path: str) -> Value | None:
    """1.1 has around in ``metadata`` what 1.0 says at the top."""
    found = [value for place in _PLACES if (value := view.get(place + path)) is not None]
    return found[0] if found else None


def _links(view: View) -> list[View]:
    return view.groups("links/link", "metadata/links/link")


def published(view: View) -> Tree:
    """When it was written, else when it was published or changed."""
    return (
        _get(view, "authored_date")
        or view.get("@published-date")
        or view.get("@last-modified")
        or view.edition
    )


def _keywords(view: View) -> list[Value]:
    value = _get(view, "keywords")
    texts = re.split(r"[,;]|\s+(?=TLP:)", value.data) if value is not None else []
    return [value.part(text.strip()) for text in texts if value is not None and text.strip()]


def labels(view: View) -> Tree:
    """Keywords, and what links call the category."""
    found = {value.data: value for value in _keywords(view)}
    for link in _links(view):
        name, kind = link.get("."), _kind(link)
        if name is not None and kind is not None and kind.data == "label":
            found.setdefault(name.data, name)
            rel = link.get("@rel")
            found[name.data] = Value(
                name.data, found[name.data].leaves | (rel.leaves if rel else frozenset())
            )
    return list(found.values())


def _rel(link: View) -> Value | None:
    value = link.get("@rel")
    return None if value is None else value.part(re.sub(r"[\s_]+", "-", value.data.casefold()))


def _kind(link: View) -> Value | None:
    rel = _rel(link)
    return None if rel is None or rel.data in _TLP_LINKS else link.lookup("links", rel)


def external_references(view: View) -> Tree:
    """The document, and where its links lead; nothing is fetched."""
    made: list[Tree] = [
        {"source_name": _get(view, "authored_by") or "OpenIOC", "external_id": view.get("@id")}
    ]
    for link in _links(view):
        target = link.get("@href")
        if target is not None and re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", target.data) is not None:
            made.append(
                {"source_name": link.get("@rel") or "OpenIOC", "url": target, "description": link.get(".")}
            )
    return made


def details(view: View) -> Tree:
    """Links that name nothing STIX knows, the dates beside the first, and what is in no pattern."""
    made: list[Tree] = []
    first = published(view)
    for path in ("authored_date", "@published-date"):
        value = view.get(path) if path[0] == "@" else _get(view, path)
        if value is not None and value is not first:
            made.append({"name": path.strip("@"), "value": value})
    for link in _links(view):
        name, rel, target = link.get("."), link.get("@rel"), link.get("@href")
        if name is not None:
            made.append({"name": rel or "link", "value": name})
        if target is not None:
            made.append({"name": "href", "value": target})
    _, left = _compiled(view)
    return made + [{"name": "not in the pattern", "value": _worded(item)} for item in left]


def tlp(view: View) -> Tree:
    """The strictest word of links and keywords that speak of TLP; OpenIOC itself has no word for it."""
    said = [
        link.get(".") for link in _links(view) if (rel := _rel(link)) is not None and rel.data in _TLP_LINKS
    ]
    said += [value for value in _keywords(view) if value.data.casefold().startswith("tlp:")]
    words = [
        view.lookup("tlp", value.part(re.sub(r"^tlp:|\s", "", value.data.casefold())))
        for value in said
        if value
    ]
    ladder = [*view.reading.spec.lookups["tlp"].values()]
    known = [word for word in words if word is not None]
    return max(known, key=lambda word: ladder.index(word.data)) if known else None


# --- the logic in words --------------------------------------------------------------------------


def _roots(view: View) -> list[Element]:
    document = tree(view)
    return [*document.at("definition/Indicator"), *document.at("criteria/Indicator")]


def original(view: View) -> Tree:
    """The whole logic, as OpenIOC says it."""
    worded = [_worded(root) for root in _roots(view)]
    return Value.joined(worded, " OR ")


def _worded(element: Element) -> Value:
    if element.name == "Indicator":
        operator = element.said("operator")
        parts = [_worded(child) for child in element.all("Indicator", "IndicatorItem")]
        leaves = frozenset().union(*(part.leaves for part in parts), operator.leaves if operator else ())
        joined = f" {operator.data if operator else 'OR'} ".join(str(part.data) for part in parts)
        return Value(f"({joined})", leaves)
    words, used = [], []
    for context in element.all("Context"):
        search, document, kind = context.said("search"), context.said("document"), context.said("type")
        used += [search, document, kind]
        if document is not None and (search is None or str(search.data).split("/")[0] != document.data):
            words.append(f"{document.data}:")
        words.append(str(search.data) if search else "")
        words += [f"({kind.data})"] if kind is not None and kind.data != "mir" else []
    words += _attributes(element, used)
    for content in element.all("Content"):
        kind = content.said("type")
        used += [kind, content.text]
        words.append(f"{kind.data if kind else ''}:'{content.text.data if content.text else ''}'")
    return Value(" ".join(words), frozenset().union(*(value.leaves for value in used if value is not None)))


def _attributes(item: Element, used: list[Value | None]) -> Iterator[str]:
    """The condition, and what 1.1 adds to it."""
    for name in ("condition", "negate", "preserve-case"):
        value = item.said(name)
        if value is not None:
            used.append(value)
            yield str(value.data) if name == "condition" else f"[{name}: {value.data}]"


# --- the logic as a pattern ----------------------------------------------------------------------


def _compiled(view: View) -> tuple[Logic | None, list[Element]]:
    """The logic as far as patterns can say it, and the items that they cannot."""
    left: list[Element] = []
    made = [logic for root in _roots(view) if (logic := _logic(view, root, left)) is not None]
    whole = made[0] if len(made) == 1 else Group("OR", tuple(made)) if made else None
    if whole is not None and problem_of(observed(whole)) is not None:
        return None, [item for root in _roots(view) for item in root.walk() if item.name == "IndicatorItem"]
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
        left += [item for part in found for item in _items(part)]
        return None
    return found[0] if len(found) == 1 else Group(operator, found)


def _items(logic: Logic) -> list[Element]:
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


# --- indicators ----------------------------------------------------------------------------------


def object_refs(view: View) -> Tree:
    """The indicators, and what they indicate; the issuer alone where there is nothing else."""
    emitter = view.reading.emitter
    if emitter is None:
        return []
    named = [ref for link in _links(view) if (ref := _named(link, emitter)) is not None]
    logic, _ = _compiled(view)
    if logic is None:
        return named or [emitter.frame.issuer]
    made = _indicators(view, emitter, logic)
    links = [emitter.relate(made[0], "indicates", ref) for ref in named]
    return list(dict.fromkeys([*made, *named, *links]))


def _named(link: View, emitter: Emitter) -> str | None:
    name, kind = link.get("."), _kind(link)
    if name is None or kind is None or kind.data == "label":
        return None
    emitter.trace(f"{kind.data}.type", kind)
    said: dict[str, Tree] = {"name": name}
    if kind.data == "malware":
        said["is_family"] = True
    return emitter.add_shared(str(kind.data), said)


def _indicators(view: View, emitter: Emitter, logic: Logic) -> list[str]:
    pattern = observed(logic)
    name = view.get("short_description") or view.get("metadata/short_description") or view.get("@id")
    whole = _indicator(view, emitter, logic, (name, pattern), [])
    refs = [whole]
    parts = alternatives(logic)
    for text in split(pattern):
        part = parts.get(text)
        exact = part.exact if isinstance(part, Term) else None
        if part is None or (text == pattern and exact is None):
            continue
        called = _content(part) if isinstance(part, Term) else name
        made = _indicator(view, emitter, part, (called, exact or text), [text])
        refs += [made, emitter.relate(made, "derived-from", whole)]
    return refs


def _content(term: Term) -> Value | None:
    return next((child.text for child in term.source.all("Content")), None)


def _indicator(
    view: View, emitter: Emitter, logic: Logic, said: tuple[Value | None, str], seed: list[str]
) -> str:
    """``said``: name and pattern."""
    name, pattern = said
    items = _items(logic)
    contents = [text for item in items for child in item.all("Content") if (text := child.text) is not None]
    others = frozenset().union(*(item.positions() for item in items)) - _ids(items)
    emitter.trace(
        "indicator.pattern", Value(pattern, others - frozenset().union(*(v.leaves for v in contents)), True)
    )
    properties = {
        "name": name,
        "description": _get(view, "description"),
        "indicator_types": ["malicious-activity"],
        "pattern": Value(pattern, frozenset().union(*(value.leaves for value in contents))),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": published(view),
        "labels": labels(view),
        "external_references": [
            {"source_name": "OpenIOC item", "external_id": number} for item in items if (number := item.said("id"))
        ] if seed else [{"source_name": "OpenIOC", "external_id": view.get("@id")}],
    }  # fmt: skip
    return emitter.add("indicator", "indicator", properties, seed)


def _ids(items: list[Element]) -> frozenset[int]:
    found = [item.said("id") for item in items]
    return frozenset().union(*(value.leaves for value in found if value is not None))
