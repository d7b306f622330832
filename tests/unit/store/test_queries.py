"""The compilation of a page into finds: hinted, never more than 200 branches, nothing widened."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.model import ObjectQuery, VersionFilter, Visibility
from taxii_hub.store.queries import MAX_SCANS, newest_finds, page_finds, start_of, version_finds

classes = st.sets(st.integers(1, 2000), min_size=1, max_size=700).map(lambda s: tuple(sorted(s)))
words = st.lists(st.text("abc", min_size=1, max_size=5), max_size=300, unique=True).map(tuple)


NOW = 1_700_000_000_000_000


def seen(readable: tuple[int, ...]) -> Visibility:
    return Visibility(7, "gb", readable, 1, NOW)


@given(classes, words, words, st.sampled_from([30, MAX_SCANS]))
def test_no_find_has_more_branches_than_it_may_and_together_they_cover_all(
    readable: tuple[int, ...], ids: tuple[str, ...], types: tuple[str, ...], most: int
) -> None:
    finds = page_finds(seen(readable), ObjectQuery(ids=ids, types=types), most)
    covered = set()
    for find in finds:
        listed = find.filter.get("i", find.filter.get("t", {"$in": [None]}))["$in"]
        branches = len(find.filter["p"]["$in"]) * (len(listed) if find.hint != "last" else 1)
        assert branches <= (MAX_SCANS if ids else most)
        covered |= {(p, x) for p in find.filter["p"]["$in"] for x in listed}
    wanted = ids or types or (None,)
    assert covered == {(p, x) for p in readable for x in wanted}


@given(classes)
def test_what_hides_a_version_is_always_the_whole_readable_set(readable: tuple[int, ...]) -> None:
    """A split must not show an older version because the newer one's class is in another part."""
    for find in page_finds(seen(readable), ObjectQuery()):
        assert find.filter["u"] == {"$nin": list(readable)}


def test_who_may_read_no_class_asks_nothing() -> None:
    assert page_finds(seen(()), ObjectQuery()) == []
    assert newest_finds(seen(())) == []
    assert version_finds(seen(()), "x--1", expired=False) == []


def test_each_filter_has_its_index() -> None:
    def hint(query: ObjectQuery) -> str:
        return page_finds(seen((1,)), query)[0].hint

    every = VersionFilter(frozenset({"all"}))
    assert hint(ObjectQuery()) == "last"
    assert hint(ObjectQuery(types=("a",))) == "type"
    assert hint(ObjectQuery(ids=("a",), types=("b",))) == "object"
    assert hint(ObjectQuery(versions=every)) == "all"
    assert hint(ObjectQuery(versions=every, types=("a",))) == "all"


def test_a_position_never_widens_added_after() -> None:
    assert start_of(ObjectQuery()) is None
    assert start_of(ObjectQuery(added_after=5)) == 5
    assert start_of(ObjectQuery(added_after=5, position=9)) == 9
    assert start_of(ObjectQuery(added_after=9, position=5)) == 9
    assert page_finds(seen((1,)), ObjectQuery(added_after=5))[0].filter["s"] == {"$gt": 5}


def test_an_exact_version_also_names_unversioned_objects() -> None:
    """T-3.4.1-11: an SCO is found by the version that the server gave it."""
    (find,) = page_finds(seen((1,)), ObjectQuery(versions=VersionFilter(frozenset({"last"}), (3,))))
    assert {"v": {"$in": [3]}} in find.filter["$or"]
    assert {"v": 0, "a": {"$in": [3]}} in find.filter["$or"]
