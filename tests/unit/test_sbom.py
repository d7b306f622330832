"""The bill of materials names what the lock file installs, and nothing that may not be installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "sbom.py"
REFUSED = re.compile(r"(?<!L)(?<!Lesser )(?:\bA?GPL|General Public License|Server Side Public)")


def written(lock: Path) -> str:
    done = subprocess.run([sys.executable, SCRIPT, lock], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pinned(lock: Path) -> set[tuple[str, str]]:
    return set(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["runtime", "embedded"])
def test_it_is_the_lock(name: str) -> None:
    lock = ROOT / "requirements" / f"{name}.lock"
    document: dict[str, Any] = json.loads(written(lock))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert {(each["name"], each["version"]) for each in document["components"]} == pinned(lock)
    references = {each["bom-ref"] for each in document["components"]}
    own = document["metadata"]["component"]["bom-ref"]
    graph = {each["ref"]: each["dependsOn"] for each in document["dependencies"]}
    assert set(graph) == references | {own}
    assert set().union(*graph.values()) == references, "nothing is installed that nothing needs"
    assert graph[own], "the project's own dependencies hang on it"
    for each in document["components"]:
        assert [one for one in each["properties"] if re.fullmatch("[0-9a-f]{64}", one["value"])], each["name"]


def test_the_same_lock_gives_the_same_bytes() -> None:
    lock = ROOT / "requirements" / "runtime.lock"
    assert written(lock) == written(lock)


def test_no_licence_that_is_refused() -> None:
    """docs/security.md: LGPL unmodified is tolerated; GPL, AGPL and SSPL are not."""
    components = json.loads(written(ROOT / "requirements" / "runtime.lock"))["components"]
    told = {each["name"]: each["licenses"][0]["license"]["name"] for each in components if "licenses" in each}
    assert len(told) > 0.8 * len(components), "those of another platform are not installed here"
    assert not {name: text for name, text in told.items() if REFUSED.search(text)}
    assert REFUSED.search("GPL-3.0")
    assert REFUSED.search("GNU Affero General Public License v3")
    assert not REFUSED.search("GNU Lesser General Public License v3 (LGPLv3)")


def test_a_package_without_a_hash_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text("alpha==1.0\n    # via taxii-hub (pyproject.toml)\n")
    done = subprocess.run([sys.executable, SCRIPT, lock], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "alpha is locked without a hash" in done.stderr
