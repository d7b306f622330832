"""How fast report files become STIX, on one core: objects a second, microseconds a leaf, who takes them.

    python -m bench.convert [MEGABYTES of the large list, 90]

The lists are synthetic: the invented records of a mapping's samples, over and over, each time with
references of their own. Times are CPU times of this process; the peak is that of a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from lxml import etree

from bench.results import machine, write
from taxii_hub.mapping.convert import ConvertOptions, convert
from taxii_hub.mapping.golden import samples
from taxii_hub.mapping.readers.dispatch import opened
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings
from taxii_hub.stix import timestamps
from taxii_hub.stix.validation import Validator

NAMESPACE = UUID("0c5d1a0e-6a55-4a0e-9a0b-5d8f5e1f7c12")
KEYS = {"un_sc_consolidated_xml": "REFERENCE_NUMBER", "us_ofac_enhanced_xml": "@id"}


def blocks(spec: Spec, key: str) -> tuple[str, list[str], str]:
    """What stands before the records of the first clean sample with any, the records with ``%KEY%``, and
    what stands behind."""
    sample = max((s for s in samples(spec) if not s.stem.startswith("odd_")), key=lambda s: s.stat().st_size)
    root = etree.parse(str(sample)).getroot()
    text = sample.read_text(encoding="utf-8")
    first = next(e for e in root.iter() if etree.QName(e).localname in spec.kinds)
    records = [e for e in first.getparent() if etree.QName(e).localname in spec.kinds]
    made = []
    for record in records:
        raw = etree.tostring(record, encoding="unicode", with_tail=False)
        said = record.get(key[1:]) if key[0] == "@" else record.findtext(f"{{*}}{key}")
        made.append(raw.replace(f'"{said}"', '"%KEY%"', 1).replace(f">{said}<", ">%KEY%<", 1))
    name = etree.QName(first).localname
    end = text.rindex(f"</{name}>") + len(f"</{name}>")
    head = text[: text.index(f"<{name}", text.index(f"<{etree.QName(first.getparent()).localname}") + 1)]
    return head, made, text[end:]


def synthesise(spec: Spec, path: Path, size: int) -> None:
    """A list of at least ``size`` bytes."""
    head, records, tail = blocks(spec, KEYS[spec.format])

    def pieces() -> Iterator[str]:
        number, written = 0, 0
        yield head
        while written < size:
            for record in records:
                number += 1
                piece = record.replace("%KEY%", f"9{number:07d}")
                written += len(piece)
                yield piece + "\n"
        yield tail

    with path.open("w", encoding="utf-8") as file:
        file.writelines(pieces())


def measure(spec: Spec, path: Path) -> dict[str, Any]:
    """Seconds of parsing alone, of the whole conversion, of validating what came out."""
    start = time.process_time()
    with opened(spec.reader, path, path.name) as report:
        leaves = sum(len(record.leaves) for record in report.records)
    parse = time.process_time() - start
    start = time.process_time()
    made = convert(spec, path, ConvertOptions(NAMESPACE))
    whole = time.process_time() - start
    validator, now = Validator(), timestamps.parse("2030-01-01T00:00:00Z")
    start = time.process_time()
    for item in made.objects():
        validator.findings(item, now=now)
    schema = time.process_time() - start
    total = whole + schema
    return {
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "records": made.records,
        "failed_records": made.failed_records,
        "leaves": leaves,
        "objects": len(made.data),
        "seconds": round(total, 2),
        "objects_per_second": round(len(made.data) / total),
        "objects_per_second_unvalidated": round(len(made.data) / whole),
        "microseconds_per_leaf": round(total / leaves * 1e6, 1),
        "share": {
            "parse": round(parse / total, 2),
            "map": round((whole - parse) / total, 2),
            "schema": round(schema / total, 2),
        },
    }


def large(megabytes: int, spec: Spec, path: Path) -> dict[str, Any]:
    """Peak memory and time of ``taxii-hub convert`` on lists of half the size and of the whole one."""
    found: dict[str, Any] = {}
    for part in (megabytes // 2, megabytes):
        synthesise(spec, path, part * 1_000_000)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        command = [sys.executable, "-m", "bench.convert", "--one", spec.format, str(path)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        found[f"{part} MB"] = {**said, "seconds": round(seconds, 1)}
    return found


def one(format_name: str, path: Path) -> None:
    spec = load_registry(Settings().mappings_dir).get(format_name)
    made = convert(spec, path, ConvertOptions(NAMESPACE))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"peak_megabytes": peak, "records": made.records, "objects": len(made.data)}))


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 90
    registry = load_registry(Settings().mappings_dir)
    result: dict[str, Any] = {"machine": machine(), "lists": {}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xml"
        for name in KEYS:
            spec = registry.get(name)
            synthesise(spec, path, 3_000_000)
            result["lists"][name] = measure(spec, path)
        result["large"] = large(megabytes, registry.get("us_ofac_enhanced_xml"), path)
    write("convert", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
