from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.stix.languages import is_language_tag


@pytest.mark.parametrize(
    "tag",
    [
        "en",
        "EN-us",
        "ar",
        "prs",
        "ckb",
        "zh-Hant-TW",
        "sr-Latn-RS",
        "es-419",
        "de-1996",
        "sl-rozaj-biske",
        "zh-cmn-Hans-CN",
        "qaa",
        "de-Qaaa",
        "en-XA",
        "en-a-bbb-x-a-ccc",
        "de-DE-u-co-phonebk",
        "en-x-invented",
    ],
)
def test_registered_tags(tag: str) -> None:
    """S-3.2-01, RFC 5646."""
    assert is_language_tag(tag)


@pytest.mark.parametrize(
    "tag",
    ["", "e", "xx", "foo", "klingon", "en_US", "en-", "-en", "en-CB", "en--US", "en-Zzzq", "en-US-US", "en-nonsense",
     "x-invented", "é", "en-u", "english", "en " + "x" * 100, "en-x-" + "a-" * 1000],
)  # fmt: skip
def test_other_texts(tag: str) -> None:
    assert not is_language_tag(tag)


@given(st.text(max_size=20))
def test_any_text_is_answered(text: str) -> None:
    assert is_language_tag(text) in (True, False)
