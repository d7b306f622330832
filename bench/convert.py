"""How fast report files become STIX, on one core: objects a second, microseconds a leaf, who takes them.

    python -m bench.convert [MEGABYTES of the large list, 90]

The lists are synthetic (``bench/lists.py``). Times are CPU times of this process, medians of rounds in which
everything is done in turn; beside them stands what lxml's iterparse, or csv.reader, needs to go once through
the same file. Peaks are of processes of their own.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from lxml import etree

from bench.lists import RECIPES, synthesise
from bench.results import machine, write
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.readers.dispatch import opened
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings
from taxii_hub.stix import timestamps
from taxii_hub.stix.validation import Validator

NAMESPACE = UUID("0c5d1a0e-6a55-4a0e-9a0b-5d8f5e1f7c12")
ROUNDS = 3
SIZE = 2_000_000
LARGE = "us_ofac_enhanced_xml"


def options(spec: Spec) -> ConvertOptions:
    return ConvertOptions(NAMESPACE, edition="2026-01-01" if spec.edition is None else None)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """CPU seconds, seconds of the clock, and what came out."""
    start, cpu = time.perf_counter(), time.process_time()
    made = work()
    return time.process_time() - cpu, time.perf_counter() - start, made


def leaves(spec: Spec, path: Path) -> int:
    with opened(spec.reader, path, path.name) as report:
        return sum(len(record.leaves) for record in report.records)


def plain(path: Path) -> None:
    """Once through the file, with nothing done."""
    if path.suffix == ".xml":
        for _, element in etree.iterparse(str(path), events=("end",)):
            if len(element) > 3:  # a record, or a group in one
                element.clear()
        return
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with file.open(encoding="utf-8", newline="") as lines:
            for _ in csv.reader(lines):
                pass


def validate(made: Conversion) -> None:
    validator, now = Validator(), timestamps.parse("2030-01-01T00:00:00Z")
    for item in made.objects():
        validator.findings(item, now=now)


def measure(spec: Spec, path: Path) -> dict[str, Any]:
    """Medians of parsing alone, of the whole conversion, of validating what came out."""
    cpu: dict[str, list[float]] = {"plain": [], "parse": [], "convert": [], "schema": []}
    wall = []
    for _ in range(ROUNDS):
        cpu["plain"].append(timed(lambda: plain(path))[0])
        seconds, _, found = timed(lambda: leaves(spec, path))
        cpu["parse"].append(seconds)
        seconds, clock, made = timed(lambda: convert(spec, path, options(spec)))
        cpu["convert"].append(seconds)
        seconds, more, _ = timed(partial(validate, made))
        cpu["schema"].append(seconds)
        wall.append(clock + more)
    parse, whole, schema = (median(cpu[name]) for name in ("parse", "convert", "schema"))
    total, objects = whole + schema, len(made.data)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "records": made.records,
        "failed_records": made.failed_records,
        "problems": len(made.problems),
        "leaves": found,
        "objects": objects,
        "seconds": round(total, 2),
        "wall_seconds": round(median(wall), 2),
        "objects_per_second": round(objects / total),
        "objects_per_second_best": round(objects / (min(cpu["convert"]) + min(cpu["schema"]))),
        "objects_per_second_unvalidated": round(objects / whole),
        "microseconds_per_leaf": round(total / found * 1e6, 1),
        "times_plain_reading": round(total / median(cpu["plain"]), 1),
        "share": {
            "parse": round(parse / total, 2),
            "map": round((whole - parse) / total, 2),
            "schema": round(schema / total, 2),
        },
    }


def linearity(spec: Spec, folder: Path, once: dict[str, Any]) -> dict[str, Any]:
    """CPU seconds a record of four times the list, beside those of the list, in turn."""
    small, large = folder / f"one{_suffix(spec)}", folder / f"four{_suffix(spec)}"
    synthesise(spec, small, SIZE)
    synthesise(spec, large, 4 * SIZE)
    pairs = []
    for _ in range(2):
        one, _, less = timed(lambda: convert(spec, small, options(spec)))
        four, _, more = timed(lambda: convert(spec, large, options(spec)))
        pairs.append((four / more.records) / (one / less.records))
    return {**once, "time_a_record_at_four_times": round(median(pairs), 2)}


def peaks(megabytes: int, spec: Spec, path: Path) -> dict[str, Any]:
    """Peak memory and CPU time of converting lists of half the size and of the whole one."""
    found: dict[str, Any] = {}
    for part in (megabytes // 2, megabytes):
        synthesise(spec, path, part * 1_000_000)
        command = [sys.executable, "-m", "bench.convert", "--one", spec.format, str(path)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found[f"{part} MB"] = said
    return found


def one(format_name: str, path: Path) -> None:
    spec = load_registry(Settings().mappings_dir).get(format_name)
    seconds, _, made = timed(lambda: convert(spec, path, options(spec)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    said = {"records": made.records, "objects": len(made.data), "seconds": round(seconds, 1)}
    print(json.dumps({"peak_megabytes": peak, **said}))


def _suffix(spec: Spec) -> str:
    return Path(RECIPES[spec.format].sample).suffix


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 90
    registry = load_registry(Settings().mappings_dir)
    result: dict[str, Any] = {"machine": machine(), "rounds": ROUNDS, "lists": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in RECIPES:
            spec = registry.get(name)
            path = Path(folder) / f"{name}{_suffix(spec)}"
            synthesise(spec, path, SIZE)
            result["lists"][name] = linearity(spec, Path(folder), measure(spec, path))
        result["large"] = peaks(megabytes, registry.get(LARGE), Path(folder) / "large.xml")
    write("convert", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
