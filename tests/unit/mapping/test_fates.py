"""What became of leaves is counted by few shared fates: none is lost, none counts twice (R5)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.mapping.accounting import BUCKETS, Account, Fate, Fates
from taxii_hub.mapping.emit import Place
from taxii_hub.mapping.names import distinct, once
from taxii_hub.mapping.record import Leaf, Value

uses = st.lists(st.tuples(st.sampled_from(BUCKETS), st.sampled_from("abc")), min_size=1, max_size=6)


@settings(max_examples=60)
@given(records=st.lists(st.lists(uses, max_size=4), max_size=4))
def test_the_account_says_what_was_done_leaf_by_leaf(records: list[list[list[tuple[str, str]]]]) -> None:
    account, wanted, targets = Account(), Counter[str](), set[str]()
    for record in records:
        fates = Fates(account.untold)
        for leaf, done in enumerate(record):
            for bucket, target in done:
                fates.use(leaf, bucket, target)  # type: ignore[arg-type]
            wanted[min((bucket for bucket, _ in done), key=BUCKETS.index)] += 1
            targets |= {target for _, target in done}
        account.add([Leaf("x", "y", None, "x")] * len(record), fates.all(len(record)))
    assert Counter(account.totals()) == wanted
    assert account.leaves == wanted.total()
    told = account.as_json({}, [])
    assert [set(path["targets"]) for path in told["paths"]] == ([targets] if targets else [])


def test_a_leaf_without_a_bucket_is_never_counted() -> None:
    account = Account()
    with pytest.raises(AssertionError, match="no bucket"):
        account.add([Leaf("x", "y", None, "x")], Fates(account.untold).all(1))


def test_equal_fates_are_one_in_whatever_order_they_came_about() -> None:
    untold = Fate()
    one = untold.after(("derived", "a")).after(("mapped", "b"))
    assert one is untold.after(("mapped", "b")).after(("derived", "a"))
    assert (one.bucket, one.targets) == ("mapped", frozenset("ab"))
    assert one.settled(("minimised", "c")).bucket == "minimised"


def test_a_hook_that_makes_names_of_texts_does_not_fill_the_memory() -> None:
    place = Place("identity")
    made = [place.inside(f"name {number}") for number in range(2000)]
    assert made[-1].spelt == ("mapped", "identity.name 1999")
    assert len(place.below) < 1000


def test_texts_that_no_json_can_hold_are_told_apart() -> None:
    trees = [{"a": Value(text, frozenset({at}))} for at, text in enumerate(("\ud800", "\ud801", "\ud800"))]
    assert [count for _, count in distinct(trees)] == [2, 1]
    assert once([None, [], {}]) == []
