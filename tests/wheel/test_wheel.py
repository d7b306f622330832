"""The built wheel works away from the checkout, and holds what it must and nothing else."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import taxii_hub

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT.parent / "shared" / "samples"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as the image builds it: with what is installed, no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``taxii-hub`` in an environment of its own: the wheel, and below it the dependencies of this one.

    A ``.pth`` line lends this environment's packages; the lines of *its* ``.pth`` files (the editable
    install of the checkout among them) are not read from there.
    """
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    command = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    subprocess.run([*command, "-qq", "--no-index", "--no-deps", wheel], check=True)
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "taxii-hub"


def _run(program: Path, folder: Path, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TAXII_HUB_", "PYTHON", "COV"))}
    done = subprocess.run(
        [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_wheel_runs_away_from_the_checkout(program: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [program.with_name("python"), "-c", "import taxii_hub; print(taxii_hub.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(where.strip()).is_relative_to(program.parents[1])
    assert taxii_hub.__version__ in _run(program, tmp_path, "--version")


def test_wheel_brings_its_collections(program: Path, tmp_path: Path) -> None:
    _run(program, tmp_path, "collections", "check")


def test_wheel_brings_its_mappings(program: Path, tmp_path: Path) -> None:
    shown = _run(program, tmp_path, "mappings", "list")
    names = [path.parent.name for path in (ROOT / "mappings").glob("*/mapping.yaml")]
    assert names
    assert all(name in shown for name in names)


def test_wheel_holds_all_it_must_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        digests = {hashlib.sha256(archive.read(name)).hexdigest(): name for name in names}
    tracked = subprocess.run(
        ["git", "ls-files", "collections", "mappings"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {f"taxii_hub/_shipped/{name}" for name in tracked} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"taxii_hub"}
    assert not [
        name for name in names if "mongod" in name or "fiftyone" in name or name.endswith((".so", ".pyc"))
    ]
    real = {hashlib.sha256(path.read_bytes()).hexdigest() for path in SAMPLES.rglob("*") if path.is_file()}
    assert not [digests[digest] for digest in real & set(digests)]
