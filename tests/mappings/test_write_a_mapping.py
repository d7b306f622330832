"""docs/write-a-mapping.md, step by step, as it stands there: a new mapping without a line of test code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "write-a-mapping.md"
NAME = "xx_ministry_list_csv"
BLOCK = re.compile(r"^```(csv|yaml|sh)( status=([0-9]))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_page_leads_to_a_mapping_whose_tests_pass(tmp_path: Path) -> None:
    own = tmp_path / "mappings"
    own.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TAXII_HUB_")}
    environment["TAXII_HUB_MAPPINGS_DIR"] = str(own)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    files = iter(["list.csv", "odd_records.csv"])
    for kind, _, status, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "yaml":
            (own / NAME / "mapping.yaml").write_text(text, encoding="utf-8")
        elif kind == "csv":
            file = tmp_path / next(files)
            file.write_text(text, encoding="utf-8")
            if file.name.startswith("odd_"):
                shutil.copy(tmp_path / "list.csv", own / NAME / "samples")
                shutil.copy(file, own / NAME / "samples")
        else:
            for command in text.strip().splitlines():
                words = command.split()
                if words[0] == "pytest":
                    words += ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header"]
                done = subprocess.run(
                    words,
                    cwd=ROOT if words[0] == "pytest" else tmp_path,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == int(status or 0), (
                    command,
                    done.stdout[-3000:],
                    done.stderr[-3000:],
                )
    assert (tmp_path / "account.html").read_text(encoding="utf-8").startswith("<!doctype html>")
