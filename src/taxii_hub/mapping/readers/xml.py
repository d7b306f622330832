"""XML reports, streamed record by record; nothing but the file itself is ever opened.

A document type is refused before anything in it is used (entities, external subsets, defaults), so is
XInclude. Elements are known by local name: published namespaces change (formats.md section 0, 7).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from lxml import etree

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers.options import MAX_ATTRIBUTES, MAX_PATH, MAX_VALUES
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Leaf, Record

_DOCTYPE: Final = "carries a DOCTYPE, which is never read"
_TYPED: Final = re.compile(rb"\s*(?:\xef\xbb\xbf)?(?:(?><\?[^>]*>|<!--.*?-->)\s*)*+<!DOCTYPE\b", re.DOTALL)
_LIMITS: Final = re.compile(r"[,;]? (?:try|use) XML_PARSE_HUGE.*")
_REMEMBERED: Final = 1000
_XINCLUDE: Final = "{http://www.w3.org/2001/XInclude}"
HARDENED: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
}


@dataclass(frozen=True, slots=True)
class Head:
    """What the beginning of a file tells: ``names`` are the local names of its first elements, the root
    first. ``fault`` says why it is not XML that the hub reads, ``line`` where."""

    root: str | None = None
    attributes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    fault: str | None = None
    line: int = 1


def records(stream: SourceStream, name: str, kinds: frozenset[str]) -> Iterator[Record]:
    """First a record of kind ``""`` with the root's attributes and what stands before the first record,
    then every record, last one of kind ``""`` with whatever else stood outside of records. Raises
    ReportError for what is not well-formed, with the line."""
    events = etree.iterparse(stream, events=("start", "end"), **HARDENED)
    try:
        yield from _walk(iter(events), kinds)
    except etree.XMLSyntaxError as error:
        raise ReportError(f"{name}:{error.lineno or 1}: {_refusal(error)}") from None
    except _RefusedError as error:
        raise ReportError(f"{name}:{error.line or 1}: {error}") from None


class _RefusedError(ReportError):
    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


def _walk(events: Iterator[tuple[str, Any]], kinds: frozenset[str]) -> Iterator[Record]:
    _, root = next(events)
    _check(root)
    if root.getroottree().docinfo.doctype:
        raise _RefusedError(f"{_DOCTYPE}; remove it at the source", root.sourceline)
    if local_name(root) in kinds:
        yield from _document(events, root)
    else:
        yield from _parts(events, root, kinds)


def _document(events: Iterator[tuple[str, Any]], root: Any) -> Iterator[Record]:
    """The document is the record."""
    for count, (_, element) in enumerate(events):
        _check(element)
        if count > 2 * MAX_VALUES:
            raise _RefusedError(_TOO_MUCH, element.sourceline)
    yield Record("", root.sourceline, ())
    yield Record(local_name(root), root.sourceline, tuple(leaves(root, {})))


def _parts(events: Iterator[tuple[str, Any]], root: Any, kinds: frozenset[str]) -> Iterator[Record]:
    head = list(_attributes(root, local_name(root)))
    outside: list[Leaf] = []
    depth = 0
    opened = False
    names: dict[Any, str] = {}
    patterns: _Patterns = {}
    most = 2 * MAX_VALUES  # events until the record must have ended
    for count, (event, element) in enumerate(events):
        tag = element.tag
        if count > most:
            raise _RefusedError(_TOO_MUCH, element.sourceline)
        if (name := names.get(tag)) is None:
            _check(element)
            name = names[tag] = local_name(element)
        if name not in kinds:
            if event == "end" and depth == 0:
                _gather(element, root, outside)
        elif event == "start":
            depth += 1
            if not opened:
                opened = True
                yield Record("", root.sourceline, (*head, *_numbered(outside)))
                outside = []
        else:
            depth -= 1
            if depth == 0:
                yield Record(name, element.sourceline, tuple(leaves(element, names, patterns)))
                _release(element)
                most = count + 2 * MAX_VALUES
    if not opened:
        yield Record("", root.sourceline, (*head, *_numbered(outside)))
        outside = []
    yield Record("", root.sourceline, tuple(_numbered(outside)))


def _gather(element: Any, root: Any, outside: list[Leaf]) -> None:
    outside.extend(_own_leaves(element, root))
    if len(outside) > MAX_VALUES:
        raise _RefusedError(_TOO_MUCH, element.sourceline)
    _release(element)


def _own_leaves(element: Any, root: Any) -> Iterator[Leaf]:
    """An element outside of records: its own attributes and texts (children gave theirs already)."""
    path = "/".join(reversed([local_name(e) for e in (element, *element.iterancestors())]))
    if len(path) > MAX_PATH:
        raise _long_path(element)
    if element is not root:
        yield from _attributes(element, path)
    texts = [element.text, element.get(_TAILS), *(child.tail for child in element)]
    if any(text and text.strip() for text in texts):
        yield Leaf.at(path, " ".join(text for text in texts if text and text.strip()), element.sourceline)


_TOO_MUCH: Final = (
    f"a record, or what stands around records, of more than {MAX_VALUES} elements; that is no report"
)
_TAILS: Final = "{urn:taxii-hub:reader}tails"


def _release(element: Any) -> None:
    """Free what was read. Text after it belongs to its parent and is kept there until the parent ends."""
    parent = element.getparent()
    if parent is None:
        return
    for before in list(element.itersiblings(preceding=True)):
        if before.tail and before.tail.strip():
            parent.set(_TAILS, f"{parent.get(_TAILS) or ''} {before.tail}".strip())
        parent.remove(before)
    element.clear(keep_tail=True)


def _numbered(found: list[Leaf]) -> Iterator[Leaf]:
    total, seen = Counter(leaf.path for leaf in found), Counter[str]()
    for leaf in found:
        seen[leaf.path] += 1
        path = f"{leaf.path}[{seen[leaf.path]}]" if total[leaf.path] > 1 else leaf.path
        yield Leaf(path, leaf.value, leaf.line, leaf.pattern)


def _check(element: Any) -> None:
    if isinstance(element.tag, str) and element.tag.startswith(_XINCLUDE):
        raise _RefusedError(
            "uses XInclude, which is never followed; resolve it at the source", element.sourceline
        )


def local_name(element: Any) -> str:
    """The name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else "node()"


def leaves(element: Any, names: dict[Any, str], patterns: _Patterns | None = None) -> list[Leaf]:
    """Every non-empty text and attribute of the element and of what is inside, in document order.
    ``names``: local names of tags, and ``patterns``: those inside each pattern, as far as they are known."""
    found: list[Leaf] = []
    _collect(element, "", "", _Known(names, {} if patterns is None else patterns, found))
    return found


_Patterns = dict[str, dict[str, str]]


class _Known(NamedTuple):
    names: dict[Any, str]
    patterns: _Patterns
    found: list[Leaf]

    def inside(self, pattern: str) -> dict[str, str]:
        """The patterns inside that one, by their last step."""
        below = self.patterns.get(pattern)
        if below is None:
            below = {}
            if len(self.patterns) < _REMEMBERED:
                self.patterns[pattern] = below
        return below


def _collect(element: Any, path: str, pattern: str, into: _Known) -> None:
    if element.keys():
        into.found.extend(_attributes(element, path))
    text = element.text
    children = list(element)
    if len(path) > MAX_PATH:
        raise _long_path(element)
    if not children:
        if text and not text.isspace():
            into.found.append(Leaf(path or ".", text, element.sourceline, pattern or "."))
        return
    texts = [part for child in children if (part := child.tail) and not part.isspace()]
    if text and not text.isspace():
        texts.insert(0, text)
    if texts:
        into.found.append(Leaf.at(f"{path}/text()".lstrip("/"), " ".join(texts), element.sourceline))
    _inside(children, path, pattern, into)


def _inside(children: list[Any], path: str, pattern: str, into: _Known) -> None:
    steps = [into.names.get(child.tag) or local_name(child) for child in children]
    several = len(set(steps)) < len(steps)
    total = Counter(steps) if several else {}
    seen: dict[str, int] = {}
    below = into.inside(pattern)
    for child, name in zip(children, steps, strict=True):
        step = f"{path}/{name}" if path else name
        if several and total[name] > 1:
            seen[name] = number = seen.get(name, 0) + 1
            step = f"{step}[{number}]"
        inner = below.get(name)
        if inner is None:  # one text for all leaves of a pattern: it is looked up often
            inner = f"{pattern}/{name}" if pattern else name
            if len(below) < _REMEMBERED:
                below[name] = inner
        if len(child) or child.keys() or len(step) > MAX_PATH:
            _collect(child, step, inner, into)
        elif (text := child.text) and not text.isspace():
            into.found.append(Leaf(step, text, child.sourceline, inner))


def _long_path(element: Any) -> _RefusedError:
    told = f"elements whose names make a path of more than {MAX_PATH} characters; that is no report"
    return _RefusedError(told, element.sourceline)


def _attributes(element: Any, path: str) -> Iterator[Leaf]:
    if len(element.attrib) > MAX_ATTRIBUTES:  # listing them takes time by their square
        raise _RefusedError(
            f"an element with more than {MAX_ATTRIBUTES} attributes; that is no report", element.sourceline
        )
    if len(path) > MAX_PATH:
        raise _long_path(element)
    for key, value in element.attrib.items():
        if value.strip() and key != _TAILS:
            name = key.rpartition("}")[2]
            yield Leaf.at(f"{path}/@{name}".lstrip("/"), value, element.sourceline)


def element_names(data: bytes) -> list[str]:
    """The local names of all elements, in document order; what is not well-formed ends the list."""
    parser = etree.XMLPullParser(events=("start",), **HARDENED)
    with suppress(etree.XMLSyntaxError):
        parser.feed(data)
    found: list[Any] = [element for _, element in parser.read_events()]
    return [local_name(element) for element in found]


def sniff(head: bytes, names: int = 40) -> Head:
    """Root, its attributes and the first elements of what may be XML; never raises."""
    parser = etree.XMLPullParser(events=("start",), **HARDENED)
    try:
        parser.feed(head)
        fault, line = None, 1
    except etree.XMLSyntaxError as error:
        fault, line = f"not well-formed XML ({_reason(error)})", error.lineno or 1
    elements: list[Any] = [element for _, element in parser.read_events()]
    if not elements:
        if (typed := _TYPED.match(head)) is not None:
            return Head(fault=_DOCTYPE, line=typed[0].count(b"\n") + 1)
        return Head(fault=fault or "not XML", line=line)
    root = elements[0]
    if root.getroottree().docinfo.doctype:
        typed = _TYPED.match(head)
        return Head(fault=_DOCTYPE, line=typed[0].count(b"\n") + 1 if typed else 1)
    # Not etree.QName: it raises for names that the parser itself lets pass (`Axmlns:xsi`).
    attributes = frozenset(str(key).rpartition("}")[2] for key in root.attrib)
    return Head(local_name(root), attributes, frozenset(map(local_name, elements[:names])))


def _refusal(error: etree.XMLSyntaxError) -> str:
    reason = _reason(error)
    if _LIMITS.search(reason):  # a text of 10 MB, a depth of 256: the parser's own limits
        return f"beyond what a report may be ({_LIMITS.sub('', reason)}); look at that place"
    return f"not well-formed XML ({reason}); get the file again"


def _reason(error: etree.XMLSyntaxError) -> str:
    """The parser's words without the file name and position that it appends."""
    return " ".join(str(error.msg or "no reason given").split(", line ", 1)[0].split())
