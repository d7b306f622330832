"""The hub's secrets: a folder of numbered keys, the same on every hub, never in MongoDB or a log.

One JSON file per kind. The newest key of a kind signs; older ones go on verifying (cursor keys for
30 days after they were replaced). The files are made whole or not at all: of two processes that
make them at the same moment one wins and both read the winner's.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from taxii_hub.errors import SettingsError

Kind = Literal["pepper", "cursor", "audit", "pseudonym"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SECRET_BYTES: Final = 32
CURSOR_GRACE: Final = 30 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key. ``created`` and ``retired`` (when a newer one replaced it) are microseconds."""

    secret: bytes
    created: int
    retired: int | None = None

    def __repr__(self) -> str:
        """Without the secret: a representation may end in a traceback or a log."""
        return f"KeyEntry(created={self.created}, retired={self.retired})"


class Keyring:
    """The keys of the hub, by kind and number.

    ``pepper``: of the account keys. ``cursor``: signs ``next``. ``audit``: Ed25519 seeds
    that sign the checkpoints of the audit log; the public halves of older ones verify for ever. ``pseudonym``:
    changed only by explicit re-keying.
    """

    __slots__ = ("_keys", "_marks", "folder")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys: dict[Kind, Mapping[int, KeyEntry]] = {}
        self._marks: dict[Kind, tuple[int, int]] = {}

    @classmethod
    def open(cls, folder: Path, create: bool) -> Keyring:
        """Read the folder; with ``create``, make what is missing first.

        Raises SettingsError when something is missing, readable for others, or damaged.
        """
        if create:
            _make_folder(folder)
        elif not folder.is_dir():
            raise SettingsError(
                f"{folder}: there is no secrets folder. Start `taxii-hub serve` once on the first hub, which"
                " makes it, or copy it from that hub; TAXII_HUB_SECRETS_DIR says where it is"
            )
        _refuse_shared(folder)
        keyring = cls(folder)
        for kind in KINDS:
            if create:
                _make_file(keyring.path(kind), kind)
            keyring._read(kind)
        return keyring

    def path(self, kind: Kind) -> Path:
        return self.folder / f"{kind}.json"

    def newest(self, kind: Kind) -> tuple[int, bytes]:
        """Number and secret of the key that signs."""
        kid = max(self._keys[kind])
        return kid, self._keys[kind][kid].secret

    def all(self, kind: Kind) -> Mapping[int, KeyEntry]:
        """Every key by number, also those that no longer verify (see :meth:`live`)."""
        return self._keys[kind]

    def live(self, kind: Kind, now: int) -> Mapping[int, KeyEntry]:
        """The keys that verify at ``now`` (microseconds): cursor keys end 30 days after being replaced."""
        if kind != "cursor":
            return self._keys[kind]
        return {
            kid: key
            for kid, key in self._keys[kind].items()
            if key.retired is None or now < key.retired + CURSOR_GRACE
        }

    def fingerprint(self) -> str:
        """32 hexadecimal digits that differ for other secrets and tell nothing about these.

        Made of the first key of each kind, so that a rotation leaves it as it is.
        """
        digest = hashlib.sha256(b"taxii-hub keyring 1")
        for kind in KINDS:
            first = self._keys[kind][min(self._keys[kind])]
            digest.update(hmac.digest(first.secret, b"taxii-hub fingerprint " + kind.encode(), "sha256"))
        return digest.hexdigest()[:32]

    def rotate(self, kind: Kind) -> int:
        """Add a key of that kind, which signs from now on; returns its number."""
        with _locked(self.folder):
            self._read(kind)
            now = time.time_ns() // 1000
            keys = dict(self._keys[kind])
            old = max(keys)
            keys[old] = replace(keys[old], retired=now)
            keys[old + 1] = KeyEntry(secrets.token_bytes(SECRET_BYTES), now)
            temporary = _write_temporary(self.path(kind), _spelled(kind, keys))
            temporary.replace(self.path(kind))
            self._read(kind)
        return old + 1

    async def refresh(self) -> None:
        """Pick up keys that another process added; cheap when nothing changed."""
        for kind in KINDS:
            if _mark(self.path(kind)) != self._marks[kind]:
                self._read(kind)

    def _read(self, kind: Kind) -> None:
        path = self.path(kind)
        mark = _mark(path)
        _refuse_shared(path)
        try:
            self._keys[kind] = MappingProxyType(_parsed(json.loads(path.read_bytes()), kind))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(
                f"{path}: this is not a file of {kind} keys ({type(error).__name__}). Restore it from a backup"
                " or copy it from another hub"
            ) from None
        self._marks[kind] = mark


def _parsed(document: Any, kind: Kind) -> dict[int, KeyEntry]:
    """Raises ValueError, KeyError, TypeError or AttributeError for anything but a file of keys."""
    if document["kind"] != kind:
        raise ValueError("the file holds keys of another kind")
    keys: dict[int, KeyEntry] = {}
    for item in document["keys"]:
        secret = bytes.fromhex(item["secret"])
        if len(secret) != SECRET_BYTES or item["kid"] in keys or not isinstance(item["kid"], int):
            raise ValueError("a damaged key")
        retired = item["retired"]
        keys[item["kid"]] = KeyEntry(
            secret, _micros(item["created"]), None if retired is None else _micros(retired)
        )
    if not keys:
        raise ValueError("no key")
    return keys


def _spelled(kind: Kind, keys: Mapping[int, KeyEntry]) -> bytes:
    items = [
        {
            "kid": kid,
            "created": _text(key.created),
            "retired": None if key.retired is None else _text(key.retired),
            "secret": key.secret.hex(),
        }
        for kid, key in sorted(keys.items())
    ]
    return json.dumps({"kind": kind, "keys": items}, indent=1).encode() + b"\n"


def _micros(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


def _text(micros: int) -> str:
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest).isoformat()


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: this secrets file is missing. Restore it from a backup or copy it from another hub;"
            " only the very first start makes it"
        ) from None
    except PermissionError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give it to the hub's user") from None
    return found.st_mtime_ns, found.st_ino


def _refuse_shared(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        wanted = 0o700 if path.is_dir() else 0o600
        raise SettingsError(
            f"{path}: others than its owner may use it (mode {mode:04o}). Run `chmod {wanted:o} {path}`;"
            " if people may have read it, replace the secrets with `taxii-hub store rotate-key`"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{folder}: the secrets folder cannot be made ({error.strerror}); make it for the hub's user with"
            " mode 0700, or set TAXII_HUB_SECRETS_DIR"
        ) from None


def _make_file(path: Path, kind: Kind) -> None:
    if path.exists():
        return
    key = KeyEntry(secrets.token_bytes(SECRET_BYTES), time.time_ns() // 1000)
    temporary = _write_temporary(path, _spelled(kind, {1: key}))
    try:
        # A link never replaces: of two racing processes the second one reads the first one's file.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def _write_temporary(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(
            f"{path.parent}: no secrets file can be written ({error.strerror}); give the folder to the hub's"
            " user and look at the free space"
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One rotation at a time; the folder itself is the lock, so nothing is left behind."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
