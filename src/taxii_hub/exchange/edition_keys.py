"""The keys of records as the memory of editions holds them: sealed.

A list without references of its own has names for keys (Canada, Japan), and what was erased must not go on
standing in them. A sealed key is the same for the same record as long as the deployment's pseudonym key is
known, and tells nothing without it; no key can be got back from it, only recognised.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence

from taxii_hub.keyring import Keyring

SEALED = re.compile(r"sealed-[0-9]+-[0-9a-f]{32}")
LENGTH = 32


def seal(keyring: Keyring, key: str) -> str:
    """The key as it is stored; one that is sealed stays as it is."""
    if SEALED.fullmatch(key):
        return key
    number, secret = keyring.newest("pseudonym")
    return _sealed(number, secret, key)


class RecordKeys:
    """The keys that a file says, recognised in what is remembered: also those sealed by an older key, and
    those written by a hub that did not seal yet."""

    def __init__(self, keyring: Keyring, said: Iterable[str]) -> None:
        secrets = [(number, entry.secret) for number, entry in keyring.all("pseudonym").items()]
        self._forms = {key: [_sealed(number, secret, key) for number, secret in secrets] for key in said}
        self._opened = {form: key for key, forms in self._forms.items() for form in forms}

    def forms(self, keys: Iterable[str]) -> list[str]:
        """Every way in which some of these keys may be remembered."""
        return [form for key in keys for form in (*self._forms[key], key)]

    def opened(self, members: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """By the keys that the file says, where it says them; the others stay sealed."""
        found: dict[str, tuple[str, ...]] = {}
        for stored, ids in members.items():
            key = self._opened.get(stored, stored)
            found[key] = tuple(dict.fromkeys([*found.get(key, ()), *ids]))
        return found

    def spelt(self, stored: str) -> str | None:
        """The key of this sealed one, if it is among those that were said."""
        return self._opened.get(stored)


def _sealed(number: int, secret: bytes, key: str) -> str:
    said = f"taxii-hub record key 1\0{key}".encode("utf-8", "surrogatepass")
    return f"sealed-{number}-{hmac.digest(secret, said, 'sha256').hex()[:LENGTH]}"
