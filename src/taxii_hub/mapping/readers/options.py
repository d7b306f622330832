"""What a mapping says about its container: the ``reader`` section of mapping.yaml, one class a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Encoding = Literal["utf-8", "utf-16", "windows-1252"]
ROW: Final = "row"
"""The kind of a record that is a row (or a group of rows)."""

MEGABYTE: Final = 1 << 20
MAX_DOCUMENT: Final = 256 * MEGABYTE
"""Of a CSV file, a workbook, or one of several files."""
MAX_HELD: Final = 64 * MEGABYTE
"""Of a document that is held as text: Python may need four bytes for each of the file's."""
MAX_LINE: Final = 4 * MEGABYTE
"""Of a line, a row of cells, or a record of a JSON document."""
MAX_DEPTH: Final = 64
MAX_PATH: Final = 4_096
"""Characters of a leaf's path: every leaf has its own."""
MAX_VALUES: Final = 100_000
"""Of one record, or of what stands outside of records."""
MAX_ATTRIBUTES: Final = 1_000
MAX_BLANK_ROWS: Final = 1_000_000
MAX_COLUMNS: Final = 4_096
MAX_CELLS: Final = 20_000_000
MAX_EXPANDED: Final = 1024 * MEGABYTE
MAX_RATIO: Final = 100


@dataclass(frozen=True, slots=True)
class XmlReader:
    """``kinds``: the local names of the elements that are a record each; the root's own, where the document
    is the one record. ``shared``: elements outside of records, to which records refer → the path of their key."""

    kinds: frozenset[str]
    shared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JsonReader:
    """``kinds``: paths of the records (``items``, ``response/Event``), lists are stepped through; ``.``
    is the document itself, or each element of the list that it is. ``lines``: one document a line (and
    ``whole``: or one document, if it begins like that). ``dotted``: ``{"a.b": 1}`` is ``{"a": {"b": 1}}``."""

    kinds: frozenset[str]
    lines: bool
    whole: bool = False
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """How columns get their names: by a row that has all of ``required`` (found among the first rows),
    or by position (``columns``) where there is no such row. ``synonyms``: other spelling → name."""

    required: tuple[str, ...]
    synonyms: Mapping[str, str]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are one record: equal text in the column ``by`` (``number``: its leading digits only).
    ``start``: column and pattern; a second row that fits is another record: a text that was used again.
    ``continued``: a row without a text there goes on with the row above."""

    by: str
    number: bool
    start: tuple[str, str] | None = None
    continued: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a report that is several files. ``name`` is a pattern of file names; ``join`` the
    column whose text is that of the first column named so in the main file (None: the main file)."""

    step: str
    name: str
    columns: tuple[str, ...]
    join: str | None
    optional: bool


@dataclass(frozen=True, slots=True)
class CsvReader:
    """``delimiters`` and ``encodings`` that are allowed, in the order in which they are tried. ``empty``:
    texts that stand for nothing. ``short_rows``: missing cells at the end of a row are nothing.
    ``kind_column``: the column whose text is the record's kind, one of ``kinds``."""

    kinds: frozenset[str]
    delimiters: tuple[str, ...]
    encodings: tuple[Encoding, ...]
    header: Header
    empty: frozenset[str]
    short_rows: bool
    group: Group | None
    kind_column: str | None
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Sheets whose name fits ``name`` (a pattern): what one of their rows is, and its columns. ``outside``:
    they hold no records; their cells stand outside, as ``outside/column``."""

    name: str
    kind: str
    header: Header
    outside: str | None = None


@dataclass(frozen=True, slots=True)
class SheetReader:
    """``fill_merged``: every cell of a merged range has the text of its first one."""

    kinds: frozenset[str]
    sheets: tuple[Sheet, ...]
    empty: frozenset[str]
    group: Group | None
    kind_column: str | None
    fill_merged: bool


@dataclass(frozen=True, slots=True)
class LibraryReader:
    """``reader.py`` of the mapping's ``folder``, in a process of its own. ``seconds`` and ``megabytes`` are
    its limits, ``extra`` the name of the extra that brings the library. ``split``: of compound indicators
    each alternative becomes an indicator of its own, too."""

    kinds: frozenset[str]
    seconds: int
    megabytes: int
    extra: str | None
    folder: Path
    split: bool = False


Reader = XmlReader | JsonReader | CsvReader | SheetReader | LibraryReader
