"""The environment becomes settings, wrong values are named, and every setting is documented."""

from __future__ import annotations

import re
import uuid
from dataclasses import fields
from pathlib import Path

import pytest

from taxii_hub.errors import SettingsError
from taxii_hub.settings import PREFIX, Settings, shipped_dir

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
NAMES = [PREFIX + f.name.upper() for f in fields(Settings)]


def test_every_setting_has_its_heading_and_no_heading_is_left_over() -> None:
    headings = re.findall(r"^## (TAXII_HUB_\w+)$", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_says_its_default(name: str) -> None:
    section = DOCUMENT.read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert re.search(r"default|absent|without|until it is set", section, re.IGNORECASE), section


def test_nothing_set_gives_the_defaults() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.secrets == Path("var/data/secrets")
    assert settings.mongodb_uri is None


def test_an_empty_value_counts_as_absent() -> None:
    assert Settings.from_environment({"TAXII_HUB_PORT": "", "TAXII_HUB_MONGODB_URI": ""}) == Settings()


GIVEN = {
    "TAXII_HUB_MONGODB_URI": "mongodb://a,b/?replicaSet=hub",
    "TAXII_HUB_MONGODB_DATABASE": "x",
    "TAXII_HUB_DATA_DIR": "/data",
    "TAXII_HUB_SECRETS_DIR": "/secrets",
    "TAXII_HUB_CEILING": "secret",
    "TAXII_HUB_COLLECTIONS_DIR": "/c",
    "TAXII_HUB_MAPPINGS_DIR": "/m",
    "TAXII_HUB_MAPPING_CODE": "allow",
    "TAXII_HUB_HOST": "::",
    "TAXII_HUB_PORT": "0",
    "TAXII_HUB_WORKERS": "4",
    "TAXII_HUB_PUBLIC_URL": "https://hub.example.org/x/",
    "TAXII_HUB_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2,",
    "TAXII_HUB_TLS_CERTIFICATE": "/t/c.pem",
    "TAXII_HUB_TLS_KEY": "/t/k.pem",
    "TAXII_HUB_TLS_MINIMUM": "1.3",
    "TAXII_HUB_PLAIN_HTTP": "allow",
    "TAXII_HUB_CLIENT_CERTIFICATES": "Client-Cert",
    "TAXII_HUB_DRAIN": "5",
    "TAXII_HUB_METRICS_PORT": "9000",
    "TAXII_HUB_LOG_LEVEL": "debug",
    "TAXII_HUB_DEFAULT_LIMIT": "10",
    "TAXII_HUB_MAX_LIMIT": "20",
    "TAXII_HUB_MAX_UPLOAD": "30",
    "TAXII_HUB_ID_NAMESPACE": "00000000-0000-4000-8000-000000000001",
}


def test_every_setting_is_read() -> None:
    settings = Settings.from_environment({**GIVEN, "PATH": "/bin", "TAXII": "x"})
    assert set(GIVEN) == set(NAMES)
    for each in fields(Settings):
        assert getattr(settings, each.name) != getattr(Settings(), each.name), each.name
    assert settings.secrets == Path("/secrets")
    assert settings.public_url == "https://hub.example.org/x"
    assert settings.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert settings.id_namespace == uuid.UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize("given", [{}, GIVEN])
def test_a_child_process_gets_the_same_settings(given: dict[str, str]) -> None:
    settings = Settings.from_environment(given)
    assert Settings.from_environment(settings.environment()) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "８０"),  # noqa: RUF001 - digits that are not ASCII
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("DRAIN", "301"),
        ("TLS_MINIMUM", "1.1"),
        ("CLIENT_CERTIFICATES", "Client Cert"),
        ("PUBLIC_URL", "http://hub.example.org"),
        ("PUBLIC_URL", "https://hub.example.org/?a=b"),
        ("LOG_LEVEL", "loud"),
        ("MAX_LIMIT", "0"),
        ("ID_NAMESPACE", "mine"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"TAXII_HUB_{name}=") as caught:
        Settings.from_environment({f"TAXII_HUB_{name}": value})
    assert value in str(caught.value)


def test_a_name_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingsError, match="TAXII_HUB_PROT: there is no such setting"):
        Settings.from_environment({"TAXII_HUB_PROT": "8000"})


def test_the_real_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TAXII_HUB_PORT", "8123")
    assert Settings.from_environment().port == 8123


def test_what_travels_with_the_hub_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (shipped_dir("collections") / "agencies.yaml").is_file()
    monkeypatch.setattr("taxii_hub.settings.PACKAGE_DIR", tmp_path / "lib" / "taxii_hub")
    assert shipped_dir("collections") == tmp_path / "lib" / "taxii_hub" / "_shipped" / "collections"


def test_the_representation_holds_no_password() -> None:
    shown = repr(Settings.from_environment({"TAXII_HUB_MONGODB_URI": "mongodb://u:geheim@h/"}))
    assert "geheim" not in shown
