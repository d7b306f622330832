"""Signed checkpoints: C2SP tlog-checkpoint texts as C2SP signed notes, with Ed25519.

taxii-hub/0123456789abcdef            origin: which log
4711                                  how many leaves
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2…     the root over them, base64
number 17                             extension lines: which checkpoint of the log this is, and when
at 2026-11-23T00:00:00.000000Z        it was made, so that a missing one and its time are known

— taxii-hub/0123456789abcdef …        signature
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from taxii_hub.keyring import Keyring
from taxii_hub.ledger.merkle import HASH_BYTES, Head
from taxii_hub.stix import timestamps

_ED25519: Final = b"\x01"
_BODY: Final = re.compile(
    r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\nnumber ([0-9]{1,18})\nat ([^\n]+)\n"
)
_SIGNATURE: Final = re.compile("— ([^ \n]+) ([A-Za-z0-9+/]+=*)\n")


class CheckpointError(ValueError):
    """The text is no checkpoint of this log that one of these keys signed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says. ``number`` counts the checkpoints of the log from 1, ``at`` microseconds."""

    origin: str
    head: Head
    number: int
    at: int

    def body(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.head.root).decode()
        return f"{self.origin}\n{self.head.size}\n{root}\nnumber {self.number}\nat {timestamps.format(self.at)}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a signing key, with the name it signs as."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def text(self) -> str:
        """The signed note's spelling, ``name+id+key``: what auditors keep."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises ValueError for another text than :meth:`text` writes."""
        name, _, rest = text.strip().partition("+")
        told, _, key = rest.partition("+")
        try:
            raw = base64.b64decode(key, validate=True)
        except binascii.Error:
            raise ValueError(f"{text.strip()[:80]!r} is no verifier key") from None
        found = cls(name, raw[1:])
        if raw[:1] != _ED25519 or len(raw) != 33 or found.id.hex() != told:
            raise ValueError(f"{text.strip()[:80]!r} is no Ed25519 verifier key")
        return found


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing key; ``seed`` is what the keyring holds."""

    name: str
    seed: bytes

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Signer({self.name})"

    @property
    def verifier(self) -> VerifierKey:
        """Its public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(self.name, public.public_bytes_raw())

    def sign(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note."""
        body = checkpoint.body()
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(body.encode())
        signed = base64.b64encode(self.verifier.id + signature).decode()
        return f"{body}\n— {self.name} {signed}\n"


def origin_of(keyring: Keyring) -> str:
    """The name of the log that is signed with these secrets; a rotation leaves it as it is."""
    return f"taxii-hub/{keyring.fingerprint()[:16]}"


def verifiers_of(keyring: Keyring) -> list[VerifierKey]:
    """The public halves of all signing keys, the newest first: older ones verify for ever."""
    keys, origin = keyring.all("audit"), origin_of(keyring)
    return [Signer(origin, keys[number].secret).verifier for number in sorted(keys, reverse=True)]


def opened(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """What a signed checkpoint says, if one of the keys signed it. Raises CheckpointError."""
    body, separator, signatures = note.partition("\n\n")
    body += "\n"
    lines = signatures.splitlines(keepends=True)
    if not separator or not lines or not all(_SIGNATURE.fullmatch(line) for line in lines):
        raise CheckpointError("is no signed note")
    checkpoint = parsed(body)
    if not any(_signed(body, _SIGNATURE.fullmatch(line), keys) for line in lines):
        raise CheckpointError("is not signed by a key of this log")
    return checkpoint


def parsed(body: str) -> Checkpoint:
    """What the text says, whoever signed it. Raises CheckpointError."""
    match = _BODY.fullmatch(body)
    if match is None:
        raise CheckpointError("is no checkpoint of a TAXII Hub")
    origin, size, root, number, at = match.groups()
    try:
        head = Head(int(size), base64.b64decode(root, validate=True))
        found = Checkpoint(origin, head, int(number), timestamps.parse(at))
    except ValueError:
        raise CheckpointError("holds a number, a root or a time that cannot be read") from None
    if len(head.root) != HASH_BYTES or found.body() != body:
        raise CheckpointError("is not spelled as a checkpoint is")
    return found


def _signed(body: str, match: re.Match[str] | None, keys: Iterable[VerifierKey]) -> bool:
    if match is None:
        return False
    name, text = match.groups()
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    if base64.b64encode(raw).decode() != text:  # the same bytes spelled otherwise: a bit was changed
        return False
    for key in keys:
        if key.name == name and key.id == raw[:4]:
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], body.encode())
            except InvalidSignature:
                continue
            return True
    return False
