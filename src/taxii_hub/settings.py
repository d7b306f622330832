"""The only reader of the environment: ``TAXII_HUB_*`` becomes one frozen :class:`Settings`.

Each setting has its heading in ``docs/settings.md``; a test keeps the two in step.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from taxii_hub.errors import SettingsError

PREFIX = "TAXII_HUB_"
PACKAGE_DIR = Path(__file__).resolve().parent


def shipped_dir(name: str) -> Path:
    """The folder ``name`` that travels with the hub: beside ``src/`` in a checkout, else in the wheel."""
    checkout = PACKAGE_DIR.parent.parent / name
    return checkout if checkout.is_dir() else PACKAGE_DIR / "_shipped" / name


def user_runtime_dir() -> Path | None:
    """The system's folder for this user's sockets, where there is one (XDG_RUNTIME_DIR)."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) if given else None


def _text(value: str) -> str:
    return value


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high} is wanted")
        return int(value)

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)} is wanted")
        return value

    return parse


def _public_url(value: str) -> str:
    if not re.fullmatch(r"https://[^/?#\s]+(/[^?#\s]*)?", value):
        raise ValueError("an https:// URL without query is wanted, such as https://hub.example.org")
    return value.rstrip("/")


def _header(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value):
        raise ValueError("the name of a header is wanted, such as Client-Cert")
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def setting(parse: Callable[[str], Any], default: Any, *, secret: bool = False) -> Any:
    """A dataclass field that is read from ``TAXII_HUB_<NAME>`` by ``parse``; a secret one is not shown."""
    return field(default=default, repr=not secret, metadata={"parse": parse})


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and how this hub runs. Who may see what is not here, it is in ``collections/``."""

    mongodb_uri: str | None = setting(_text, None, secret=True)
    mongodb_database: str = setting(_text, "taxii_hub")
    data_dir: Path = setting(Path, Path("var/data"))
    secrets_dir: Path | None = setting(Path, None)
    collections_dir: Path = setting(Path, shipped_dir("collections"))
    mappings_dir: Path = setting(Path, shipped_dir("mappings"))
    mapping_code: str = setting(_one_of("refuse", "allow"), "refuse")
    host: str = setting(_text, "127.0.0.1")
    port: int = setting(_number(0, 65535), 8000)
    workers: int = setting(_number(1, 64), 1)
    public_url: str | None = setting(_public_url, None)
    trusted_proxies: tuple[str, ...] = setting(_list, ())
    client_certificates: str | None = setting(_header, None)
    tls_certificate: Path | None = setting(Path, None)
    tls_key: Path | None = setting(Path, None)
    plain_http: str = setting(_one_of("refuse", "allow"), "refuse")
    tls_minimum: str = setting(_one_of("1.2", "1.3"), "1.2")
    drain: int = setting(_number(0, 300), 0)
    metrics_port: int | None = setting(_number(1, 65535), None)
    log_level: str = setting(_one_of("debug", "info", "warning", "error"), "info")
    ceiling: str = setting(
        _one_of("unclassified", "restricted", "confidential", "secret", "top-secret"), "restricted"
    )
    default_limit: int = setting(_number(1, 10_000), 1000)
    max_limit: int = setting(_number(1, 100_000), 10_000)
    max_upload: int = setting(_number(1, 1 << 30), 32 << 20)
    id_namespace: uuid.UUID = setting(uuid.UUID, uuid.UUID("3f6a5e0c-6f0e-4b5e-9d4b-7a1f0c2d9e11"))

    @property
    def secrets(self) -> Path:
        """The folder of peppers and keys: its own setting, else inside the data folder."""
        return self.secrets_dir or self.data_dir / "secrets"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read ``TAXII_HUB_*``; an empty value counts as absent.

        Raises SettingsError naming the variable, for a value that cannot be read and for a name
        that does not exist.
        """
        environ = os.environ if environ is None else environ
        given = {k: v for k, v in environ.items() if k.startswith(PREFIX) and v != ""}
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        if unknown := sorted(given.keys() - known.keys()):
            raise SettingsError(f"{unknown[0]}: there is no such setting; docs/settings.md lists them all")
        values: dict[str, Any] = {}
        for name, text in given.items():
            target = known[name]
            try:
                values[target.name] = target.metadata["parse"](text)
            except ValueError as error:
                raise SettingsError(f"{name}={text!r}: {error}") from None
        return cls(**values)

    def environment(self) -> dict[str, str]:
        """The variables that make :meth:`from_environment` give these settings, for child processes."""
        written: dict[str, str] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                text = ",".join(value) if isinstance(value, tuple) else str(value)
                written[PREFIX + each.name.upper()] = text
        return written
