"""Samples of every container as lists of leaves that can be changed one by one, written independently of
the readers that are tested (only where a header stands is asked of them)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lxml import etree
from python_calamine import CalamineWorkbook

from taxii_hub.mapping.readers import csv as csv_reader
from taxii_hub.mapping.readers import rows as row_reader
from taxii_hub.mapping.readers.options import CsvReader, Header, SheetReader, XmlReader
from taxii_hub.mapping.readers.sheets import text_of
from taxii_hub.mapping.readers.xml import HARDENED
from taxii_hub.mapping.spec import Spec
from taxii_hub.mapping.workbook import workbook


class Sample:
    """A report's file (or folder), opened for changes. It is read once: each change is taken back when it is
    written."""

    def __init__(self, spec: Spec, path: Path) -> None:
        self.spec, self.path = spec, path

    def leaves(self) -> list[tuple[str, str]]:
        """Pattern and value of every non-empty leaf; a position in it is what ``write`` changes."""
        raise NotImplementedError

    def write(self, folder: Path, position: int | None = None, value: str = "") -> Path:
        """The report again in another folder, one leaf changed."""
        raise NotImplementedError

    def shuffle(self, folder: Path) -> Path:
        """The report with its records in another order."""
        raise NotImplementedError


def opened(spec: Spec, path: Path) -> Sample:
    if isinstance(spec.reader, CsvReader):
        return _Csv(spec, path)
    if isinstance(spec.reader, SheetReader):
        return _Workbook(spec, path)
    first = path.read_bytes().lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    return _Xml(spec, path) if first == b"<" else _Json(spec, path)


# --- XML -----------------------------------------------------------------------------------------


class _Xml(Sample):
    def _root(self) -> Any:
        return etree.parse(str(self.path), etree.XMLParser(**HARDENED)).getroot()

    @cached_property
    def _read(self) -> tuple[Any, list[tuple[Any, str, str, str]]]:
        root = self._root()
        return root, list(self._places(root))

    def leaves(self) -> list[tuple[str, str]]:
        return [(path, value) for _, _, path, value in self._read[1]]

    def write(self, folder: Path, position: int | None = None, value: str = "") -> Path:
        root, places = self._read
        if position is None:
            return self._written(root, folder)
        element, where, _, _ = places[position]
        text, tails, attributes = element.text, [child.tail for child in element], dict(element.attrib)
        if where == "text":
            for child in element:
                child.tail = None
            element.text = value
        else:
            element.set(where[1:], value)
        try:
            return self._written(root, folder)
        finally:
            element.text = text
            for child, tail in zip(element, tails, strict=True):
                child.tail = tail
            element.attrib.update(attributes)

    def shuffle(self, folder: Path) -> Path:
        root = self._root()
        for holder in root.iter():
            records = [
                child
                for child in holder
                if isinstance(child.tag, str) and etree.QName(child).localname in self.spec.kinds
            ]
            for record in reversed(records):
                holder.append(record)
        return self._written(root, folder)

    def _written(self, root: Any, folder: Path) -> Path:
        path = folder / self.path.name
        path.write_bytes(etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True))
        return path

    def _places(self, root: Any) -> Iterator[tuple[Any, str, str, str]]:
        """(element, where in it, path, value)."""
        for element in root.iter():
            path = self._path(element)
            for name, value in element.attrib.items():
                if value.strip():
                    yield element, f"@{name}", f"{path}/@{etree.QName(name).localname}".lstrip("/"), value
            texts = [element.text, *(child.tail for child in element)]
            found = " ".join(text for text in texts if text and text.strip())
            if found:
                yield element, "text", path, found

    def _path(self, element: Any) -> str:
        steps = [etree.QName(e).localname for e in (element, *element.iterancestors())][::-1]
        for position, step in enumerate(steps):
            kinds = self.spec.kinds | self.spec.shared.keys()
            if (position or isinstance(self.spec.reader, XmlReader)) and step in kinds:
                return "/".join(steps[position + 1 :])
        return "/".join(steps)


# --- JSON ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Token:
    path: str
    value: str
    start: int
    end: int


class _Json(Sample):
    """Changed in its text: duplicate keys, blanks and the spelling of numbers stay."""

    _TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s"{}\[\]:,]+')

    def _text(self) -> str:
        data = self.path.read_bytes()
        return data.decode(json.detect_encoding(data))

    @cached_property
    def _read(self) -> tuple[str, list[_Token]]:
        return self._text(), self._tokens()

    def _lines(self) -> bool:
        if getattr(self.spec.reader, "whole", False):
            try:
                json.loads(self._text())
            except json.JSONDecodeError:
                return True
            return False
        return bool(getattr(self.spec.reader, "lines", False))

    def leaves(self) -> list[tuple[str, str]]:
        return [(token.path, token.value) for token in self._read[1]]

    def write(self, folder: Path, position: int | None = None, value: str = "") -> Path:
        text, tokens = self._read
        if position is not None:
            token = tokens[position]
            text = text[: token.start] + json.dumps(value, ensure_ascii=False) + text[token.end :]
        path = folder / self.path.name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def shuffle(self, folder: Path) -> Path:
        path = folder / self.path.name
        if self._lines():
            path.write_text("\n".join(reversed(self._text().splitlines())), encoding="utf-8")
        else:
            path.write_text(json.dumps(self._reversed(json.loads(self._text()), "")), encoding="utf-8")
        return path

    def _reversed(self, tree: Any, path: str) -> Any:
        if isinstance(tree, dict):
            return {key: self._reversed(value, f"{path}/{key}".lstrip("/")) for key, value in tree.items()}
        if isinstance(tree, list):
            order = reversed(tree) if (path or ".") in self.spec.kinds else tree
            return [self._reversed(value, path) for value in order]
        return tree

    def _tokens(self) -> list[_Token]:
        if not self._lines():
            return list(self._scan(self._text(), 0))
        made, at = [], 0
        for line in self._text().splitlines(keepends=True):
            try:
                json.loads(line)
                made += self._scan(line, at)
            except ValueError:
                if bare := line.strip("\ufeff \r\n"):
                    start = at + line.index(bare)
                    made.append(_Token(".", bare, start, start + len(bare)))
            at += len(line)
        return made

    def _scan(self, text: str, offset: int) -> Iterator[_Token]:
        stack: list[list[str]] = []
        found = list(self._TOKEN.finditer(text))
        for position, match in enumerate(found):
            token, following = match[0], found[position + 1][0] if position + 1 < len(found) else ""
            if token in "{[":
                stack.append([token, ""])
            elif token in "}]":
                stack.pop()
            elif following == ":" and token[0] == '"':
                stack[-1][1] = json.loads(token)
            elif token not in ":,":
                value = json.loads(token)
                if value is None or not str(value).strip():
                    continue
                said = token if token[0] != '"' else value
                yield _Token(self._path(stack), said, offset + match.start(), offset + match.end())

    def _path(self, stack: list[list[str]]) -> str:
        steps: list[str] = []
        before = ""
        for mark, key in stack:
            if mark == "{":
                steps.append(re.sub(r"[~/\[\]]", lambda m: f"~{'~/[]'.index(m[0])}", key) or "~")
            elif before == "[":
                steps.append("item")
            before = mark
        full = "/".join(steps)
        for kind in sorted(self.spec.kinds, key=len, reverse=True):
            if full.startswith(kind + "/"):
                full = full[len(kind) + 1 :]
                break
        if getattr(self.spec.reader, "dotted", False):
            full = re.sub(r"(?<=[^./])\.(?=[^./])", "/", full)
        return full or "."


# --- rows ----------------------------------------------------------------------------------------


@dataclass
class _Grid:
    """Rows of one file or sheet. ``header``: which row names the columns (-1: none does). ``raw``: rows
    that could not be read, as text."""

    name: str
    step: str
    cells: list[list[Any]]
    header: int
    names: tuple[str, ...]
    raw: set[int]
    preamble: str = "preamble"

    def places(self, empty: frozenset[str], text: Any = str) -> Iterator[tuple[int, int, str, str]]:
        first = True
        for row, cells in enumerate(self.cells):
            if row == self.header:
                first = False
                continue
            for column, cell in enumerate(cells):
                said = text(cell)
                if not said.strip() or said.strip() in empty:
                    continue
                if self.header >= 0 and first:
                    pattern = f"{self.preamble}/{column + 1}"
                elif row in self.raw:
                    pattern = "row"
                else:
                    name = self.names[column] if column < len(self.names) else f"column {column + 1}"
                    pattern = self.step + re.sub(r"\[[0-9]+\]", "", name)
                yield row, column, pattern, said


def _named(grid: list[list[str]], header: Header) -> tuple[int, tuple[str, ...]]:
    rows = [row_reader.Row(number, cells) for number, cells in enumerate(grid)]
    if header.columns:
        return -1, header.columns
    found = row_reader.table(iter(rows), header)
    return (-1, ()) if found is None else (len(found.preamble), found.names)


class _Rows(Sample):
    def grids(self) -> list[_Grid]:
        raise NotImplementedError

    def save(self, grids: list[_Grid], folder: Path) -> Path:
        raise NotImplementedError

    def text(self, cell: Any) -> str:
        return str(cell)

    @cached_property
    def _read(self) -> tuple[list[_Grid], list[tuple[_Grid, int, int, str, str]]]:
        grids = self.grids()
        return grids, list(self._places(grids))

    def leaves(self) -> list[tuple[str, str]]:
        return [(pattern, value) for _, _, _, pattern, value in self._read[1]]

    def _places(self, grids: list[_Grid]) -> Iterator[tuple[_Grid, int, int, str, str]]:
        for grid in grids:
            for row, column, pattern, value in grid.places(self.spec.reader.empty, self.text):  # type: ignore[union-attr]
                yield grid, row, column, pattern, value

    def write(self, folder: Path, position: int | None = None, value: str = "") -> Path:
        grids, places = self._read
        if position is None:
            return self.save(grids, folder)
        grid, row, column, _, _ = places[position]
        before, grid.cells[row][column] = grid.cells[row][column], value
        try:
            return self.save(grids, folder)
        finally:
            grid.cells[row][column] = before

    def shuffle(self, folder: Path) -> Path:
        """Records in the opposite order; the rows of one record keep theirs."""
        grids = self.grids()
        for grid in grids[: 1 if isinstance(self.spec.reader, CsvReader) else None]:
            start = grid.header + 1
            grid.cells[start:] = self._turned(grid, grid.cells[start:])
        return self.save(grids, folder)

    def _turned(self, grid: _Grid, rows: list[list[Any]]) -> list[list[Any]]:
        group = self.spec.reader.group  # type: ignore[union-attr]
        if group is None:
            return rows[::-1]
        if group.by not in grid.names:
            return rows
        at = grid.names.index(group.by)
        held: dict[str, list[list[Any]]] = {}
        for row in rows:
            key = self.text(row[at]).strip() if at < len(row) else ""
            if not key and group.continued and held:
                held[next(reversed(held))].append(row)
                continue
            held.setdefault(re.match(r"[0-9]*", key)[0] if group.number else key, []).append(row)  # type: ignore[index]
        return [row for rows in reversed(held.values()) for row in rows]

    def step(self) -> str:
        return "row/" if self.spec.reader.group is not None else ""  # type: ignore[union-attr]


class _Csv(_Rows):
    def grids(self) -> list[_Grid]:
        reader = self.spec.reader
        assert isinstance(reader, CsvReader)
        made = []
        for part, path in csv_reader.parts(self.path, reader, self.path.name):
            header = reader.header if part is None else Header((), {}, part.columns)
            text = _decoded(path.read_bytes())
            layout = csv_reader.layout_of(text, reader.delimiters, header)
            assert layout is not None
            rows = list(csv_reader.parsed(io.StringIO(text, newline=""), layout))
            cells = [list(row.cells) for row in rows]
            at, names = _named(cells, header)
            step = self.step() if part is None or part.join is None else f"{part.step}/"
            raw = {number for number, row in enumerate(rows) if row.fault is not None}
            made.append(_Grid(f"{path.name}\0{layout.delimiter}", step, cells, at, names, raw))
        return made

    def save(self, grids: list[_Grid], folder: Path) -> Path:
        into = folder / self.path.name if self.path.is_dir() else folder
        into.mkdir(exist_ok=True)
        for grid in grids:
            name, _, delimiter = grid.name.partition("\0")
            out = io.StringIO(newline="")
            writer = csv.writer(out, delimiter=delimiter)
            for number, cells in enumerate(grid.cells):
                if number in grid.raw:
                    out.write(cells[0] + "\r\n")
                else:
                    writer.writerow(cells)
            (into / name).write_text(out.getvalue(), encoding="utf-8", newline="")
        return into if self.path.is_dir() else into / self.path.name


def _decoded(data: bytes) -> str:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("windows-1252")


class _Workbook(_Rows):
    def text(self, cell: Any) -> str:
        return text_of(cell)

    def grids(self) -> list[_Grid]:
        reader = self.spec.reader
        assert isinstance(reader, SheetReader)
        book = CalamineWorkbook.from_path(str(self.path))
        made = []
        for title in book.sheet_names:
            cells = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
            sheet = next(
                (s for s in reader.sheets if re.fullmatch(_glob(s.name), title.strip(), re.IGNORECASE)), None
            )
            if sheet is None:
                made.append(_Grid(title, "", cells, 10**6, (), set()))
                continue
            if sheet.outside is not None:
                columns = tuple(str(n) for n in range(1, max(map(len, cells), default=0) + 1))
                made.append(_Grid(title, f"{sheet.outside}/", cells, -1, columns, set()))
                continue
            at, names = _named([[text_of(cell) for cell in row] for row in cells], sheet.header)
            made.append(_Grid(title, self.step(), cells, at, names, set()))
        tables = [grid for grid in made if 0 <= grid.header < 10**6]
        for grid in tables if len(tables) > 1 else ():
            grid.preamble = "preamble/row"
        return made

    def _places(self, grids: list[_Grid]) -> Iterator[tuple[_Grid, int, int, str, str]]:
        return super()._places([grid for grid in grids if grid.header != 10**6])

    def save(self, grids: list[_Grid], folder: Path) -> Path:
        path = (folder / self.path.name).with_suffix(".xlsx")
        path.write_bytes(workbook({grid.name: grid.cells for grid in grids}))
        return path


def _glob(pattern: str) -> str:
    import fnmatch

    return fnmatch.translate(pattern)
