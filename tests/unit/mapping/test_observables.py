"""Values of indicators: refanged, recognised, and one comparison that pattern readers take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.mapping.observables import checked, comparison, guessed, refanged
from taxii_hub.stix import patterns

KINDS = ["ip", "ipv4-addr", "ipv6-addr", "url", "email-addr", "mac-addr", "hash", "MD5", "SHA-1", "SHA-256"]
KINDS += ["SHA-512", "domain-name", "filename", "user-account"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("hxxps://a[.]example/b", "https://a.example/b"),
        ("hXXp[:]//a(dot)example", "http://a.example"),
        ("h**ps[://]a{.}example", "https://a.example"),
        ("fxp://a.example", "ftp://a.example"),
        ("clerk[at]a[.]example", "clerk@a.example"),
        ("198\\.51\\.100\\.7", "198.51.100.7"),
        ("a.example/hxxp", "a.example/hxxp"),
        ("list[1].txt", "list[1].txt"),
    ],
)
def test_defanged_values_are_written_as_they_are_meant(written: str, meant: str) -> None:
    assert refanged(written) == meant


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("198.51.100.7", ("ipv4-addr", "198.51.100.7")),
        ("198.51.100.0/24", ("ipv4-addr", "198.51.100.0/24")),
        ("2001:DB8::7", ("ipv6-addr", "2001:db8::7")),
        ("https://a.example/B?c=1", ("url", "https://a.example/B?c=1")),
        ("clerk@a.example", ("email-addr", "clerk@a.example")),
        ("00-00-5E-00-53-01", ("mac-addr", "00:00:5e:00:53:01")),
        ("A" * 32, ("MD5", "a" * 32)),
        ("b" * 40, ("SHA-1", "b" * 40)),
        ("c" * 64, ("SHA-256", "c" * 64)),
        ("d" * 128, ("SHA-512", "d" * 128)),
        ("WWW.A.Example", ("domain-name", "www.a.example")),
        ("198.51.100.300", None),
        ("e" * 33, None),
        ("invoice.", None),
        ("kestrel", None),
        ("two words.example", None),
    ],
)
def test_the_form_of_a_value_tells_what_it_is(text: str, found: tuple[str, str] | None) -> None:
    assert guessed(text) == found


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ipv4-addr", "2001:db8::7"),
        ("MD5", "a" * 40),
        ("filename", "a/b"),
        ("user-account", "a b"),
        ("url", "a"),
    ],
)
def test_a_value_of_another_kind_is_none(kind: str, text: str) -> None:
    assert checked(kind, text) is None


def test_quotes_and_backslashes_are_escaped() -> None:
    assert comparison(("user-account", "o'neil\\x")) == r"[user-account:account_login = 'o\'neil\\x']"
    assert comparison(("SHA-256", "c")) == "[file:hashes.'SHA-256' = 'c']"


@given(st.sampled_from(KINDS), st.text(max_size=140))
def test_what_is_accepted_gives_a_well_formed_pattern(kind: str, text: str) -> None:
    found = checked(kind, refanged(text))
    assert found is None or patterns.problem_of(comparison(found)) is None
