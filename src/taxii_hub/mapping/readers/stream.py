"""A report file that is read once: hashed, counted and shown as progress while a parser reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from taxii_hub.errors import ReportError
from taxii_hub.mapping.record import Progress

_CHUNK = 1 << 16


class SourceStream:
    """A binary file with ``read``. Raises ReportError when it cannot be opened or read."""

    def __init__(self, path: Path, progress: Progress | None = None, name: str | None = None) -> None:
        try:
            self._file = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise ReportError(
                f"{name or path.name}: cannot be read ({error.strerror}); check name and rights"
            ) from None
        self.name = name or path.name
        self._hash = hashlib.sha256()
        self._progress = progress
        self.done = 0

    def read(self, size: int = _CHUNK) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise ReportError(f"{self.name}: reading stopped ({error.strerror}); try again") from None
        self._hash.update(data)
        self.done += len(data)
        if self._progress is not None:
            self._progress(self.done, self.size)
        return data

    def head(self, size: int) -> bytes:
        """The first bytes; they are not read yet."""
        with Path(self._file.name).open("rb") as again:
            return again.read(size)

    def line_at(self, done: int, offset: int) -> int:
        """The line of a byte: ``offset`` behind the first ``done`` ones."""
        left, lines = done + offset, 1
        with Path(self._file.name).open("rb") as again:
            while data := again.read(min(left, _CHUNK)):
                left -= len(data)
                lines += data.count(b"\n")
        return lines

    def read_all(self, limit: int) -> bytes:
        """The whole file. Raises ReportError where it is longer than ``limit`` bytes."""
        self.check_size(limit)
        return b"".join(iter(self.read, b""))

    def check_size(self, limit: int) -> None:
        """Raises ReportError for a file that is too long to be read whole."""
        if self.size > limit:
            raise ReportError(
                f"{self.name}: {self.size} bytes; a file of this kind may have {limit}: cut it into several"
            )

    def lines(self, limit: int) -> Iterator[bytes]:
        """Line by line, without line ends. Raises ReportError for a line longer than ``limit`` bytes."""
        rest, number = b"", 1
        while data := self.read():
            *whole, rest = (rest + data).split(b"\n") if b"\n" in data else (rest + data,)
            for line in whole:
                yield line.removesuffix(b"\r")
            number += len(whole)
            if len(rest) > limit:
                raise ReportError(f"{self.name}:{number}: a line of more than {limit} bytes; mend the file")
        if rest:
            yield rest

    def sha256(self) -> str:
        """The digest of the whole file; what the parser left unread is read now."""
        while self.read():
            pass
        return self._hash.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
