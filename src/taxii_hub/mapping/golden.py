"""Samples and goldens of a mapping: what every sample must give, to the byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from taxii_hub.mapping.accounting import problem_as_json
from taxii_hub.mapping.constants import furniture
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.spec import Spec

NAMESPACE: Final = UUID("0c5d1a0e-6a55-4a0e-9a0b-5d8f5e1f7c11")
"""Goldens are made in a namespace of their own, so that no deployment's settings change them."""

EDITION_OF_SAMPLES: Final = "2026-01-01"
_EXPECTED: Final = ".expected.json"


@dataclass(frozen=True, slots=True)
class Drift:
    """A sample whose golden says something else (or does not exist)."""

    sample: Path
    golden: Path
    expected: str | None
    actual: str


def samples(spec: Spec) -> list[Path]:
    """The samples of a mapping: files, or folders where a report is several files."""
    folder = spec.folder / "samples"
    return sorted(p for p in folder.glob("*") if not p.name.endswith(_EXPECTED))


def golden_of(sample: Path) -> Path:
    """Where the golden of a sample stands: ``samples/<case>.expected.json``."""
    return sample.with_name(sample.stem + _EXPECTED)


def converted(spec: Spec, sample: Path, profile: str | None = None) -> Conversion:
    """The sample converted as goldens are: fixed namespace, no version of the converter, a fixed edition
    where files of the format do not say theirs; pseudonyms (``profile``) by a key that everybody knows."""
    edition = EDITION_OF_SAMPLES if spec.edition is None else None
    options = ConvertOptions(NAMESPACE, converter="taxii-hub", edition=edition, profile=profile)
    return convert(spec, sample, replace(options, pseudonym_key=lambda: (0, bytes(32))))


def golden_text(conversion: Conversion) -> str:
    """Objects, problems and account as canonical, readable JSON.

    The constant definitions (converter, extensions, TLP) are left out: they are the engine's, and are
    pinned by the engine's own tests.
    """
    constant = {made["id"] for made in furniture()}
    own = [made for made in conversion.objects() if made["id"] not in constant]
    account = {key: value for key, value in conversion.account.items() if key != "problems"}
    problems = [problem_as_json(problem) for problem in conversion.problems]
    content: dict[str, Any] = {"objects": own, "problems": problems, "account": account}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def changed_ids(drift: Drift) -> list[str]:
    """The ids that the golden has and that would be gone though the format's version is the same: a
    reader of the feed would see other objects. Reports of editions change with every change."""
    if drift.expected is None:
        return []
    before, after = json.loads(drift.expected), json.loads(drift.actual)
    if before["account"]["format_version"] != after["account"]["format_version"]:
        return []
    now = {made["id"] for made in after["objects"]}
    gone = [made["id"] for made in before["objects"] if made["id"] not in now]
    return [made for made in gone if not made.startswith("report--")]


def drifts(spec: Spec) -> Sequence[Drift]:
    """The samples whose goldens do not hold."""
    found = []
    for sample in samples(spec):
        golden, actual = golden_of(sample), golden_text(converted(spec, sample))
        expected = golden.read_text(encoding="utf-8") if golden.is_file() else None
        if expected != actual:
            found.append(Drift(sample, golden, expected, actual))
    return found
