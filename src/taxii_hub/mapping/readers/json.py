"""JSON reports: one document with records at a path, or one document a line.

Numbers are kept as they are spelt and a key that stands twice in an object gives both values: nothing
is lost before anybody looks. A document is held as text (its size is limited), its records are parsed
one after the other; JSON lines are streamed, and a bad line costs itself only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers.options import MAX_DEPTH, MAX_HELD, MAX_LINE, MAX_PATH, MAX_VALUES, JsonReader
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Leaf, Record, Remark

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}\[\]:,])|[^\s"{}\[\]:,]+')
_DOT: Final = re.compile(r"(?<=[^./])\.(?=[^./])")
_FIRST: Final = 1 << 16
_UNSOUND: Final = re.compile("[\ud800-\udfff\0]")
_MAY_BE_UNSOUND: Final = ("\\ud", "\\uD", "\\u0000")
_PIECE: Final = 1 << 16
_ESCAPES: Final = str.maketrans({"~": "~0", "/": "~1", "[": "~2", "]": "~3"})


class _Placed(str):
    """A scalar outside of records, with its line."""

    __slots__ = ("line",)
    line: int


class _Twice(list[Any]):
    """The values of a key that stands more than once in an object."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the beginning of a file tells: the paths of its keys. ``lines``: a second document follows
    the first."""

    keys: frozenset[str] = frozenset()
    lines: bool = False
    fault: str | None = None


def records(stream: SourceStream, name: str, reader: JsonReader) -> Iterator[Record]:
    """First a record of kind ``""`` with every leaf outside of records, then the records. Raises
    ReportError for what is no JSON, with the line."""
    if reader.lines and not (reader.whole and _begins_document(stream)):
        yield Record("", 1, ())
        yield from (_dotted(record) if reader.dotted else record for record in _lines(stream, name))
        return
    text = _text(stream.read_all(MAX_HELD), name)
    try:
        scan = _Scan(text, reader.kinds)
        outside = scan.document()
        yield Record("", 1, tuple(_leaves(outside, "", 1, 0)))
        for kind, start, end, line in scan.spans:
            record = _record(kind, text[start:end], line)
            yield _dotted(record) if reader.dotted else record
    except json.JSONDecodeError as error:
        raise ReportError(f"{name}:{error.lineno}: not JSON ({error.msg}); get the file again") from None
    except (_TooDeepError, RecursionError):
        raise ReportError(f"{name}: nested more than {MAX_DEPTH} deep; that is no report") from None
    except _TooMuchError as error:
        raise ReportError(f"{name}:{error.line}: {error}; that is no report") from None


def _begins_document(stream: SourceStream) -> bool:
    """Whether the first line that says anything is the beginning of a list, or of an object that goes on."""
    for line in stream.head(_FIRST).removeprefix(b"\xef\xbb\xbf").splitlines():
        if text := line.strip():
            return text.startswith(b"[") or text.endswith((b"{", b"[", b","))
    return False


def _dotted(record: Record) -> Record:
    """A dot between two names is a step."""
    leaves = tuple(Leaf.at(_DOT.sub("/", leaf.path), leaf.value, leaf.line) for leaf in record.leaves)
    return replace(record, leaves=leaves)


class _TooDeepError(ValueError):
    pass


class _TooMuchError(ValueError):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _text(data: bytes, name: str) -> str:
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReportError(f"{name}:{line}: not {error.encoding} text; save the file as UTF-8") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        made = {}
        for key, value in pairs:
            if key not in made:
                made[key] = value
            elif isinstance(made[key], _Twice):
                made[key].append(value)
            else:
                made[key] = _Twice([made[key], value])
    return made


_DECODER: Final = json.JSONDecoder(
    parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_pairs
)
_SKIPPER: Final = json.JSONDecoder(parse_int=str, parse_float=str)


class _Scan:
    """Walks the document once: what stands outside of records is built, records become ``spans``."""

    def __init__(self, text: str, kinds: frozenset[str]) -> None:
        self._text, self._kinds = text, kinds
        self._at = self._counted = self._outside = 0
        self._line = 1
        self.spans: list[tuple[str, int, int, int]] = []

    def document(self) -> Any:
        made = self._value(())
        self._blank()
        if self._at < len(self._text):
            raise json.JSONDecodeError("more than one document", self._text, self._at)
        return made

    def _value(self, path: tuple[str, ...], depth: int = 0) -> Any:
        self._blank()
        if depth > MAX_DEPTH:
            raise _TooDeepError
        first = self._text[self._at : self._at + 1]
        kind = "/".join(path) or "."
        if first == "[":
            return self._list(path, depth)
        if first == "{":
            return self._span(kind) if kind in self._kinds else self._object(path, depth)
        line = self._here()
        self._outside += 1
        if self._outside > MAX_VALUES:
            raise _TooMuchError(f"more than {MAX_VALUES} values outside of records", line)
        scalar, self._at = _DECODER.raw_decode(self._text, self._at)
        text = _scalar(scalar)
        if text is None:
            return None
        placed = _Placed(text)
        placed.line = line
        return placed

    def _span(self, kind: str) -> None:
        start, line = self._at, self._here()
        self._at = start + self._length(start, line)
        self.spans.append((kind, start, self._at, line))

    def _length(self, start: int, line: int) -> int:
        """Of the object that begins there. It is looked for in pieces: what is too long is never built."""
        for size in (_PIECE, MAX_LINE):
            piece = self._text[start : start + size]
            try:
                return _SKIPPER.raw_decode(piece)[1]
            except json.JSONDecodeError:
                if len(piece) < size:
                    break
        else:
            raise _TooMuchError(f"a record of more than {MAX_LINE} characters, or one that never ends", line)
        return _SKIPPER.raw_decode(self._text, start)[1] - start

    def _list(self, path: tuple[str, ...], depth: int) -> list[Any]:
        self._at += 1
        made: list[Any] = []
        if self._ends("]"):
            return made
        while True:
            made.append(self._value(path, depth + 1))
            if self._ends("]"):
                return made
            self._expect(",")

    def _object(self, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        self._at += 1
        pairs: list[tuple[str, Any]] = []
        while not self._ends("}"):
            if pairs:
                self._expect(",")
                self._blank()
            key, end = _DECODER.raw_decode(self._text, self._at)
            if not isinstance(key, str) or self._text[self._at] != '"':
                raise json.JSONDecodeError("a key in quotes is wanted", self._text, self._at)
            self._at = end
            self._expect(":")
            pairs.append((key, self._value((*path, step(key)), depth + 1)))
        return _pairs(pairs)

    def _ends(self, mark: str) -> bool:
        self._blank()
        if self._text[self._at : self._at + 1] == mark:
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        self._blank()
        if self._text[self._at : self._at + 1] != mark:
            raise json.JSONDecodeError(f"{mark!r} is wanted", self._text, self._at)
        self._at += 1

    def _blank(self) -> None:
        if (found := _BLANK.match(self._text, self._at)) is not None:
            self._at = found.end()

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


def _record(kind: str, text: str, line: int) -> Record:
    if text.count(",") > MAX_VALUES:
        raise _TooMuchError(f"a record of more than {MAX_VALUES} values", line)
    parsed = _DECODER.decode(text)
    leaves = tuple(_leaves(parsed, "", line, 0))
    if not any(mark in text for mark in _MAY_BE_UNSOUND):
        return Record(kind, line, leaves)
    mended = tuple(
        Leaf(
            _UNSOUND.sub("\ufffd", leaf.path),
            _UNSOUND.sub("\ufffd", leaf.value),
            line,
            _UNSOUND.sub("\ufffd", leaf.pattern),
        )
        for leaf in leaves
    )
    if mended == leaves:
        return Record(kind, line, leaves)
    remark = Remark(
        "bad-text", "holds half of a character (a lone surrogate) or NUL", "correct it at the source"
    )
    return Record(kind, line, mended, (remark,))


def _lines(stream: SourceStream, name: str) -> Iterator[Record]:
    for number, line in enumerate(stream.lines(MAX_LINE), 1):
        data = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not data.strip():
            continue
        try:
            record = _record(".", data.decode("utf-8").strip(), number)
        except (ValueError, RecursionError) as error:
            why = (
                error.msg
                if isinstance(error, json.JSONDecodeError)
                else "not UTF-8, or nested too deep, or too much"
            )
            remark = Remark("bad-line", f"is no JSON ({why})", "get the line again", "error", fatal=True)
            text = data.decode("utf-8", "replace").strip()
            record = Record(".", number, (Leaf(".", text, number, "."),), (remark,))
        yield record


def step(key: str) -> str:
    """A key as a step of a path."""
    return key.translate(_ESCAPES) or "~"


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) and value.strip() else None


def _leaves(value: Any, path: str, line: int, depth: int) -> Iterator[Leaf]:
    """Every scalar that says something, in the order of the file. A list's elements are numbered where
    there are several; a list in a list is a step ``item``."""
    if depth > MAX_DEPTH:
        raise _TooDeepError
    if len(path) > MAX_PATH:
        raise _TooMuchError(f"keys of more than {MAX_PATH} characters", line)
    if isinstance(value, dict):
        for key, inner in value.items():
            below = f"{path}/{step(key)}" if path else step(key)
            yield from _leaves(inner, below, line, depth + 1)
    elif isinstance(value, list):
        base = path or "item"
        for number, inner in enumerate(value, 1):
            here = f"{base}[{number}]" if len(value) > 1 else base
            nested = f"{here}/item" if type(inner) is list else here
            yield from _leaves(inner, nested, line, depth + 1)
    elif (text := _scalar(value)) is not None:
        yield Leaf.at(path or ".", str(text), getattr(value, "line", line))


def sniff(head: bytes) -> Head:
    """The keys that the first bytes show; never raises."""
    text = head.decode(json.detect_encoding(head), "ignore").lstrip("\ufeff \t\r\n")
    if not text.startswith(("{", "[")):
        return Head(fault="not JSON")
    keys: set[str] = set()
    stack: list[list[str]] = []
    before, documents = "", 0
    for found in _TOKEN.finditer(text):
        quoted, mark = found[1], found[2]
        if mark in {"{", "["}:
            documents += not stack
            stack.append([mark, ""])
            if len(stack) > MAX_DEPTH:
                return Head(fault=f"nested more than {MAX_DEPTH} deep")
        elif mark in {"}", "]"}:
            if not stack:
                return Head(fault="not JSON")
            stack.pop()
        elif quoted is not None and stack and stack[-1][0] == "{" and before in {"{", ","}:
            stack[-1][1] = step(quoted)
            keys.add("/".join(key for _, key in stack if key))
        before = mark or "x"
    return Head(frozenset(keys), documents > 1)
