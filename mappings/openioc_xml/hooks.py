"""An OpenIOC document: what it says of itself, its logic in words and as indicators, and who may read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.logic import Logic, Term, alternatives, observed
from taxii_hub.mapping.nested import Element
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View
from taxii_hub.stix.splitter import alternatives as split

from .patterns import compiled, items_of, roots

_TLP_LINKS: Final = frozenset({"tlp", "marking", "handling", "sharing"})
_PLACES: Final = ("", "metadata/")


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
    _, left = compiled(view)
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


def original(view: View) -> Tree:
    """The whole logic, as OpenIOC says it."""
    worded = [_worded(root) for root in roots(view)]
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


def object_refs(view: View) -> Tree:
    """The indicators, and what they indicate; the issuer alone where there is nothing else."""
    emitter = view.reading.emitter
    if emitter is None:
        return []
    named = [ref for link in _links(view) if (ref := _named(link, emitter)) is not None]
    logic, _ = compiled(view)
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
    items = items_of(logic)
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
