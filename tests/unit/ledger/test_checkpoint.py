"""Checkpoints are signed notes that others can verify, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from taxii_hub.ledger.checkpoint import (
    _SIGNATURE,
    Checkpoint,
    CheckpointError,
    Signer,
    VerifierKey,
    _signed,
    opened,
    parsed,
)
from taxii_hub.ledger.merkle import Head, leaf_hash

SIGNER = Signer("taxii-hub/test", b"s" * 32)
CHECKPOINT = Checkpoint("taxii-hub/test", Head(7, leaf_hash(b"x")), 3, 1_763_856_000_000_000)


def test_what_was_signed_is_read_again() -> None:
    note = SIGNER.sign(CHECKPOINT)
    assert note.startswith("taxii-hub/test\n7\n")
    assert opened(note, [VerifierKey("other", b"o" * 32), SIGNER.verifier]) == CHECKPOINT
    assert VerifierKey.parse(SIGNER.verifier.text() + "\n") == SIGNER.verifier
    assert "ssss" not in repr(SIGNER)


def test_the_published_signed_note() -> None:
    """The example of golang.org/x/mod/sumdb/note, which the C2SP text describes."""
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    assert _signed(text, _SIGNATURE.fullmatch(line), [key])
    assert not _signed(text + ".", _SIGNATURE.fullmatch(line), [key])


def test_every_changed_bit_is_found() -> None:
    note = SIGNER.sign(CHECKPOINT).encode()
    for place in range(len(note) * 8):
        changed = bytearray(note)
        changed[place // 8] ^= 1 << place % 8
        try:
            text = changed.decode()
        except UnicodeDecodeError:
            continue
        with pytest.raises(CheckpointError):
            opened(text, [SIGNER.verifier])


@pytest.mark.parametrize("note", ["", "a\n\n", "a\n1\n\n— x y\n", SIGNER.sign(CHECKPOINT) + "x\n"])
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(CheckpointError):
        opened(note, [SIGNER.verifier])


@pytest.mark.parametrize(
    ("old", "new"), [("number 3", "number 03"), ("2025-11-23T", "2025-13-23T"), ("at 2", "at  2")]
)
def test_a_checkpoint_has_one_spelling(old: str, new: str) -> None:
    body = CHECKPOINT.body()
    assert old in body
    with pytest.raises(CheckpointError):
        parsed(body.replace(old, new))


@pytest.mark.parametrize(
    "text", ["", "a+b", "a+00000000+!", "a+00000000+AAAA", SIGNER.verifier.text().replace("test", "tost")]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="verifier key"):
        VerifierKey.parse(text)
