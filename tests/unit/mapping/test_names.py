"""What hooks share: scripts of names, and lists that repeat themselves."""

from __future__ import annotations

import pytest

from taxii_hub.mapping.expressions import walk
from taxii_hub.mapping.names import distinct, once, script
from taxii_hub.mapping.record import Value


@pytest.mark.parametrize(
    ("name", "code"),
    [("Ann", "Latn"), ("«Анна»", "Cyrl"), ("1 سمير", "Arab"), ("김", "Hang"), ("ナ", "Kana"), ("漢", "Hani")],
)
def test_the_script_is_that_of_the_first_letter(name: str, code: str) -> None:
    found = script(Value(name, frozenset({3})))
    assert found is not None
    assert (found.data, found.leaves, found.derived) == (code, {3}, True)


@pytest.mark.parametrize("name", ["", "4711 -", "ᚠ"])
def test_what_has_no_letter_of_the_table_has_no_script(name: str) -> None:
    assert script(Value(name, frozenset({3}))) is None


def test_equal_trees_are_one_that_comes_from_all_leaves() -> None:
    trees = [
        {"a": Value("x", frozenset({n})), "b": [Value("y", frozenset({n + 10})), "const"], "c": None}
        for n in (1, 2)
    ]
    other = {"a": Value("z", frozenset({3})), "b": None, "c": None}
    ((tree, count), (last, alone)) = distinct([trees[0], other, trees[1]])
    assert (count, alone) == (2, 1)
    assert {path: value.leaves for path, value in walk(tree)} == {"a": {1, 2}, "b": {11, 12}}
    assert last == other


def test_what_says_nothing_is_left_out() -> None:
    value = Value("x", frozenset({1}))
    assert once([None, value, {"a": None}, value]) == [value]
