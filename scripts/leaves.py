"""How many non-empty values a report holds, counted without the hub's readers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from taxii_hub.mapping.readers.options import CsvReader, SheetReader
from taxii_hub.mapping.spec import Spec


def count(spec: Spec, path: Path) -> int | None:
    """None where cells before or beside a header make another way of counting a guess."""
    if path.is_dir():
        return sum(count(spec, file) or 0 for file in path.iterdir() if file.suffix.casefold() == ".csv")
    data = path.read_bytes()
    if isinstance(spec.reader, SheetReader):
        return None
    if isinstance(spec.reader, CsvReader):
        return _cells(data, spec.reader)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _elements(data)
    return sum(1 for _ in _scalars(json.loads(data)))


def _elements(data: bytes) -> int:
    """Attributes, and elements with text; the file was refused before if it has a document type."""
    found = 0
    for element in etree.fromstring(data, etree.XMLParser(resolve_entities=False)).iter(etree.Element):
        texts = (element.text, *(child.tail for child in element))
        found += any(text and text.strip() for text in texts)
        found += sum(bool(value.strip()) for value in element.attrib.values())
    return found


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _scalars(inner)
    elif value is not None and not (isinstance(value, str) and not value.strip()):
        yield value


def _cells(data: bytes, reader: CsvReader) -> int | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("windows-1252")
    names = set(reader.header.required)
    for delimiter in reader.delimiters:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        header = next((n for n, row in enumerate(rows[:30]) if names <= {cell.strip() for cell in row}), None)
        if reader.parts:
            header = -1
        elif header is None or not names:
            continue
        body = [row for n, row in enumerate(rows) if n != header and row != ["\x1a"]]
        empty = reader.empty | {""}
        return sum(cell.strip() not in empty for row in body for cell in row)
    return None
