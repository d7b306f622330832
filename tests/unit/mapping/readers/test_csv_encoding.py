"""CSV whose bytes are not in any encoding that it may have: refused by name, at its beginning and at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers.csv import records
from taxii_hub.mapping.readers.options import CsvReader, Header
from taxii_hub.mapping.readers.stream import SourceStream

READER = CsvReader(
    kinds=frozenset({"row"}),
    delimiters=(",",),
    encodings=("utf-8", "windows-1252"),
    header=Header(("A", "B"), {}, ()),
    empty=frozenset(),
    short_rows=False,
    group=None,
    kind_column=None,
    parts=(),
)


@pytest.mark.parametrize("rows", [0, 20_000], ids=["at its beginning", "at its end"])
def test_bytes_that_mean_nothing_are_refused(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"A,B\n" + b"1,\xe9\n" * rows + b"2,\x81\n")
    with (
        SourceStream(path) as stream,
        pytest.raises(
            ReportError, match=r"in\.csv: not windows-1252 text to its end; save the file as UTF-8"
        ),
    ):
        list(records([(None, stream, path)], READER))
