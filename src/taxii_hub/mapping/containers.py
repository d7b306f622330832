"""The sections ``reader`` and ``detect`` of mapping.yaml: how a file is read, and how it is recognised."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, cast, get_args

from taxii_hub.mapping.located_yaml import Located
from taxii_hub.mapping.readers.options import (
    ROW,
    CsvReader,
    Encoding,
    Group,
    Header,
    JsonReader,
    LibraryReader,
    Part,
    Reader,
    Sheet,
    SheetReader,
    XmlReader,
)
from taxii_hub.mapping.spec import Detect

Entries = dict[str, Located]


def load_reader(at: Located, folder: Path) -> Reader:
    """``folder`` is the mapping's. Raises MappingError with file, line and key."""
    kinds: dict[str, Callable[[Located], Reader]] = {
        "xml": _xml, "json": _json, "csv": _csv, "xlsx": _sheets, "ods": _sheets, "library": lambda at: _library(at, folder),
    }  # fmt: skip
    kind = wanted(at.items(), "kind", at)
    return kinds[one_of(kind, kinds)](at)


def wanted(entries: Entries, key: str, at: Located) -> Located:
    """The entry, which must be there."""
    if key not in entries:
        at.fail(f"{key} is missing; docs/mappings.md shows what it says")
    return entries[key]


def one_of(at: Located, words: Collection[str]) -> str:
    """The text at ``at``, one of ``words``."""
    if at.text() not in words:
        at.fail(f"one of {', '.join(sorted(words))} is wanted")
    return at.text()


def _xml(at: Located) -> Reader:
    entries = at.items({"kind", "records", "shared"})
    shared = (
        {kind: key.text() for kind, key in entries["shared"].items().items()} if "shared" in entries else {}
    )
    return XmlReader(frozenset(wanted(entries, "records", at).texts()), shared)


def _json(at: Located) -> Reader:
    entries = at.items({"kind", "records", "lines", "dotted"})
    lines = _flag(entries, "lines")
    whole = lines and "records" in entries
    kinds = frozenset({"."}) if lines and not whole else frozenset(wanted(entries, "records", at).texts())
    if whole and kinds != {"."}:
        entries["records"].fail('only "." goes with lines: the file is one document (or list), or one a line')
    return JsonReader(kinds, lines, whole, _flag(entries, "dotted"))


_CSV: Final = frozenset(
    {"kind", "records", "delimiter", "encoding", "header", "empty", "short_rows", "group", "kind_column"}
    | {"files"}
)


def _csv(at: Located) -> Reader:
    entries = at.items(_CSV)
    delimiters = (
        tuple(str(e.data) for e in entries["delimiter"].elements()) if "delimiter" in entries else (",",)
    )
    if any(len(delimiter) != 1 for delimiter in delimiters):
        entries["delimiter"].fail('single characters are wanted, such as [",", ";", "\\t"]')
    named = entries["encoding"].elements() if "encoding" in entries else ()
    encodings = [one_of(element, get_args(Encoding)) for element in named]
    parts = _parts(entries["files"]) if "files" in entries else ()
    if parts and "header" in entries:
        entries["header"].fail("does not go with files: each of them names its columns")
    return CsvReader(
        kinds=_kinds(entries),
        delimiters=delimiters,
        encodings=cast("tuple[Encoding, ...]", tuple(encodings)) or ("utf-8", "utf-16", "windows-1252"),
        header=_header(entries.get("header")),
        empty=_set(entries, "empty"),
        short_rows=_flag(entries, "short_rows"),
        group=_group(entries),
        kind_column=_kind_column(entries),
        parts=parts,
    )


def _sheets(at: Located) -> Reader:
    entries = at.items(
        {"kind", "records", "sheets", "header", "empty", "group", "kind_column", "fill_merged"}
    )
    header = _header(entries.get("header"))
    sheets = (
        tuple(_sheet(element, header) for element in entries["sheets"].elements())
        if "sheets" in entries
        else ()
    )
    kinds = (
        {s.kind for s in sheets if s.outside is None}
        if sheets and "kind_column" not in entries
        else _kinds(entries)
    )
    return SheetReader(
        kinds=frozenset(kinds),
        sheets=sheets or (Sheet("*", min(kinds), header),),
        empty=_set(entries, "empty"),
        group=_group(entries),
        kind_column=_kind_column(entries),
        fill_merged=_flag(entries, "fill_merged"),
    )


def _sheet(at: Located, default: Header) -> Sheet:
    entries = {"name": at} if isinstance(at.data, str) else at.items({"name", "record", "header", "outside"})
    return Sheet(
        name=wanted(entries, "name", at).text(),
        kind=entries["record"].text() if "record" in entries else ROW,
        header=_header(entries["header"]) if "header" in entries else default,
        outside=entries["outside"].text() if "outside" in entries else None,
    )


def _library(at: Located, folder: Path) -> Reader:
    entries = at.items({"kind", "records", "seconds", "megabytes", "extra", "split"})
    return LibraryReader(
        kinds=frozenset(wanted(entries, "records", at).texts()),
        seconds=_number(entries, "seconds", 120),
        megabytes=_number(entries, "megabytes", 2048),
        extra=entries["extra"].text() if "extra" in entries else None,
        split=_flag(entries, "split"),
        folder=folder,
    )


def _header(at: Located | None) -> Header:
    if at is None:
        return Header((), {}, ())
    if isinstance(at.data, list):
        return Header(at.texts(), {}, ())
    entries = at.items({"required", "synonyms", "columns"})
    if "columns" in entries and len(entries) > 1:
        entries["columns"].fail("stands alone: a file has a header row or it has not")
    synonyms: dict[str, str] = {}
    for name, others in entries["synonyms"].items().items() if "synonyms" in entries else ():
        synonyms.update(dict.fromkeys((name, *others.texts()), name))
    required = entries["required"].texts() if "required" in entries else ()
    return Header(required, synonyms, entries["columns"].texts() if "columns" in entries else ())


def _parts(at: Located) -> tuple[Part, ...]:
    parts = []
    for step, entry in at.items().items():
        said = entry.items({"name", "columns", "join", "optional"})
        columns = said["columns"].texts() if "columns" in said else ()
        join = said["join"].text() if "join" in said else None
        if join is not None and columns and join not in columns:
            said["join"].fail(f"is none of the columns: {', '.join(columns)}")
        parts.append(Part(step, wanted(said, "name", entry).text(), columns, join, _flag(said, "optional")))
    if sum(part.join is None for part in parts) != 1:
        at.fail("exactly one file has no join: the main one")
    return tuple(parts)


def _group(entries: Entries) -> Group | None:
    if "group" not in entries:
        return None
    at = entries["group"]
    if isinstance(at.data, str):
        return Group(at.text(), number=False)
    said = at.items({"by", "number", "start", "continued"})
    start = (
        [(column, like.text()) for column, like in said["start"].items().items()] if "start" in said else []
    )
    if len(start) > 1:
        said["start"].fail("one column with its pattern is wanted")
    by = wanted(said, "by", at).text()
    return Group(by, _flag(said, "number"), start[0] if start else None, _flag(said, "continued"))


def _kinds(entries: Entries) -> frozenset[str]:
    return frozenset(entries["records"].texts()) if "records" in entries else frozenset({ROW})


def _kind_column(entries: Entries) -> str | None:
    if "kind_column" in entries and "group" in entries:
        entries["kind_column"].fail("does not go with group")
    return entries["kind_column"].text() if "kind_column" in entries else None


def _set(entries: Entries, key: str) -> frozenset[str]:
    return frozenset(entries[key].texts()) if key in entries else frozenset()


def _flag(entries: Entries, key: str) -> bool:
    if key not in entries:
        return False
    data = entries[key].data
    if not isinstance(data, bool):
        entries[key].fail("true or false is wanted")
    return data


def _number(entries: Entries, key: str, default: int) -> int:
    if key not in entries:
        return default
    data: Any = entries[key].data
    if not isinstance(data, int) or isinstance(data, bool) or data < 1:
        entries[key].fail("a whole number is wanted")
    return int(data)


def load_detect(at: Located, reader: Reader) -> Detect:
    """Raises MappingError; what is said must go with the reader."""
    known = {
        XmlReader: {"root", "attributes", "any_of"},
        JsonReader: {"keys", "any_of", "none_of"},
        CsvReader: {"header", "none_of", "cells", "preamble", "columns"},
        SheetReader: {"header", "none_of", "sheets"},
        LibraryReader: {"root", "attributes", "any_of", "keys", "none_of"},
    }[type(reader)]
    entries = at.items(known)
    enough = {"root", "keys", "header", "cells", "sheets"}
    if isinstance(reader, JsonReader | LibraryReader):
        enough.add("any_of")
    if not entries.keys() & enough:
        at.fail(f"says nothing that a file must have; known are {', '.join(sorted(known))}")
    if isinstance(reader, XmlReader):
        wanted(entries, "root", at)
    cells = {int(key) if key.isdigit() else 0: _pattern(e) for key, e in entries["cells"].items().items()} if "cells" in entries else {}  # fmt: skip
    if 0 in cells:
        entries["cells"].fail("columns are numbers, from 1")
    return Detect(
        roots=entries["root"].texts() if "root" in entries else (),
        attributes=_set(entries, "attributes"),
        any_of=_set(entries, "any_of"),
        keys=_set(entries, "keys"),
        none_of=_set(entries, "none_of"),
        header=entries["header"].texts() if "header" in entries else (),
        columns=_number(entries, "columns", 0) if "columns" in entries else 0,
        cells=cells,
        preamble=_pattern(entries["preamble"]) if "preamble" in entries else None,
        sheets=entries["sheets"].texts() if "sheets" in entries else (),
    )


def _pattern(at: Located) -> re.Pattern[str]:
    try:
        return re.compile(at.text())
    except re.error as error:
        at.fail(f"is no regular expression ({error})")
