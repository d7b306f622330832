"""Conditions as patterns: one object in one pair of brackets, and what the splitter takes apart."""

from __future__ import annotations

import pytest

from taxii_hub.mapping.logic import Group, Logic, Term, alternatives, joined, observed, term, terms
from taxii_hub.stix.patterns import problem_of
from taxii_hub.stix.splitter import alternatives as split

NAME = Term("file", "file:name = 'a'", None)
SIZE = Term("file", "file:size = 7", None)
FOLDER = Term("file", "file:parent_directory_ref.path LIKE '%b%'", None)
HOST = term(("domain-name", "heron.example"), None)
OTHER = term(("domain-name", "lark.example"), None)
LOCK = Term("mutex", "mutex:name LIKE '%a%'", None)
LATCH = Term("mutex", "mutex:name LIKE '%b%'", None)


def both(*parts: Logic) -> Group:
    return Group("AND", parts)


def either(*parts: Logic) -> Group:
    return Group("OR", parts)


CASES = [
    (NAME, "[file:name = 'a']"),
    (both(NAME, SIZE), "[file:name = 'a' AND file:size = 7]"),
    (both(NAME, either(SIZE, FOLDER)), f"[file:name = 'a' AND (file:size = 7 OR {FOLDER.text})]"),
    (both(NAME, HOST, SIZE), f"[file:name = 'a' AND file:size = 7] AND [{HOST.text}]"),
    (both(HOST, OTHER), f"[{HOST.text}] AND [{OTHER.text}]"),
    (both(HOST, OTHER, NAME), f"[{HOST.text}] AND [{OTHER.text}] AND [file:name = 'a']"),
    (both(LOCK, LATCH), f"[{LOCK.text}] AND [{LATCH.text}]"),
    (both(NAME, either(HOST, SIZE)), f"[file:name = 'a'] AND ([{HOST.text}] OR [file:size = 7])"),
    (either(both(NAME, SIZE), HOST), f"[file:name = 'a' AND file:size = 7] OR [{HOST.text}]"),
    (either(HOST, OTHER), f"[{HOST.text} OR {OTHER.text}]"),
]


@pytest.mark.parametrize(("logic", "pattern"), CASES)
def test_conditions_on_one_object_stand_together(logic: Logic, pattern: str) -> None:
    assert observed(logic) == pattern
    assert problem_of(observed(logic)) is None


@pytest.mark.parametrize(("logic", "pattern"), CASES)
def test_alternatives_are_those_of_the_splitter(logic: Logic, pattern: str) -> None:
    assert tuple(alternatives(logic)) == split(observed(logic))


def test_one_part_needs_no_operator() -> None:
    assert joined("OR", []) is None
    assert joined("OR", [NAME]) is NAME
    whole = joined("AND", [NAME, SIZE])
    assert whole == both(NAME, SIZE)
    assert terms(either(whole or NAME, HOST)) == [NAME, SIZE, HOST]
