"""A report file that is read once: hashed, counted and shown as progress while a parser reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Self

from taxii_hub.errors import ReportError
from taxii_hub.mapping.record import Progress

_CHUNK = 1 << 16


class SourceStream:
    """A binary file with ``read``. Raises ReportError when it cannot be opened or read."""

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        try:
            self._file = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise ReportError(
                f"{path.name}: cannot be read ({error.strerror}); check name and rights"
            ) from None
        self._name = path.name
        self._hash = hashlib.sha256()
        self._progress = progress
        self.done = 0

    def read(self, size: int = _CHUNK) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise ReportError(f"{self._name}: reading stopped ({error.strerror}); try again") from None
        self._hash.update(data)
        self.done += len(data)
        if self._progress is not None:
            self._progress(self.done, self.size)
        return data

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
