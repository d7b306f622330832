"""The one door to the readers: a report (a file, several files, a folder) becomes records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers import csv, json, library, sheets, xml
from taxii_hub.mapping.readers.options import (
    CsvReader,
    JsonReader,
    LibraryReader,
    Reader,
    SheetReader,
    XmlReader,
)
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Progress, Record

Source = Path | Sequence[Path]
"""A report: one file, the files that it is, or the folder that holds them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """``records``: first one of kind ``""``. ``sha256``: of the whole report, asked for when the records
    are read. ``files``: first step of a leaf's path → the file in which it stands, where there are several."""

    records: Iterator[Record]
    sha256: Callable[[], str]
    files: Mapping[str, str]


@contextmanager
def opened(
    reader: Reader,
    source: Source,
    name: str,
    progress: Progress | None = None,
    removed: tuple[str, ...] = (),
) -> Iterator[Opened]:
    """The report's records. ``removed``: paths that a library must not see. Raises ReportError, also while they are read."""
    with ExitStack() as stack:
        if isinstance(reader, CsvReader):
            parts = csv.parts(source, reader, name)
            if len(parts) > 1:
                streams = [
                    (part, stack.enter_context(SourceStream(path, progress)), path) for part, path in parts
                ]
                steps = {part.step: path.name for part, path in parts if part is not None and part.join}
                yield Opened(
                    csv.records(streams, reader), lambda: _together([s for _, s, _ in streams]), steps
                )
                return
            part, path = parts[0]
            stream = stack.enter_context(SourceStream(path, progress, name))
            yield Opened(csv.records([(part, stream, path)], reader), stream.sha256, {})
            return
        path = _one(source, name)
        stream = stack.enter_context(SourceStream(path, progress, name))
        if isinstance(reader, LibraryReader):
            found = library.records(stream, path, reader, removed)
        else:
            found = _records(reader, stream, name)
        yield Opened(found, stream.sha256, {})


def _records(
    reader: XmlReader | JsonReader | SheetReader, stream: SourceStream, name: str
) -> Iterator[Record]:
    match reader:
        case XmlReader():
            return xml.records(stream, name, reader.kinds | reader.shared.keys())
        case JsonReader():
            return json.records(stream, name, reader)
        case SheetReader():
            return sheets.records(stream, reader)


def _one(source: Source, name: str) -> Path:
    paths = [source] if isinstance(source, Path) else list(source)
    if len(paths) != 1 or paths[0].is_dir():
        raise ReportError(f"{name}: this report is one file; convert the files one by one")
    return paths[0]


def _together(streams: Sequence[SourceStream]) -> str:
    """Of several files: the digest of their digests, in the order of the mapping."""
    return hashlib.sha256("".join(stream.sha256() for stream in streams).encode()).hexdigest()
