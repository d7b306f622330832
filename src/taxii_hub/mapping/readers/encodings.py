"""What a CSV file is written in: said by its mark, or found out (within what the mapping allows)."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers.options import MAX_DOCUMENT, MAX_LINE, CsvReader
from taxii_hub.mapping.readers.stream import SourceStream
from taxii_hub.mapping.record import Remark

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS: Final = Remark(
    "bad-text", "holds NUL, which no text may; it was read as \ufffd", "look for damage at the source"
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a file is written in. ``guessed``: nothing in the file says so. ``zeros``: NUL stands in it."""

    name: str
    guessed: bool
    zeros: bool = False

    def remarks(self) -> Iterator[Remark]:
        """What is to be said about it."""
        if self.guessed:
            yield Remark(
                "guessed-encoding",
                f"does not say its encoding; it was read as {self.name}",
                "look at letters with accents; save the file as UTF-8",
            )
        if self.zeros:
            yield _ZEROS

    def lines(self, file: Iterable[str]) -> Iterator[str]:
        """Without NUL."""
        return (line.replace("\0", "\ufffd") for line in file) if self.zeros else iter(file)


def encoding_of(stream: SourceStream, reader: CsvReader) -> Encoded:
    """Reads the whole file. Raises ReportError, also for a line that is too long."""
    stream.check_size(MAX_DOCUMENT)
    first = stream.read(1 << 16)
    chunks, checks = [first], {"utf-8": codecs.getincrementaldecoder("utf-8")("strict")}
    known = next((name for bom, name in _BOMS if first.startswith(bom)), None)
    utf16 = None if known else _bare_utf16(first)
    since = 0
    bad: int | None = None
    done = 0
    zeros = False
    while chunk := chunks.pop() if chunks else b"":
        if bad is None and known is None:
            try:
                checks["utf-8"].decode(chunk)
            except UnicodeDecodeError as error:
                bad = stream.line_at(done, error.start)
        since = len(chunk) - chunk.rfind(b"\n") if b"\n" in chunk else since + len(chunk)
        if since > MAX_LINE:
            line = stream.line_at(done, 0)
            raise ReportError(f"{stream.name}:{line}: a line of more than {MAX_LINE} bytes; mend the file")
        done += len(chunk)
        zeros = zeros or b"\0" in chunk
        if following := stream.read(1 << 20):
            chunks.append(following)
    if known is not None:
        return Encoded(known, guessed=False)
    if utf16 is not None and "utf-16" in reader.encodings:
        return Encoded(utf16, guessed=True)
    if bad is None and "utf-8" in reader.encodings:
        with suppress(UnicodeDecodeError):
            checks["utf-8"].decode(b"", final=True)
            return Encoded("utf-8", guessed=False, zeros=zeros)
    if "windows-1252" in reader.encodings:
        return Encoded("windows-1252", guessed=True, zeros=zeros)
    allowed = ", ".join(reader.encodings)
    raise ReportError(f"{stream.name}:{bad or 1}: not written in {allowed}; save the file as UTF-8")


def encoding_of_head(first: bytes) -> str | None:
    """What the first bytes say, or look like."""
    return next((name for bom, name in _BOMS if first.startswith(bom)), None) or _bare_utf16(first)


def _bare_utf16(first: bytes) -> str | None:
    """Which UTF-16 the bytes look like: Latin text has a zero beside nearly every letter."""
    half = max(len(first[:2000]) // 2, 1)
    if first[1:2000:2].count(0) > half * 0.7:
        return "utf-16-le"
    return "utf-16-be" if first[0:2000:2].count(0) > half * 0.7 else None
