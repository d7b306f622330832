"""The image's recipe and the compose file are well-formed; building the image is ``scripts/build-image.sh``."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HADOLINT = Path(sys.executable).with_name("hadolint")


def _compose() -> Path:
    """Compose itself: the console script beside it always leaves with 0."""
    return Path(importlib.util.find_spec("compose").submodule_search_locations[0]) / "docker-compose"


def _config(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_compose(), "-f", path, "config", "-q"], capture_output=True, text=True, check=False, timeout=30
    )


def test_dockerfile_is_clean() -> None:
    done = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_image_has_no_embedded_engine_and_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "embedded.lock" not in text
    assert "dev.lock" not in text
    assert "USER 10001" in text
    assert "fiftyone" not in (ROOT / "requirements" / "runtime.lock").read_text()


def test_compose_file_is_valid() -> None:
    done = _config(ROOT / "compose.yaml")
    assert done.returncode == 0, done.stderr


def test_compose_check_can_fail(tmp_path: Path) -> None:
    wrong = yaml.safe_load((ROOT / "compose.yaml").read_text())
    wrong["services"]["hub"]["healthchek"] = {}
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(wrong))
    assert _config(path).returncode != 0


def test_compose_file_names_every_setting_right() -> None:
    from taxii_hub.settings import Settings

    hub = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["hub"]
    settings = Settings.from_environment(hub["environment"])
    assert settings.mongodb_uri
    assert settings.workers == 2


@pytest.mark.parametrize("name", ["runtime", "embedded", "dev", "build"])
def test_lock_file_is_hashed_and_names_no_host(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert pins
    assert all("==" in line and line.endswith("\\") for line in pins)
    assert "://" not in text
    assert "-url" not in text
