"""Sealed numbers come back to who has the keys, and tell nobody else anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxii_hub.errors import BadCursorError
from taxii_hub.exchange.sealed import sealed, unsealed
from taxii_hub.keyring import Keyring


@given(st.integers(0, 2**60))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_sealed_is_unsealed(tmp_path: Path, number: int) -> None:
    keyring = Keyring.open(tmp_path / "secrets", create=True)
    text = sealed(keyring, "a", number)
    assert len(text) == 43
    assert sealed(keyring, "a", number) != text
    assert unsealed(keyring, "a", text, 0) == number
    with pytest.raises(BadCursorError):
        unsealed(keyring, "b", text, 0)
    with pytest.raises(BadCursorError):
        unsealed(keyring, "a", ("A" if text[0] != "A" else "B") + text[1:], 0)


def test_older_keys_unseal_and_other_texts_do_not(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path / "secrets", create=True)
    text = sealed(keyring, "a", 7)
    keyring.rotate("cursor")
    assert unsealed(keyring, "a", text, 0) == 7
    for wrong in ("", "A", "é", "!" * 43, text + "AAAA"):
        with pytest.raises(BadCursorError):
            unsealed(keyring, "a", wrong, 0)
