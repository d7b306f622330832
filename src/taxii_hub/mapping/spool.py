"""The objects of a conversion as bytes: in memory while they are few, in a temporary file beyond that."""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final, overload

from taxii_hub.errors import ReportError

IN_MEMORY: Final = 8 << 20
"""Bytes beyond which texts go to the file."""


class Spool(Sequence[bytes]):
    """Texts in the order in which they came. The file has no name and is gone with the spool; the setting
    of its folder is the operating system's (``TMPDIR``)."""

    def __init__(self, texts: Iterable[bytes] = (), in_memory: int = IN_MEMORY) -> None:
        self._limit = in_memory
        self._ends = array("Q", [0])
        self._recent = bytearray()
        self._filed = 0
        self._file: IO[bytes] | None = None
        for text in texts:
            self.append(text)

    def append(self, text: bytes) -> None:
        """Keep it. Raises ReportError where the temporary folder is full."""
        self._recent += text
        self._ends.append(self._ends[-1] + len(text))
        if len(self._recent) > self._limit:
            self._spill()

    def _spill(self) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the spool
                weakref.finalize(self, self._file.close)
            with memoryview(self._recent) as left:
                done = 0
                while done < len(left):
                    done += self._file.write(left[done:])
        except OSError as error:
            raise ReportError(
                f"what was made of the report cannot be kept in {tempfile.gettempdir()} ({error.strerror}); "
                "free some space there, or name another folder with TMPDIR"
            ) from None
        self._filed = self._ends[-1]
        self._recent = bytearray()

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[bytes, ...]: ...
    def __getitem__(self, index: int | slice) -> bytes | tuple[bytes, ...]:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self._between(self._ends[at], self._ends[at + 1])

    def __iter__(self) -> Iterator[bytes]:
        return (self[at] for at in range(len(self)))

    def _between(self, start: int, end: int) -> bytes:
        """A text is never in both places: the memory is spilled as a whole."""
        if self._file is not None and start < self._filed:
            # pread has no position of its own: readers in several threads do not disturb each other.
            return os.pread(self._file.fileno(), end - start, start)
        return bytes(self._recent[start - self._filed : end - self._filed])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spool):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # texts are still added
