"""Which mapping a file belongs to: decided by content alone, and with reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from taxii_hub.errors import ReportError, UnknownFormatError
from taxii_hub.mapping.not_read import reason_of
from taxii_hub.mapping.readers import csv, json, rows, sheets, xml
from taxii_hub.mapping.readers.dispatch import Source
from taxii_hub.mapping.readers.options import MAX_DOCUMENT, CsvReader, Header, SheetReader
from taxii_hub.mapping.registry import Registry
from taxii_hub.mapping.spec import Detect, Spec

HEAD_SIZE = 1 << 16
_ZIP = b"PK\x03\x04"
_BETWEEN = {
    "xml": re.compile(r"[^\w.-]+(?:\w+:)?"),
    "json": re.compile(r'["{}\[\]:,\s]+'),
    "rows": re.compile(r'[",;\t\r\n]+'),
}
_NEAR = 0.3
_NAMED = 3
"""So many mappings are named where none claims a file, if so much of what they look for is there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one mapping says of a file: ``reasons`` for the claim, or against it. ``nearness``: how much
    of what it looks for is there (0 to 1), where the container is its own."""

    mapping: Spec
    claimed: bool
    reasons: tuple[str, ...]
    nearness: float = 0.0


def detect(registry: Registry, source: Source | bytes, name: str) -> Spec:
    """The one mapping that claims the file, files or folder (or a file's first bytes; of a workbook all
    of them); ``name`` is for messages only.

    Raises UnknownFormatError naming those that are nearest, also where more than one claims it;
    ReportError where the file cannot be read.
    """
    content, found = _verdicts(registry, source, name)
    claims = [verdict for verdict in found if verdict.claimed]
    if len(claims) == 1:
        return claims[0].mapping
    if claims:
        names = ", ".join(verdict.mapping.format for verdict in claims)
        raise UnknownFormatError(f"{name}: could be any of {names}; say which with --mapping")
    if content is not None and (fault := content.fault) is not None:
        raise ReportError(f"{name}{fault}")
    if content is not None and (reason := reason_of(content.container, content.words)) is not None:
        raise UnknownFormatError(f"{name}: {reason}")
    raise UnknownFormatError(
        f"{name}: no mapping knows this file{_nearest(found)}. `taxii-hub mappings list` shows them all: if "
        "you know its format, name it with --mapping; `taxii-hub mappings new` drafts one for a new format"
    )


def _nearest(found: Sequence[Verdict]) -> str:
    if not found:
        return " (there are no mappings)"
    near = sorted((v for v in found if v.nearness >= _NEAR), key=lambda v: -v.nearness)[:_NAMED]
    return "".join(
        f"{'; nearest: ' if position == 0 else ', '}{verdict.mapping.format} ({', '.join(verdict.reasons)})"
        for position, verdict in enumerate(near)
    )


def verdicts(registry: Registry, source: Source | bytes, name: str) -> list[Verdict]:
    """What every mapping says of the file, in the order of their names."""
    return _verdicts(registry, source, name)[1]


def _verdicts(registry: Registry, source: Source | bytes, name: str) -> tuple[Content | None, list[Verdict]]:
    files = [] if isinstance(source, bytes) else _files(source, name)
    if len(files) > 1:
        return None, [_of_several(spec, files, name) for spec in registry]
    content = Content(source if isinstance(source, bytes) else _head_of(files[0], name))
    return content, [_verdict(spec, content) for spec in registry]


def _files(source: Source, name: str) -> list[Path]:
    if not isinstance(source, Path):
        return list(source)
    if not source.is_dir():
        return [source]
    files = sorted(path for path in source.iterdir() if path.is_file() and path.name[0] != ".")
    if not files:
        raise ReportError(f"{name}: is an empty folder; name the report's file")
    return files


def _head_of(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE)
            return head + file.read(MAX_DOCUMENT) if head.startswith(_ZIP) else head
    except OSError as error:
        raise ReportError(f"{name}: cannot be read ({error.strerror}); check name and rights") from None


class Content:
    """What the beginning of a file shows, each way of reading it tried when first asked for."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self.is_zip = head.startswith(_ZIP)

    @cached_property
    def xml(self) -> xml.Head:
        return xml.sniff(self._head[:HEAD_SIZE])

    @cached_property
    def json(self) -> json.Head:
        return json.sniff(self._head[:HEAD_SIZE])

    @cached_property
    def container(self) -> str:
        """``xml``, ``json``, ``sheets`` or ``rows``, as far as the first character tells."""
        first = self._text.lstrip("\ufeff \t\r\n")[:1]
        return "sheets" if self.is_zip else {"<": "xml", "{": "json", "[": "json"}.get(first, "rows")

    @cached_property
    def fault(self) -> str | None:
        """Why nothing can be read out of it, whatever its format; begins with the line."""
        if self.is_zip:
            return None if self._workbook is None else f": {self._workbook}"
        if not self._head.strip():
            return f":1: {'begins with nothing but blanks' if self._head else 'is empty'}; get the file again"
        if self.container == "xml" and self.xml.fault is not None:
            remedy = "remove it at the source" if "DOCTYPE" in self.xml.fault else "get the file again"
            return f":{self.xml.line}: {self.xml.fault}; {remedy}"
        if self.container == "json" and self.json.fault is not None:
            return f":1: {self.json.fault}; that is no report"
        return None

    @cached_property
    def _workbook(self) -> str | None:
        try:
            sheets.opened(self._head, "workbook")
        except ReportError as error:
            return str(error).partition(": ")[2]
        return None

    @cached_property
    def words(self) -> frozenset[str]:
        """What a mapping may look for: the names of elements, keys, sheets or columns, folded."""
        if self.is_zip:
            found = self.sheets(Header((), {}, ()))
            return frozenset(rows.fold(word) for title in found for word in (title, *(found[title] or ())))
        pieces = set(_BETWEEN[self.container].split(self._text))
        return frozenset(rows.fold(piece) for piece in pieces if piece)

    @cached_property
    def _text(self) -> str:
        encoding = "utf-16" if self._head[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
        return self._head[:HEAD_SIZE].decode(encoding, "replace")

    def rows(self, reader: CsvReader, header: Header) -> list[rows.Row]:
        return [] if self.is_zip else csv.sniff(self._head, reader.delimiters, header)

    def sheets(self, header: Header) -> dict[str, tuple[str, ...] | None]:
        return sheets.sniff(self._head, header) if self.is_zip and self._workbook is None else {}


def _of_several(spec: Spec, files: Sequence[Path], name: str) -> Verdict:
    """Several files are one report where the mapping says so and its main file is among them."""
    if not isinstance(spec.reader, CsvReader) or not spec.reader.parts:
        return Verdict(spec, claimed=False, reasons=("its report is one file",))
    try:
        _, main = csv.parts(files, spec.reader, name)[0]
    except ReportError as error:
        return Verdict(spec, claimed=False, reasons=(str(error).partition(": ")[2],))
    return _verdict(spec, Content(_head_of(main, name)))


def _verdict(spec: Spec, content: Content) -> Verdict:
    against = list(_against(spec, content))
    if against:
        return Verdict(spec, claimed=False, reasons=tuple(against), nearness=_nearness(spec, content))
    return Verdict(spec, claimed=True, reasons=tuple(_for(spec.detect)))


def _nearness(spec: Spec, content: Content) -> float:
    wanted = spec.detect
    container = "xml" if wanted.roots else "json" if wanted.keys or wanted.any_of else "rows"
    if content.container != ("sheets" if isinstance(spec.reader, SheetReader) else container):
        return 0.0
    paths = [*wanted.roots, *wanted.attributes, *wanted.keys, *wanted.header]
    marks = {rows.fold(path.rpartition("/")[2]) for path in paths or sorted(wanted.any_of)}
    return len(marks & content.words) / len(marks) if marks else 0.0


def _for(wanted: Detect) -> Iterator[str]:
    if wanted.roots:
        yield f"root {' or '.join(wanted.roots)}"
        yield ", ".join(sorted(wanted.any_of)) or "the root is enough"
    elif wanted.any_of and not wanted.keys:
        yield f"one of the keys {', '.join(sorted(wanted.any_of))}"
    for what, names in (("keys", sorted(wanted.keys)), ("columns", wanted.header), ("sheets", wanted.sheets)):
        if names:
            yield f"{what} {', '.join(names)}"
    if wanted.cells:
        yield f"what stands in columns {', '.join(map(str, wanted.cells))}"


def _against(spec: Spec, content: Content) -> Iterator[str]:
    wanted = spec.detect
    if wanted.roots:
        yield from _against_xml(wanted, content.xml)
    elif wanted.keys or wanted.any_of:
        yield from _against_json(wanted, content.json)
    elif isinstance(spec.reader, SheetReader):
        yield from _against_sheets(wanted, spec.reader, content)
    elif isinstance(spec.reader, CsvReader):
        yield from _against_csv(wanted, spec.reader, content)


def _against_xml(wanted: Detect, head: xml.Head) -> Iterator[str]:
    if head.fault is not None:
        yield head.fault
    elif head.root not in wanted.roots:
        yield f"its root is {head.root!r}, not {' or '.join(map(repr, wanted.roots))}"
    else:
        yield from (f"the root has no {name!r}" for name in sorted(wanted.attributes - head.attributes))
        if wanted.any_of and not wanted.any_of & head.names:
            yield f"none of {', '.join(sorted(wanted.any_of))} among its first elements"


def _against_json(wanted: Detect, head: json.Head) -> Iterator[str]:
    if head.fault is not None:
        yield head.fault
        return
    yield from (f"has no key {key!r}" for key in sorted(wanted.keys - head.keys))
    if wanted.any_of and not wanted.any_of & head.keys:
        yield f"has none of the keys {', '.join(sorted(wanted.any_of))}"
    yield from (f"has a key {key!r}" for key in sorted(wanted.none_of & head.keys))


def _against_sheets(wanted: Detect, reader: SheetReader, content: Content) -> Iterator[str]:
    if not content.is_zip:
        yield "not a workbook"
        return
    header = Header(wanted.header, reader.sheets[0].header.synonyms, ())
    found = content.sheets(header)
    if not found:
        yield "not a workbook that can be read"
        return
    for pattern in wanted.sheets:
        if not any(fnmatchcase(title.strip().casefold(), pattern.casefold()) for title in found):
            yield f"has no sheet {pattern!r}"
    columns = [names for names in found.values() if names is not None]
    if wanted.header and not columns:
        yield f"no sheet has the columns {', '.join(wanted.header)}"
    elif columns and (none := sorted(wanted.none_of & {name for names in columns for name in names})):
        yield f"has a column {none[0]!r}"


def _against_csv(wanted: Detect, reader: CsvReader, content: Content) -> Iterator[str]:
    own = Header(wanted.header, reader.header.synonyms, reader.header.columns)
    first = [row for row in content.rows(reader, own) if row.fault is None and any(row.cells)]
    if not first:
        yield f"no rows with the columns {', '.join(wanted.header)}" if wanted.header else "no CSV"
        return
    if wanted.header and (table := rows.table(iter(first), own)) is not None:
        none = sorted(wanted.none_of & set(table.names))
        yield from (f"has a column {name!r}" for name in none)
        before = "\n".join(" ".join(row.cells) for row in table.preamble)
        if wanted.preamble is not None and wanted.preamble.search(before) is None:
            yield f"nothing before its header is like {wanted.preamble.pattern!r}"
    for column, pattern in wanted.cells.items():
        texts = [row.cells[column - 1] if column <= len(row.cells) else "" for row in first]
        if not all(map(pattern.fullmatch, texts)):
            yield f"column {column} of its first rows is not like {pattern.pattern!r}"
    if wanted.columns and {len(row.cells) for row in first} != {wanted.columns}:
        yield f"its rows have not {wanted.columns} columns"
