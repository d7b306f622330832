from __future__ import annotations

import re

import pytest

from taxii_hub.mapping.countries import country_codes, country_names, fold


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Iran (Islamic Republic of)", "IR"),
        ("Democratic People's Republic of Korea", "KP"),
        ("Democratic People\u2019s Republic of Korea", "KP"),
        ("Republic of Korea", "KR"),
        ("Congo", "CG"),
        ("Democratic Republic of the Congo", "CD"),
        ("Türkiye", "TR"),
        ("TURKIYE", "TR"),
        ("China, Hong Kong Special Administrative Region", "HK"),
        ("the former Soviet Union", None),
        ("Côte d'Ivoire", "CI"),
    ],
)
def test_names_as_lists_spell_them(name: str, code: str | None) -> None:
    assert country_codes()[fold(name)] == code


def test_iso_3166_1_is_there_whole() -> None:
    codes = {code for code in country_codes().values() if code}
    assert len(codes) == 249
    assert all(re.fullmatch("[A-Z]{2}", code) for code in codes)


def test_what_is_no_country() -> None:
    assert fold("Atlantis") not in country_codes()
    assert fold("") not in country_codes()


def test_a_country_has_the_name_that_is_listed_first() -> None:
    names = country_names()
    assert (names["IR"], names["TZ"]) == ("Iran (Islamic Republic of)", "United Republic of Tanzania")
    assert all(country_codes()[fold(name)] == code for code, name in names.items())
