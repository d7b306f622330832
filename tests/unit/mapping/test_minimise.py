"""Minimising: what rules do to texts, and what profiles do to records (R5; DESIGN sections 4 and 8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import MappingError, ReportError, SettingsError
from taxii_hub.keyring import Keyring
from taxii_hub.mapping.constants import DESIGNATION
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.countries import country_codes
from taxii_hub.mapping.minimise import Rule, pseudonym, pseudonym_key
from taxii_hub.mapping.regions import regions
from taxii_hub.mapping.spec import Spec
from taxii_hub.mapping.words import summary

Make = Callable[..., Spec]
KEY = (3, b"k" * 32)
OTHER = (4, b"l" * 32)
NAMESPACE = UUID("7a4f3d1c-3b0e-4c52-8f0b-8a4a4a7a0001")
OLD = "minimise:\n  no-phones: {PHONE: Telephone numbers are not shared.}\n"
NEW = """minimise:
  coarse:
    BORN: {coarsen: year, why: The year is enough.}
    NAME: {pseudonymise: name, why: Namesakes.}
    COLOUR: {keep: Harmless.}
    PHONE: Not shared.
    PLACE/TOWN: {drop: Too exact., kinds: ROW}
"""


@pytest.fixture
def made(make: Make, tmp_path: Path) -> Callable[..., Conversion]:
    def converted(rows: str, profile: str | None = "coarse", new: str = NEW, **more: Any) -> Conversion:
        path = tmp_path / "list.xml"
        path.write_text(f'<LIST date="2026-01-02">{rows}</LIST>', encoding="utf-8")
        options = ConvertOptions(NAMESPACE, profile=profile, pseudonym_key=lambda: KEY, **more)
        return convert(make((OLD, new)), path, options)

    return converted


# --- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text", "becomes"),
    [
        (("coarsen", "year"), "1984-03-09", "1984"),
        (("coarsen", "year"), "1984", "1984"),
        (("coarsen", "year"), "circa 1984-03", "circa 1984"),
        (("coarsen", "year"), "in spring", None),
        (("coarsen", "year"), "c. 9 March 1984", "c. 1984"),
        (("coarsen", "year"), "between 1980 and 1984", None),
        (("coarsen", "year"), "2026-05-04T10:11:12.000Z", "2026"),
        (("coarsen", "month"), "1984-03-09", "1984-03"),
        (("coarsen", "month"), "1984", "1984"),
        (("coarsen", "day"), "2026-05-04T10:11:12.345Z", "2026-05-04T00:00:00.000Z"),
        (("coarsen", "day"), "2026-05-04", None),
        (("coarsen", "country"), "12 Quay Road, Port Larch, New Zealand", "New Zealand"),
        (("coarsen", "country"), "Port Larch (Côte d'Ivoire)", "Côte d'Ivoire"),
        (("coarsen", "country"), "Port Larch", None),
        (("coarsen", "region"), "Port Larch; Australia", "oceania"),
        (("coarsen", "region"), "Nowhere", None),
        (("keep", ""), "as it is", "as it is"),
        (("drop", ""), "as it is", None),
    ],
)
def test_what_rules_make_of_texts(rule: Any, text: str, becomes: str | None) -> None:
    assert Rule(rule[0], "r", rule[1]).apply(text, None) == becomes


def test_several_values_in_a_text() -> None:
    years = Rule("coarsen", "r", "year", ";")
    assert years.apply("1984-03-09; circa 1983;;1984-01-01; none", None) == "1984; circa 1983"
    assert years.apply(" ; x", None) is None
    first, second = str(Rule("pseudonymise", "r", "name", ";").apply("Tam; Ann", KEY)).split("; ")
    assert first == pseudonym("name", "Tam", KEY)
    assert second == pseudonym("name", "Ann", KEY)


def test_every_country_has_its_region() -> None:
    codes = {code for code in country_codes().values() if code}
    assert codes == set(regions())


@pytest.mark.parametrize(
    ("normaliser", "one", "other", "same"),
    [
        ("name", "SMITH, John", "John  Smith", True),
        ("name", "José", "jose", True),
        ("name", "John Smith", "Jon Smith", False),
        ("identifier", "AB-12 34", "ab1234", True),
        ("identifier", "AB1234", "AB1235", False),
        ("line", " a  b ", "a b", True),
        ("line", "a b", "A b", False),
    ],
)
def test_what_counts_as_the_same(normaliser: str, one: str, other: str, same: bool) -> None:
    assert (pseudonym(normaliser, one, KEY) == pseudonym(normaliser, other, KEY)) is same


@given(st.text(), st.sampled_from(["line", "name", "identifier"]))
def test_pseudonyms_are_stable_and_tell_nothing(text: str, normaliser: str) -> None:
    made = pseudonym(normaliser, text, KEY)
    assert made == pseudonym(normaliser, text, KEY)
    assert made.startswith("pseudonym-3-")
    assert len(made) == len("pseudonym-3-") + 20
    assert made != pseudonym(normaliser, text, (3, b"x" * 32))


def test_the_key_is_the_deployments(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no secrets folder"):
        pseudonym_key(tmp_path / "secrets")
    keyring = Keyring.open(tmp_path / "secrets", create=True)
    first = pseudonym_key(tmp_path / "secrets")
    assert first == pseudonym_key(tmp_path / "secrets")
    keyring.rotate("pseudonym")
    assert pseudonym_key(tmp_path / "secrets")[0] == 2


# --- records ---------------------------------------------------------------------------------------

ROW = (
    "<ROW><REF>1</REF><NAME>Tam Quill</NAME><COLOUR>red</COLOUR><BORN>1984-03-09</BORN><PHONE>555</PHONE>"
    "<PLACE><TOWN>Larch</TOWN><LAND>Australia</LAND></PLACE></ROW>"
)


def test_a_profile_says_what_it_did(made: Callable[..., Conversion]) -> None:
    less = made(ROW)
    told = b"".join(less.bundle()).decode() + json.dumps(less.account)
    assert not [secret for secret in ("Tam", "Quill", "1984-03", "555", "Larch") if secret in told]
    (subject,) = [o for o in less.objects() if o.get("identity_class") == "individual"]
    assert subject["name"] == pseudonym("name", "Quill, Tam", KEY)
    assert subject["extensions"][DESIGNATION]["listed_on"] == "1984"
    assert less.account["buckets"]["minimised"] == 4
    assert less.account["minimised"] == [
        {"path": "BORN", "action": "coarsened to year", "leaves": 1},
        {"path": "NAME", "action": "pseudonymised as name", "leaves": 1},
        {"path": "PHONE", "action": "dropped", "leaves": 1},
        {"path": "PLACE/TOWN", "action": "dropped", "leaves": 1},
    ]
    (born,) = [entry for entry in less.account["paths"] if entry["path"] == "BORN"]
    assert born["buckets"] == {"minimised": 1}
    assert born["targets"] == [
        "identity.designation.listed_on",
        "profile: coarsened to year: The year is enough.",
    ]
    assert (
        "Minimised by coarse: coarsened to year: BORN (1); pseudonymised as name: NAME (1); dropped:"
        in summary(less)
    )


def test_ids_differ_where_the_profile_changed_anything(made: Callable[..., Conversion]) -> None:
    plain = "<ROW><REF>2</REF><COLOUR>red</COLOUR></ROW>"
    whole, less = made(ROW + plain, None), made(ROW + plain)
    (one, same), (other, also) = list(whole.made.values()), list(less.made.values())
    assert one != other
    assert same == also
    assert whole.account["buckets"]["minimised"] == 0
    assert "minimised" not in whole.account


def test_another_key_makes_other_objects_where_there_are_pseudonyms(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    rows = ROW + "<ROW><REF>2</REF><NAME>9</NAME></ROW><ROW><REF>3</REF><BORN>1984-03-09</BORN></ROW>"
    path.write_text(f'<LIST date="2026-01-02">{rows}</LIST>')
    spec = make((OLD, NEW))
    asked = [
        ConvertOptions(NAMESPACE, profile="coarse", pseudonym_key=key) for key in (lambda: KEY, lambda: OTHER)
    ]
    made = [convert(spec, path, options).made for options in asked]
    assert [made[0][key] == made[1][key] for key in ("1", "2", "3")] == [False, False, True]


def test_what_cannot_be_read_is_dropped_and_not_told(made: Callable[..., Conversion]) -> None:
    less = made("<ROW><REF>1</REF><NAME>N</NAME><BORN>in 1984, they say</BORN></ROW>")
    assert less.problems == ()
    assert "they say" not in b"".join(less.bundle()).decode()
    assert {"path": "BORN", "action": "dropped", "leaves": 1} in less.account["minimised"]


def test_a_pseudonym_needs_the_key(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    path.write_text(f'<LIST date="2026-01-02">{ROW}</LIST>')
    with pytest.raises(ReportError, match="coarse makes pseudonyms"):
        convert(make((OLD, NEW)), path, ConvertOptions(NAMESPACE, profile="coarse"))


def test_what_is_left_out_does_not_depend_on_the_profile(made: Callable[..., Conversion]) -> None:
    rule = "leave_out:\n  towns: {when: {present: PLACE/TOWN}, reason: Not for us.}\n"
    for profile in (None, "coarse"):
        out = made(ROW, profile, new=NEW + rule)
        assert out.account["left_out"] == {"towns": 1}
        assert out.account["buckets"]["minimised"] == 0


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("BORN: {coarsen: decade, why: x}", r"minimise\.p\.BORN\.coarsen: one of country, day, "),
        ("BORN: {coarsen: year}", "why is missing"),
        ("BORN: {why: x}", "exactly one of coarsen, drop, keep, pseudonymise"),
        ("BORN: {drop: x, keep: y}", "exactly one of"),
        ("BORN: {drop: x, why: y}", "takes its reason itself"),
        ("BORN: {drop: x, split: ';'}", "takes its reason itself"),
        ("BORN: {pseudonymise: soundex, why: x}", "one of identifier, line, name"),
        ("BORN: {drop: x, kinds: [LINE]}", "one of ROW is wanted"),
        ("BORNE: x", "is not listed in fields"),
        ("REF: x", "is part of the key"),
    ],
)
def test_a_wrong_rule_is_refused(make: Make, rule: str, message: str) -> None:
    with pytest.raises(MappingError, match=message):
        make((OLD, f"minimise:\n  p:\n    {rule}\n"))
