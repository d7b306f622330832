"""Keys, and the headers they come in."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.exchange.credentials import Claim, checksum, mint_key, parse_key, read_claim

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_key_shows_its_id_and_carries_256_random_bits():
    key = mint_key()
    assert re.fullmatch(r"thub_[a-z2-7]{10}_[a-z2-7]{52}_[a-z2-7]{7}", key.text)
    assert key.text.split("_")[1:3] == [key.id, key.secret]
    assert len(base64.b32decode(key.secret.upper() + "====")) == 32
    assert parse_key(key.text) == (key.id, key.secret)


def test_keys_differ():
    keys = [mint_key() for _ in range(200)]
    assert len({k.id for k in keys}) == len({k.secret for k in keys}) == 200


def test_a_secret_is_in_no_repr():
    key = mint_key()
    claim = read_claim(f"Bearer {key.text}", None)
    assert key.secret not in repr(key)
    assert key.secret not in repr(claim)
    assert key.id in repr(claim)


def test_the_checksum_is_that_of_crc32():
    # CRC-32 of "123456789" is cbf43926; base32 of these four bytes.
    assert checksum("123456789") == base64.b32encode(bytes.fromhex("cbf43926")).decode()[:7].lower()


@given(st.integers(0, 77), st.sampled_from(ALPHABET))
def test_every_single_typing_error_is_found(place, letter):
    text = mint_key().text
    place %= len(text)
    changed = text[:place] + letter + text[place + 1 :]
    assert (parse_key(changed) is None) == (changed != text)


def test_a_key_survives_blanks_and_a_line_end_around_it():
    key = mint_key()
    assert parse_key(f"  {key.text}\n") == (key.id, key.secret)


def test_where_a_key_may_stand():
    key = mint_key()
    found = Claim(key.id, key.secret.encode())
    for scheme in ("Bearer", "bearer", "Token", "TOKEN"):
        assert read_claim(f"{scheme} {key.text}", None) == found
        assert read_claim(f"{scheme}   {key.text} ", None) == found
    assert read_claim(None, key.text) == found
    assert read_claim("", key.text) == found
    for user in ("", "siem", "anybody@example.org", "zoë"):
        assert read_claim(basic(user, key.text), None) == Claim(key.id, key.secret.encode(), user)
    assert read_claim(basic(key.text, ""), None).key_id == key.id


def test_a_user_name_in_another_encoding_is_no_matter():
    key = mint_key()
    header = "Basic " + base64.b64encode("zoë".encode("latin-1") + b":" + key.text.encode()).decode()
    assert read_claim(header, None).key_id == key.id


def test_authorization_counts_where_both_headers_are_sent():
    one, other = mint_key(), mint_key()
    assert read_claim(f"Bearer {one.text}", other.text).key_id == one.id
    assert read_claim("Bearer nothing", other.text) == Claim()


def test_the_password_counts_where_both_halves_are_keys():
    one, other = mint_key(), mint_key()
    assert read_claim(basic(one.text, other.text), None).key_id == other.id
    assert read_claim(basic(one.text, "wrong"), None).key_id == ""


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic YWJj",  # no colon
        "Basic YWJ",  # wrong padding
        "Basic " + base64.b64encode(b"\xff\xfe:\xff\xfe").decode(),
        "Basic \xff\xfe",
        "Bearer",
        "Bearer \xe9",
        "Digest username=x",
        "Negotiate abc",
        ":",
        " ",
        "A" * 4096,
        "Bearer " + "a" * 4096,
        "Basic " + base64.b64encode(b"u:" + b"p" * 4096).decode(),
        "Basic \ud800",
    ],
)
def test_malformed_headers_claim_nothing(header):
    """T-1.6.9-02."""
    assert read_claim(header, None).key_id == ""


@given(st.text(), st.one_of(st.none(), st.text()))
def test_no_text_makes_it_raise(authorization, api_key):
    assert read_claim(authorization, api_key).key_id == ""


@given(st.sampled_from(["Basic ", "basic\t", "Bearer ", "Token "]), st.binary(max_size=200))
def test_no_bytes_make_it_raise(scheme, body):
    assert read_claim(scheme + body.decode("latin-1"), None).key_id == ""
    assert read_claim(scheme + base64.b64encode(body).decode(), None).key_id == ""
    assert read_claim(None, body.decode("latin-1")).key_id == ""
