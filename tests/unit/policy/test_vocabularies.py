"""Every row of every vocabulary, by the examples that stand beside it (R4: unknown means origin only)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.model import Group, Reader
from taxii_hub.policy.banner import terms_of_statement
from taxii_hub.policy.extensions import (
    ACS,
    RELEASABILITY,
    terms_of_acs,
    terms_of_iep,
    terms_of_releasability,
)
from taxii_hub.policy.marking import Marked, Setting, marked
from taxii_hub.policy.reading import LADDER, decide, origin_only
from taxii_hub.policy.tables import COMMUNITY, LEVELS, Row, Table, names, read, table
from taxii_hub.policy.terms import Community
from taxii_hub.policy.vocabulary import terms_of, tlp_term
from taxii_hub.stix.markings import TLP_2_IDS
from taxii_hub.stix.timestamps import parse

DEFINITION = "marking-definition--11111111-2222-4333-8444-555555555555"
IDENTITY = "identity--11111111-2222-4333-8444-555555555555"
AGENCIES: dict[str, dict[str, Any]] = read(COMMUNITY)["agencies"]
GROUPS = {
    name: Group(name, name, tuple((member, None, None) for member in members))
    for name, members in read(COMMUNITY)["groups"].items()
}
HERE = Community({name: each["country"] for name, each in AGENCIES.items()}, GROUPS, "2026-01-01")
READERS = {
    name: Reader(
        name, LADDER.index(each["level"]), frozenset(each.get("clearances", ())), each.get("purpose")
    )
    for name, each in AGENCIES.items()
}


def examples() -> Iterator[Any]:
    for each in (table(name) for name in names()):
        for row in each.rows:
            for number, example in enumerate(row.examples):
                where = f"{each.name}-{row.field or ''}-{row.term}-{number}"
                yield pytest.param(each, row, example, id=where)


def definition_of(each: Table, written: Any) -> dict[str, Any]:
    if each.form == "statement":
        return {"definition_type": "statement", "definition": {"statement": written}}
    filled = {**each.base, **written}
    if each.form == "iep":
        return {"definition_type": "iep", "definition": filled}
    return {"extensions": {{"acs": ACS, "releasability": RELEASABILITY}[each.form]: filled}}


def found(definition: Mapping[str, Any], origin: str = "us-kite", relayed: bool = False) -> Marked:
    setting = Setting(origin, "clear", HERE, {DEFINITION: definition}, {IDENTITY: origin})
    creator = IDENTITY if not relayed else IDENTITY.replace("1", "2")
    return marked({"object_marking_refs": [DEFINITION], "created_by_ref": creator}, setting)


@pytest.mark.parametrize(("each", "row", "example"), list(examples()))
def test_every_row_means_what_its_examples_say(each: Table, row: Row, example: Mapping[str, Any]) -> None:
    assert set(example) <= {"as", "origin", "reads", "not", "relayed", "held"}
    definition = definition_of(each, example["as"])
    used = {term.row for term in terms_of(DEFINITION, definition) or ()}
    assert row.template.row in used
    policed = found(definition, example["origin"], example.get("relayed", False))
    assert policed.hold == example.get("held", False)
    reads = {name for name in READERS if decide(policed.policy, READERS[name])}
    assert set(example.get("reads", ())) <= reads
    assert not set(example.get("not", ())) & reads


def test_every_row_has_an_example_a_source_and_words() -> None:
    assert set(names()) == {
        "tlp1", "tlp2", "us-ic", "uk", "national", "europol", "interpol", "acs", "iep", "releasability",
    }  # fmt: skip
    assert LEVELS == LADDER
    for each in (table(name) for name in names()):
        spellings = [(row.field, spelling) for row in each.rows for spelling in (row.term, *row.also)]
        assert len(spellings) == len(set(spellings))
        for row in each.rows:
            assert row.examples, row.term
            assert row.source
            assert row.says.endswith((".", "everybody."))


def test_no_spelling_stands_in_two_tables() -> None:
    from taxii_hub.policy.tables import folded

    seen: dict[str, str] = {}
    for each in (table(name) for name in names()):
        for row in each.rows if each.form == "statement" else ():
            for spelling in (row.term, *row.also):
                assert seen.setdefault(folded(spelling), row.template.row) == row.template.row


@pytest.mark.parametrize(
    "text",
    [
        "Copyright 2026, Invented Corporation",
        "(c) 2026 Invented Corporation. All rights reserved.",
        "This object was created using ATT&CK, see https://attack.example//terms",
        "",
        "x" * 5000,
        "Permission is hereby granted, free of charge, to any person obtaining a copy. " * 20,
    ],
)
def test_an_ordinary_statement_restricts_nobody(text: str) -> None:
    (term,) = terms_of_statement(text) or ()
    assert (term.audience, term.level, term.row) == (None, 0, "statement")


@pytest.mark.parametrize(
    "text",
    [
        "SECRET//NOFORM", "SECRET//", "SECRET//SI-G", "//GBR SECRET", "TLP:PURPLE", "TLP", "SECRETNOFORN", "H4 / H2", "Top-Secret stuff",
        "REL TO", "REL TO USA; GBR", "NATO RESTRICTED REL AUSTRALIA", "Confidential, for the ministry",
        "Not to be distributed outside of the ministry", "For official use only", "SECRET//NOFORN//",
        "no dissemination without consent " * 20, "geheim, nur für Amt Dachs", "x" * 20_001,
    ],
)  # fmt: skip
def test_a_caveat_that_is_not_understood_wholly_is_for_the_origin_only(text: str) -> None:
    definition = {"definition_type": "statement", "definition": {"statement": text}}
    if text != "For official use only":
        assert terms_of_statement(text) is None
        assert found(definition).policy == origin_only("us-kite")
    else:
        assert found(definition).policy.level == 1


def test_a_line_is_the_meet_of_its_entries() -> None:
    policy = found(definition_of(table("us-ic"), "secret//si/tk//rel to usa, gbr, aus//orcon")).policy
    assert (policy.level, policy.needs) == (3, {"SI", "TK"})
    assert policy.audience == {"us-kite", "us-wren", "gb-heron", "au-quoll"}
    assert found(definition_of(table("us-ic"), "REL TO USA, GBR//NOFORN")).policy.audience == {
        "us-kite",
        "us-wren",
    }


def test_handling_in_words_is_a_duty() -> None:
    definition = definition_of(table("europol"), "H3: only for team Otter")
    assert found(definition).duties == {"ONLY FOR TEAM OTTER"}
    assert "judicial" in str(found(definition_of(table("europol"), "H1")).duties)


def test_what_says_nothing_about_readers_leaves_the_default() -> None:
    definition = definition_of(table("europol"), "B2")
    setting = Setting("us-kite", "red", HERE, {DEFINITION: definition})
    assert marked({"object_marking_refs": [DEFINITION]}, setting).policy == origin_only("us-kite")
    duties = definition_of(table("releasability"), {"duties": ["notify"], "handling": "Ask first"})
    assert marked({"object_marking_refs": [DEFINITION]}, Setting("us-kite", "red", HERE, {DEFINITION: duties})) .duties == {
        "notify", "Ask first",
    }  # fmt: skip


def test_a_day_is_over_at_its_end() -> None:
    definition = definition_of(table("releasability"), {"expires": "2026-02-28", "level": "secret"})
    assert found(definition).expires == parse("2026-03-01T00:00:00Z")
    iep = definition_of(table("iep"), {"end_date": "2026-02-28T12:00:00Z", "tlp": "green"})
    assert found(iep).expires == parse("2026-02-28T12:00:00Z")


NOT_RELEASABILITY: list[dict[str, Any]] = [
    {}, {"level": "cosmic"}, {"level": 3}, {"releasable_to": []}, {"releasable_to": "GBR"}, {"releasable_to": [""]},
    {"releasable_to": [7]}, {"hold": False}, {"hold": "yes"}, {"expires": "2026-2-1"}, {"expires": "20260201"},
    {"expires": "2026-02-30"}, {"expires": None}, {"colour": "red"}, {"level": "secret", "colour": "red"}, {"handling": "x" * 201},
    {"handling": "a\nb"}, {"needs": ["SI"] * 301}, {"extension_type": "toplevel-property-extension", "level": "secret"},
]  # fmt: skip


@pytest.mark.parametrize("given", NOT_RELEASABILITY)
def test_a_releasability_marking_of_another_form_is_not_understood(given: dict[str, Any]) -> None:
    definition = definition_of(table("releasability"), given)
    assert terms_of(DEFINITION, definition) is None
    assert found(definition).policy == origin_only("us-kite")


@pytest.mark.parametrize(
    "given",
    [
        {"control_set": {}}, {"control_set": {"classification": "X"}}, {"control_set": None},
        {"control_set": {"classification": "U", "sci_controls": ["SI"]}},
        {"control_set": {"classification": "U", "entity": ["MIL"]}},
        {"control_set": {"classification": "U", "formal_determination": "NF"}},
        {"control_set": {"classification": "U", "shareability": ["MOON"]}},
        {"control_set": {"classification": "U", "shareability": []}},
        {"access_privilege": {}}, {"access_privilege": ["x"]}, {"access_privilege": [{"privilege_action": "FLY", "rule_effect": "permit"}]},
        {"access_privilege": [{"privilege_action": "DSPLY", "rule_effect": "maybe"}]},
        {"access_privilege": [{"privilege_action": "DSPLY", "rule_effect": "permit", "privilege_scope": {"entity": ["MIL"]}}]},
        {"access_privilege": [{"privilege_action": "DSPLY", "rule_effect": "permit", "privilege_scope": {"permitted_organizations": ["USA.DHS"]}}]},
        {"access_privilege": [{"privilege_action": "DSPLY", "rule_effect": "permit", "privilege_scope": {"shareability": ["MOON"]}}]},
        {"access_privilege": [{"privilege_action": "DSPLY", "rule_effect": "permit", "privilege_scope": []}]},
        {"access_privilege": [{"privilege_action": "DSPLY", "rule_effect": "permit", "other": 1}]},
        {"further_sharing": "no"}, {"further_sharing": [{"rule_effect": "permit"}]}, {"further_sharing": [{"rule_effect": "x", "sharing_scope": ["A"]}]},
        {"moon": 1},
    ],
)  # fmt: skip
def test_acs_that_the_hub_cannot_judge_is_for_the_origin_only(given: dict[str, Any]) -> None:
    assert found(definition_of(table("acs"), given)).policy == origin_only("us-kite")


POOL = [
    definition_of(each, example["as"])
    for each in (table(name) for name in names())
    for row in each.rows
    for example in row.examples
]
markings = st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=4)


@given(markings, st.integers(0, len(POOL) - 1), st.sampled_from(sorted(AGENCIES)))
@settings(max_examples=60)
def test_adding_a_marking_of_any_vocabulary_never_adds_a_reader(
    some: list[int], more: int, origin: str
) -> None:
    """From a marked object: an explicit marking stands in for a default, which is none."""
    ids = [f"marking-definition--{number}" for number in range(len(POOL))]
    setting = Setting(origin, "clear", HERE, dict(zip(ids, POOL, strict=True)))
    one = marked({"object_marking_refs": [TLP_2_IDS["clear"], *(ids[i] for i in some)]}, setting)
    both = marked({"object_marking_refs": [TLP_2_IDS["clear"], *(ids[i] for i in (*some, more))]}, setting)
    for reader in READERS.values():
        assert decide(one.policy, reader) or not decide(both.policy, reader)
    assert both.duties >= one.duties
    assert both.hold or not one.hold
    assert (both.expires or 1 << 62) <= (one.expires or 1 << 62)


def test_the_schema_and_the_parser_agree() -> None:
    schema = Path(__file__).resolve().parents[3] / "docs" / "schemas" / "releasability.schema.json"
    validator = jsonschema_rs.validator_for(json.loads(schema.read_text()), validate_formats=True)
    right = [example["as"] for row in table("releasability").rows for example in row.examples]
    wrong = [*NOT_RELEASABILITY, {"expires": "2026-02-30"}]
    for one in (*right, *wrong):
        filled = {**table("releasability").base, **one}
        assert validator.is_valid(filled) == (terms_of_releasability(filled) is not None), one


def test_acs_without_a_rule_about_reading_is_denied_by_default() -> None:
    strict = {"policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit"}
    assert found(definition_of(table("acs"), strict)).policy == origin_only("us-kite")
    sharing = {"further_sharing": [{"rule_effect": "permit", "sharing_scope": ["FOREIGNGOV", "SECTOR"]}]}
    marked_so = found(definition_of(table("acs"), sharing))
    assert marked_so.duties == {"further sharing permit: FOREIGNGOV, SECTOR"}
    scoped = {
        "privilege_action": "DSPLY",
        "rule_effect": "permit",
        "privilege_scope": {"shareability": ["LE"]},
    }
    assert found(definition_of(table("acs"), {"access_privilege": [scoped]})).policy.audience == {
        "us-kite", "us-wren",
    }  # fmt: skip


@pytest.mark.parametrize(
    "given", [{"iep": 1}, {"tlp": "purple"}, {"tlp": 3}, {"end_date": "soon"}, {"version": "3"}, {"name": 7}]
)
def test_iep_that_is_not_understood(given: dict[str, Any]) -> None:
    assert terms_of(DEFINITION, definition_of(table("iep"), given)) is None


@pytest.mark.parametrize(
    "definition",
    [
        {}, {"definition_type": "tlp", "definition": {"tlp": "white"}}, {"definition_type": "statement"},
        {"definition_type": "statement", "definition": {"statement": 7}}, {"definition_type": "iep", "definition": []},
        {"extensions": {}}, {"extensions": []}, {"extensions": {RELEASABILITY: None}}, {"extensions": {ACS: []}},
        {"extensions": {RELEASABILITY: {"extension_type": "property-extension", "level": "unclassified"}, "x": {}}},
        {"definition_type": "statement", "definition": {"statement": "x"}, "extensions": {"x": {}}},
    ],
)  # fmt: skip
def test_definitions_of_other_forms_are_not_understood(definition: dict[str, Any]) -> None:
    assert terms_of(DEFINITION, definition) is None


def test_a_word_that_is_no_tlp_counts_as_red() -> None:
    assert tlp_term("purple") == tlp_term("red")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["U", "ALL", "DSPLY", "permit", "2026-01-01", "red"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*"ab", "control_set", "classification", "access_privilege", "level", "hold", "tlp", "rule_effect", "privilege_action", "privilege_scope", "extension_type"]), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(json_values)
def test_parsers_of_fields_never_raise(value: Any) -> None:
    for parser in (terms_of_releasability, terms_of_acs, terms_of_iep):
        parser(value)
    terms_of(DEFINITION, {"definition_type": "statement", "definition": value, "extensions": {ACS: value}})


pieces = st.sampled_from(
    ["SECRET", "//", "/", ", ", "REL TO ", "USA", "NOFORN", "H3: ", "TLP:", "RED", " ONLY", "é", " "]
)


@given(st.lists(pieces, max_size=6).map("".join) | st.text(max_size=40))
def test_the_banner_parser_never_raises_and_never_loses_a_restriction(text: str) -> None:
    terms = terms_of_statement(text)
    if "NOFORN" in text and terms is not None:
        assert any(term.audience is not None for term in terms)


def test_no_statement_of_a_shipped_mapping_is_taken_for_a_caveat() -> None:
    shipped = Path(__file__).resolve().parents[3] / "mappings"
    found = {
        json.loads(text)
        for path in shipped.glob("*/samples/*.expected.json")
        for text in re.findall(r'"statement": ("(?:[^"\\]|\\.)*")', path.read_text())
    }
    assert found
    assert {
        text for text in found if not (terms := terms_of_statement(text)) or terms[0].row != "statement"
    } == set()
