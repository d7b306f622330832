"""Numbers that a client hands back and must not read: the log's row numbers would tell how much others do."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets

from taxii_hub.errors import BadCursorError
from taxii_hub.keyring import Keyring

_NONCE = 8
_NUMBER = 8
_TAG = 16


def sealed(keyring: Keyring, purpose: str, number: int) -> str:
    """Always 43 characters, another text each time."""
    _, key = keyring.newest("cursor")
    nonce = secrets.token_bytes(_NONCE)
    hidden = _hidden(key, purpose, nonce, number.to_bytes(_NUMBER, "big"))
    return base64.urlsafe_b64encode(nonce + hidden + _tag(key, purpose, nonce + hidden)).decode().rstrip("=")


def unsealed(keyring: Keyring, purpose: str, text: str, now: int) -> int:
    """The number, sealed for this purpose within the last 30 days. Raises BadCursorError."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    body, tag = raw[: _NONCE + _NUMBER], raw[_NONCE + _NUMBER :]
    for each in keyring.live("cursor", now).values():
        if len(raw) == _NONCE + _NUMBER + _TAG and hmac.compare_digest(tag, _tag(each.secret, purpose, body)):
            return int.from_bytes(_hidden(each.secret, purpose, body[:_NONCE], body[_NONCE:]), "big")
    raise BadCursorError("this value of next was not made here, or is too old: start again without it")


def _hidden(key: bytes, purpose: str, nonce: bytes, number: bytes) -> bytes:
    pad = hmac.digest(key, b"sealed pad " + purpose.encode() + nonce, "sha256")
    return bytes(a ^ b for a, b in zip(number, pad[:_NUMBER], strict=True))


def _tag(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(key, b"sealed tag " + purpose.encode() + body, "sha256")[:_TAG]
