"""Keys as members see them, and the many ways in which their clients send one.

A key reads ``thub_<key id>_<secret>_<checksum>``, all lower-case base32: there is nothing in it that
Basic, URLs or a SIEM's form could break, and nothing is lost where a client lower-cases it. The key
id names the key in lists and logs; prefix and checksum let scanners of leaked secrets find a key
with certainty, without asking the hub.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from taxii_hub.keyring import KeyEntry, Kind

PEPPER: Final = "pepper"
PREFIX: Final = "thub"
LONGEST_HEADER = 2048
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_KEY = re.compile(rf"({PREFIX}_([a-z2-7]{{10}})_([a-z2-7]{{52}}))_([a-z2-7]{{7}})")


class Peppers(Protocol):
    """What accounts need of the keyring."""

    def newest(self, kind: Kind) -> tuple[int, bytes]: ...

    def all(self, kind: Kind) -> Mapping[int, KeyEntry]: ...


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key; ``text`` is shown once and kept nowhere. ``repr`` leaves the secret out."""

    id: str
    secret: str
    text: str

    def __repr__(self) -> str:
        return f"MintedKey(id={self.id!r})"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of its sender.

    ``key_id`` and ``secret`` are empty where nothing in it reads like a key; ``user`` is the Basic
    user name, for counting failures only.
    """

    key_id: str = ""
    secret: bytes = b""
    user: str = ""

    def __repr__(self) -> str:
        return f"Claim(key_id={self.key_id!r}, user={self.user!r})"


def mint_key() -> MintedKey:
    """A key with 256 random bits."""
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    secret = base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=").lower()
    body = f"{PREFIX}_{key_id}_{secret}"
    return MintedKey(key_id, secret, f"{body}_{checksum(body)}")


def mac_of(pepper: bytes, secret: bytes) -> bytes:
    """What is stored of a secret. It has 256 random bits, so a fast hash is the right one."""
    return hmac.digest(pepper, secret, "sha256")


def checksum(body: str) -> str:
    """CRC-32 of everything before the last underscore, as 7 base32 characters."""
    crc = zlib.crc32(body.encode()).to_bytes(4, "big")
    return base64.b32encode(crc).decode().rstrip("=").lower()


def parse_key(text: str) -> tuple[str, str] | None:
    """Key id and secret of a well-formed key, else None."""
    found = _KEY.fullmatch(text.strip())
    if found is None or checksum(found[1]) != found[4]:
        return None
    return found[2], found[3]


def read_claim(authorization: str | None, api_key: str | None) -> Claim:
    """Understand ``Authorization`` (Basic, Bearer, Token), else ``X-API-Key``; never raises.

    With Basic the key is the password, whatever the user name; with an empty password it may be the
    user name (``curl -u KEY:``). Where both headers are sent ``Authorization`` alone counts, so that
    one request has one meaning.
    """
    if not authorization:
        return _claim(api_key or "")
    if len(authorization) > LONGEST_HEADER:
        return Claim()
    scheme, _, value = authorization.strip().partition(" ")
    match scheme.lower():
        case "basic":
            return _basic(value.strip())
        case "bearer" | "token":
            return _claim(value)
    return Claim()


def _claim(text: str, user: str = "") -> Claim:
    parsed = parse_key(text) if len(text) <= LONGEST_HEADER else None
    if parsed is None:
        return Claim(user=user)
    return Claim(parsed[0], parsed[1].encode(), user)


def _basic(value: str) -> Claim:
    try:
        user, colon, password = base64.b64decode(value, validate=True).partition(b":")
    except ValueError:
        return Claim()
    if not colon:
        return Claim()
    # User names come in any encoding and mean nothing here; keys are ASCII.
    name = user.decode("utf-8", "replace")
    return _claim(password.decode("utf-8", "replace") if password else name, name[:64])
