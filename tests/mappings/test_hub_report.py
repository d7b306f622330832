"""The hub's template says the same whether it comes as CSV or as a workbook."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from taxii_hub.mapping.golden import converted, samples
from taxii_hub.mapping.registry import load_registry
from taxii_hub.settings import Settings
from tests.support.hub_report_workbooks import written

REGISTRY = load_registry(Settings().mappings_dir)
SAMPLES = samples(REGISTRY.get("hub_report_csv"))


def objects(format_name: str, sample: Path) -> dict[str, Any]:
    made = converted(REGISTRY.get(format_name), sample)
    return {item["id"]: item for item in made.objects() if item["type"] != "report"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_the_same_content_gives_the_same_objects(sample: Path) -> None:
    workbook = REGISTRY.get("hub_report_xlsx").folder / "samples" / f"{sample.stem}.xlsx"
    as_csv, as_workbook = objects("hub_report_csv", sample), objects("hub_report_xlsx", workbook)
    assert set(as_csv) == set(as_workbook)
    if not sample.stem.startswith("odd_"):
        assert as_csv == as_workbook


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_workbooks_are_those_that_the_script_writes(sample: Path) -> None:
    workbook = REGISTRY.get("hub_report_xlsx").folder / "samples" / f"{sample.stem}.xlsx"
    assert parts(workbook.read_bytes()) == parts(written(sample.read_bytes().decode("utf-8-sig")))


def parts(data: bytes) -> dict[str, bytes]:
    """What a workbook holds, however it is compressed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
