"""A first mapping.yaml for a file that no mapping knows: how it is read, and every field of the sample
listed to be decided upon."""

from __future__ import annotations

import csv as standard_csv
import json as standard_json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from taxii_hub.errors import ReportError
from taxii_hub.mapping.readers import csv as csv_reader
from taxii_hub.mapping.readers import json, rows, sheets, xml
from taxii_hub.mapping.readers.dispatch import opened
from taxii_hub.mapping.readers.options import (
    ROW,
    CsvReader,
    Header,
    JsonReader,
    Reader,
    Sheet,
    SheetReader,
    XmlReader,
)

_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class _Guess:
    reader: Reader
    reader_text: str
    detect_text: str


def draft(sample: Path, name: str) -> str:
    """The text of mapping.yaml. Raises ReportError where the container is none that the hub reads."""
    guess = _guess(sample)
    with opened(guess.reader, sample, sample.name) as report:
        head, *records = report.records
    counted = Counter(leaf.pattern for record in records if record.kind for leaf in record.leaves)
    examples = {leaf.pattern: leaf.value for record in records if record.kind for leaf in record.leaves}
    outside = {leaf.pattern: leaf.value for leaf in head.leaves}
    total = sum(1 for record in records if record.kind)
    unique = [path for path, count in counted.items() if count == total and _distinct(records, path)]
    key = unique[0] if unique else next(iter(counted), "")
    todo = [
        _todo(path, f"{counted[path]} of {total} records", examples[path]) for path in counted if path != key
    ]
    todo += [_todo(path, "before the records", value) for path, value in outside.items()]
    return _TEMPLATE.format(
        name=name,
        detect=guess.detect_text,
        reader=guess.reader_text,
        key=_quoted(key),
        todo="\n".join(todo) or "  {}",
    )


def _distinct(records: Iterable[object], path: str) -> bool:
    values = [leaf.value for r in records if r.kind for leaf in r.leaves if leaf.pattern == path]  # type: ignore[attr-defined]
    return len(values) == len(set(values))


def _todo(path: str, where: str, example: str) -> str:
    # The shape only: a sample may be real, and what is in a mapping gets published.
    shape = re.sub(r"[^\W\d_]", "x", re.sub(r"[0-9]", "9", " ".join(example.split())[:40]))
    return f"  {_quoted(path)}: {_quoted(f'{where}, like {shape}')}"


def _quoted(text: str) -> str:
    return standard_json.dumps(text, ensure_ascii=False)


def _guess(sample: Path) -> _Guess:
    try:
        data = sample.read_bytes()
    except OSError as error:
        raise ReportError(f"{sample}: cannot be read ({error.strerror}); check name and rights") from None
    if data.startswith(b"PK\x03\x04"):
        return _of_workbook(data, sample)
    if (head := xml.sniff(data[:_HEAD])).root is not None:
        return _of_xml(data, str(head.root))
    if json.sniff(data[:_HEAD]).fault is None:
        return _of_json(data)
    return _of_csv(data[:_HEAD], sample)


def _of_xml(data: bytes, root: str) -> _Guess:
    names = Counter(xml.element_names(data))
    kind = next((name for name, count in names.most_common() if count > 1 and name != root), "")
    for name, count in names.items():  # the outermost element that repeats
        if count > 1 and name != root:
            kind = name
            break
    kind = kind or next((name for name in names if name != root), root)
    return _Guess(XmlReader(frozenset({kind})), f"{{kind: xml, records: [{kind}]}}", f"{{root: {root}}}")


def _of_json(data: bytes) -> _Guess:
    head = json.sniff(data[:_HEAD])
    keys = sorted(key for key in head.keys if "/" not in key)[:3]
    detect = f"{{keys: {standard_json.dumps(keys)}}}"
    if head.lines:
        return _Guess(JsonReader(frozenset({"."}), lines=True), "{kind: json, lines: true}", detect)
    parsed = standard_json.loads(data)
    lists = (
        [key for key, value in parsed.items() if isinstance(value, list)] if isinstance(parsed, dict) else []
    )
    path = json.step(lists[0]) if lists else "."
    reader = f"{{kind: json, records: [{_quoted(path)}]}}"
    return _Guess(JsonReader(frozenset({path}), lines=False), reader, detect)


def _of_csv(head: bytes, sample: Path) -> _Guess:
    found = csv_reader.sniff(head, _DELIMITERS, Header((), {}, ()))
    if not found or max(len(row.cells) for row in found) < 2:
        raise ReportError(f"{sample}: neither XML, JSON, CSV nor a workbook; see docs/mappings.md, reader.py")
    names = rows.named(found[0].cells, {})
    lines = head.decode("utf-8", "replace").splitlines()
    delimiter = max(
        _DELIMITERS, key=lambda mark: len(next(standard_csv.reader(lines[:1], delimiter=mark), []))
    )
    header = standard_json.dumps(list(names), ensure_ascii=False)
    reader = CsvReader(
        frozenset({ROW}), (delimiter,), ("utf-8", "utf-16", "windows-1252"), Header(names, {}, ()),
        frozenset(), True, None, None, (),
    )  # fmt: skip
    text = f"{{kind: csv, delimiter: {_quoted(delimiter)}, header: {header}, short_rows: true}}"
    return _Guess(reader, text, f"{{header: {header}}}")


def _of_workbook(data: bytes, sample: Path) -> _Guess:
    found = sheets.sniff(data, Header((), {}, ()))
    if not found:
        raise ReportError(f"{sample}: not a workbook that can be read; save it again")
    title, names = next((t, n) for t, n in found.items() if n) if any(found.values()) else ("*", ())
    header = Header(tuple(names or ()), {}, ())
    listed = standard_json.dumps(list(names or ()), ensure_ascii=False)
    reader = SheetReader(frozenset({ROW}), (Sheet(title, ROW, header),), frozenset(), None, None, False)
    text = f"{{kind: xlsx, header: {listed}, sheets: [{_quoted(title)}]}}"
    return _Guess(reader, text, f"{{header: {listed}}}")


_TEMPLATE = """\
# Drafted by `taxii-hub mappings new`; docs/write-a-mapping.md goes on from here.
identity:
  format: {name}
  version: "1"
  title: {name}
  issuer: {{name: WHO PUBLISHES IT, identity_class: organization, since: "2000-01-01"}}

detect: {detect}

reader: {reader}

# The reference that the publisher gives each record and never changes: every id is made from it.
key: {key}

# The path of the edition's date (and `from: records`, if the records say it); nothing: --edition DATE.
dates: {{}}

fields:
  {key}: line

objects:
  subject:
    type: identity
    set:
      name: {key}
      identity_class: {{const: unknown}}
    designation:
      reference: {key}

main: subject

markings:
  tlp: amber

# Every other field of the sample: move each to `fields` (and use it), or to `ignore` with a reason.
todo:
{todo}
"""
