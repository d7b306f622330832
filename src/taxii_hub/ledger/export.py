"""The log as a file: JSON lines that anybody can verify with the public key and no hub.

{"export": 1, "origin": …, "size": N, "frontier": […], "checkpoints": M}
{"checkpoint": 1, "note": "…", "frontier": […]}             one for each signed checkpoint
{"tile": 0, "hashes": "…"}                                  the hashes of 256 leaves, base64
{"n": 0, "hash": "…", "leaf": "{…}"}                        one for each row; hash in hexadecimal
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from taxii_hub.ledger.checkpoint import VerifierKey
from taxii_hub.ledger.findings import Report
from taxii_hub.ledger.log import Kept, Row, Tree
from taxii_hub.ledger.verify import Evidence, verify

FORMAT: Final = 1


class ExportError(ValueError):
    """The file is no export of an audit log."""


def header_line(origin: str, tree: Tree) -> bytes:
    return _line(
        {
            "export": FORMAT,
            "origin": origin,
            "size": tree.size,
            "frontier": _texts(tree.frontier),
            "checkpoints": tree.checkpoints,
        }
    )


def checkpoint_line(kept: Kept) -> bytes:
    return _line({"checkpoint": kept.number, "note": kept.note, "frontier": _texts(kept.frontier)})


def tile_line(index: int, hashes: bytes) -> bytes:
    return _line({"tile": index, "hashes": base64.b64encode(hashes).decode()})


def row_line(row: Row) -> bytes:
    return _line({"n": row.n, "hash": row.hash.hex(), "leaf": row.leaf.decode()})


@dataclass(slots=True)
class _Reading:
    """What was read of a file up to its rows."""

    origin: str = ""
    tree: Tree = field(default_factory=Tree)
    kept: list[Kept] = field(default_factory=list)
    tiles: dict[int, bytes] = field(default_factory=dict)
    bad: list[int] = field(default_factory=list)
    line: int = 0
    place: tuple[int, int] = (0, -1)


def verify_export(lines: Iterable[bytes], keys: Sequence[VerifierKey], outside: Sequence[str] = ()) -> Report:
    """Verify a file; ``outside`` are checkpoints kept elsewhere. Raises ExportError where it is none.

    A line that cannot be read is a finding, and so is what then is missing.
    """
    reading = _Reading()
    rest = iter(lines)
    _read_header(reading, next(rest, b""))
    rows = _rows(reading, rest)
    # The rows come last: everything that they are compared with is known when the first one is read.
    ahead = next(rows, None)
    evidence = Evidence(keys, reading.tree, reading.tiles, reading.kept, outside, reading.origin)
    report = verify(_again(ahead, rows), evidence)
    for number in reading.bad:
        report.add("line", number, f"line {number} of the file is not as an export writes it: it was changed")
    return report


def _again(first: Row | None, rows: Iterable[Row]) -> Iterator[Row]:
    if first is not None:
        yield first
    yield from rows


def _read_header(reading: _Reading, line: bytes) -> None:
    reading.line = 1
    try:
        found = orjson.loads(line)
        if found["export"] != FORMAT:
            raise ExportError(f"the export has format {found['export']!r}, this hub reads {FORMAT}")
        reading.origin = found["origin"]
        reading.tree = Tree(_whole(found["size"]), _bytes(found["frontier"]), _whole(found["checkpoints"]))
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ExportError):
            raise
        raise ExportError("the first line is not that of an audit export") from None
    if header_line(reading.origin, reading.tree) != line:
        reading.bad.append(1)


def _rows(reading: _Reading, lines: Iterable[bytes]) -> Iterator[Row]:
    for line in lines:
        reading.line += 1
        try:
            row, written = _read(reading, orjson.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            reading.bad.append(reading.line)
            continue
        # Hexadecimal and base64 have several spellings of the same bytes; a changed bit may be one.
        if written != line:
            reading.bad.append(reading.line)
        if row is not None:
            yield row


def _read(reading: _Reading, found: Any) -> tuple[Row | None, bytes]:
    """What a line says, and how an export writes that; nothing where it is out of its place."""
    if "n" in found:
        row = Row(_whole(found["n"]), bytes.fromhex(found["hash"]), found["leaf"].encode())
        reading.place = (2, 0)
        return row, row_line(row)
    if "tile" in found:
        index, hashes = _whole(found["tile"]), _base64(found["hashes"])
        reading.tiles.setdefault(index, hashes)
        return None, tile_line(index, hashes) if _in_place(reading, (1, index)) else b""
    kept = Kept(_whole(found["checkpoint"]), found["note"], _bytes(found["frontier"]))
    reading.kept.append(kept)
    return None, checkpoint_line(kept) if _in_place(reading, (0, kept.number)) else b""


def _in_place(reading: _Reading, place: tuple[int, int]) -> bool:
    before, reading.place = reading.place, max(reading.place, place)
    return before < place


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("no whole number")
    return value


def _line(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document) + b"\n"


def _texts(nodes: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(node).decode() for node in nodes]


def _bytes(texts: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(_base64(text) for text in texts)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
