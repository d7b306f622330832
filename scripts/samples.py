"""Convert every file of a folder and check what a mapping promises: one line a file, totals at the end.

Each file is converted twice, by a process of its own each time. A file is ``clean`` or ``with problems`` when
what came out holds to the promises (issue 3, "Done when"): no leaf without a bucket, none unlisted, none dropped
without a named reason, every object valid by the hub's own schemas and by stix2-validator, both runs equal to the
byte, and the account adds up to the number of non-empty values, counted here by other means. It is ``REFUSED``
with its reason where it cannot be converted, and ``FAILED`` where a promise is broken; then the exit code is 1.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lxml import etree
from stix2validator import ValidationOptions, validate_parsed_json

from taxii_hub.mapping.readers.options import CsvReader, LibraryReader, SheetReader
from taxii_hub.mapping.registry import Registry, registry_of
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings
from taxii_hub.stix.validation import Validator

SECONDS_A_FILE: Final = 600
EDITION: Final = "2026-01-01"
"""For files that do not say it."""
NO_EDITION: Final = "give the date with --edition"
OUTCOMES: Final = {0: "clean", 2: "REFUSED", 3: "with problems"}


def reports(folder: Path) -> Iterator[Path]:
    """Files, and folders whose files are one report (the first of its files is OFAC's)."""
    for path in sorted([folder, *folder.rglob("*")]):
        if _is_several(path) or (path.is_file() and path.suffix != ".md" and not _is_several(path.parent)):
            yield path


def _is_several(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("*[sS][dD][nN].[cC][sS][vV]"))


def checked(path: Path, registry: Registry) -> tuple[str, str]:
    """The outcome in a word, and what there is to say."""
    with tempfile.TemporaryDirectory() as folder:
        into = [Path(folder) / "1", Path(folder) / "2"]
        more: tuple[str, ...] = ()
        code, said = _convert(path, into[0], more)
        if code == 2 and NO_EDITION in said:
            more = ("--edition", EDITION)
            code, said = _convert(path, into[0], more)
        if code not in {0, 3}:
            return OUTCOMES.get(code, f"FAILED ({code})"), said
        _convert(path, into[1], more)
        bundle, account = into[0].read_bytes(), json.loads(Path(f"{into[0]}.account").read_bytes())
        broken = list(_broken(path, registry, bundle, account))
        if bundle != into[1].read_bytes():
            broken.append("two runs differ")
    if broken:
        return "FAILED", f"{'; '.join(broken)} ({said})"
    codes = Counter(problem["code"] for problem in account["problems"])
    told = ", ".join(f"{number} {code}" for code, number in sorted(codes.items()))
    return OUTCOMES[code], f"{said}{f' ({told})' if told else ''}"


def _convert(path: Path, into: Path, more: tuple[str, ...]) -> tuple[int, str]:
    """The exit code, and the last line that the command wrote to stderr."""
    command = [str(Path(sys.executable).with_name("taxii-hub")), "convert", str(path), "-o", str(into)]
    try:
        done = subprocess.run(
            [*command, "--account", f"{into}.account", *more],
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS_A_FILE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"not done after {SECONDS_A_FILE} s"
    return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]


def _broken(path: Path, registry: Registry, bundle: bytes, account: dict[str, Any]) -> Iterator[str]:
    """The promises that do not hold."""
    buckets, problems = account["buckets"], account["problems"]
    if sum(buckets.values()) != account["leaves"]:
        yield f"{account['leaves']} values, but {sum(buckets.values())} in buckets"
    spec = registry.get(account["format"])
    counted = count(spec, path)
    if counted is not None and counted != account["leaves"]:
        yield f"{account['leaves']} values in the account, {counted} in the file"
    if buckets["unlisted"]:
        paths = [entry["path"] for entry in account["paths"] if "unlisted" in entry["buckets"]]
        yield f"{buckets['unlisted']} unlisted: {', '.join(paths[:5])}"
    reasons = {problem["code"] for problem in problems}
    for entry in account["paths"]:
        if "dropped" in entry["buckets"] and not set(entry["targets"]) & reasons:
            yield f"{entry['path']} dropped without a problem that says why"
    if any(problem["code"] == "mapping-code" for problem in problems):
        yield "the mapping's code failed"
    yield from _invalid(bundle, library=isinstance(spec.reader, LibraryReader))


def _invalid(bundle: bytes, *, library: bool) -> Iterator[str]:
    parsed = json.loads(bundle)
    validator, now = Validator(), int(datetime.now(UTC).timestamp() * 1_000_000)
    ours = [
        (made["id"], finding)
        for made in parsed["objects"]
        for finding in validator.findings(made, now=now)
        if finding.level == "must"
    ]
    if ours:
        yield f"{len(ours)} findings of the hub's schemas, first {ours[0][0]}: {ours[0][1]}"
    theirs = validate_parsed_json(parsed, ValidationOptions(version="2.1"))
    errors = [
        str(error)
        for result in ([theirs] if hasattr(theirs, "errors") else theirs)
        for error in result.errors
    ]
    if errors:
        yield f"{len(errors)} errors of stix2-validator, first {errors[0]}"


# --- counting the values of a file without the hub's readers ---


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
    return sum(1 for document in _documents(data.decode("utf-8-sig")) for _ in _scalars(document))


def _documents(text: str) -> Iterator[Any]:
    """One document, or one on each line."""
    try:
        yield json.loads(text)
    except json.JSONDecodeError:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


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


def main(folder: Path) -> int:
    found = list(reports(folder))
    if not found:
        sys.exit(f"{folder}: no file in it")
    registry = registry_of(Settings.from_environment())
    totals: Counter[str] = Counter()
    for path in found:
        start = time.monotonic()
        outcome, note = checked(path, registry)
        totals[outcome] += 1
        took = time.monotonic() - start
        name = path.relative_to(folder) if path != folder else path.name
        sys.stdout.write(f"{outcome:<14} {took:6.1f} s  {name}  {note}\n")
        sys.stdout.flush()
    sys.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in sorted(totals.items())) + "\n")
    return int(any(outcome.startswith("FAILED") for outcome in totals))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
