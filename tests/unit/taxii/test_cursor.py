import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import BadCursorError, BadParameterError, BadRequestError
from taxii_hub.model import ObjectQuery, VersionFilter
from taxii_hub.taxii.cursor import KEY_LIFETIME, MAX_LENGTH, Cursor, CursorKeys, decode, encode, resume
from taxii_hub.taxii.filters import Asked, parse_query

NOW = 1_785_000_000_000_000
KEYS = CursorKeys(newest=(7, b"s" * 32), all={7: (b"s" * 32, None), 6: (b"o" * 32, NOW)})
PLAIN = Cursor(collection=3, position=NOW - 5, object_id=None, query=ObjectQuery(), epoch=2)

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
filters = st.builds(
    ObjectQuery,
    added_after=st.none() | st.integers(0, 2**60),
    ids=st.lists(texts, max_size=20).map(lambda found: tuple(sorted(set(found)))),
    types=st.lists(texts, max_size=5).map(lambda found: tuple(sorted(set(found)))),
    versions=st.builds(
        VersionFilter,
        st.frozensets(st.sampled_from(["first", "last", "all"])),
        st.lists(st.integers(0, 2**60), max_size=4).map(tuple),
    ),
    spec_versions=st.sampled_from([(), ("2.0",), ("2.0", "2.1")]),
)
cursors = st.builds(
    Cursor,
    collection=st.integers(0, 2**31),
    position=st.integers(0, 2**62),
    object_id=st.none() | texts,
    query=filters,
    epoch=st.integers(0, 2**31),
)


@given(cursors)
def test_what_was_encoded_is_decoded(cursor):
    text = encode(KEYS, cursor)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", text)  # clients.md 8: pasted unescaped by cc-taxii2-client
    assert decode(KEYS, text, NOW) == cursor


@given(cursors, st.data())
def test_a_changed_character_is_noticed(cursor, data):
    """T-3.5-05."""
    text = encode(KEYS, cursor)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AQgwz059-_.~%é\0"))
    changed = text[:place] + other + text[place + 1 :]
    if changed != text:
        with pytest.raises(BadCursorError):
            decode(KEYS, changed, NOW)


@given(cursors, st.integers(1, 30))
def test_a_cut_or_longer_cursor_is_noticed(cursor, count):
    text = encode(KEYS, cursor)
    for changed in (text[:-count], text[count:], text + "A" * count):
        with pytest.raises(BadCursorError):
            decode(KEYS, changed, NOW)


arbitrary = st.text(max_size=100) | st.from_regex(r"\A7\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}\Z")


@given(arbitrary)
def test_arbitrary_text_is_a_bad_cursor_and_nothing_else(text):
    with pytest.raises(BadCursorError):
        decode(KEYS, text, NOW)


@pytest.mark.parametrize(
    "text", ["", "1", "0", "-1", "garbage", "../..", "7..", "7.a.b", "A" * (MAX_LENGTH + 1)]
)
def test_made_up_values_are_bad_cursors(text):
    """T-3.5-05."""
    with pytest.raises(BadCursorError, match="start again from your last added_after"):
        decode(KEYS, text, NOW)


def test_a_plain_cursor_is_short_and_one_with_a_thousand_ids_fits_a_url():
    assert len(encode(KEYS, PLAIN)) < 70
    ids = tuple(
        sorted(
            f"indicator--{n * 7**40 % 16**12:012x}-0000-4000-8000-{n * 3**90 % 16**12:012x}"
            for n in range(1000)
        )
    )
    text = encode(KEYS, replace(PLAIN, query=ObjectQuery(ids=ids)))
    assert len(text) < MAX_LENGTH / 2
    assert decode(KEYS, text, NOW).query.ids == ids


def test_an_older_key_verifies_for_thirty_days():
    old = encode(CursorKeys(newest=(6, b"o" * 32), all={}), PLAIN)
    assert decode(KEYS, old, NOW + KEY_LIFETIME) == PLAIN
    with pytest.raises(BadCursorError, match="too long ago; start again from your last added_after"):
        decode(KEYS, old, NOW + KEY_LIFETIME + 1)


def test_a_cursor_of_an_unknown_or_other_key_is_refused():
    for keys in (CursorKeys((9, b"s" * 32), {}), CursorKeys((7, b"x" * 32), {})):
        with pytest.raises(BadCursorError):
            decode(KEYS, encode(keys, PLAIN), NOW)


# --- going on ------------------------------------------------------------------------------------

WALK = ObjectQuery(
    added_after=50, types=("indicator",), ids=("a", "b"), versions=VersionFilter(frozenset({"all"}))
)
CURSOR = Cursor(collection=3, position=99, object_id=None, query=WALK, epoch=1)


def asked(text, kind="objects"):
    return parse_query(text.encode(), kind)


def test_filters_left_out_are_those_of_the_cursor_and_limit_is_free():
    """clients.md 8: Elastic drops them all, OpenCTI drops added_after only."""
    assert resume(asked("limit=7"), CURSOR, 3, None) == replace(WALK, position=99, limit=7)
    assert resume(Asked(ObjectQuery()), CURSOR, 3, None) == replace(WALK, position=99)


def test_filters_repeated_in_other_words_are_the_same_filters():
    repeated = "match[type]=indicator,indicator&match%5Bid%5D=b,a&match[version]=all&added_after=1970-01-01T00:00:00.00005Z"
    assert resume(asked(repeated), CURSOR, 3, None) == replace(WALK, position=99)


@pytest.mark.parametrize(
    "text",
    [
        "match[type]=malware",
        "match[type]=indicator,malware",
        "match[id]=a",
        "match[version]=last",
        "match[spec_version]=2.1",
        "added_after=1970-01-01T00:00:00Z",
    ],
)
def test_filters_that_differ_are_refused(text):
    """T-3.5-07: never a way round a filter."""
    with pytest.raises(BadRequestError, match="differs") as caught:
        resume(asked(text), CURSOR, 3, None)
    assert not isinstance(caught.value, BadParameterError | BadCursorError)


@pytest.mark.parametrize(("collection", "object_id"), [(4, None), (3, "indicator--x"), (4, "indicator--x")])
def test_the_cursor_of_another_list_is_treated_as_absent(collection, object_id):
    """clients.md 11: OpenCTI's connector sends the cursor of one collection to the next."""
    request = asked("match[type]=malware&limit=2")
    assert resume(request, CURSOR, collection, object_id) == request.query


def test_a_walk_over_the_versions_of_an_object_goes_on():
    request = asked("limit=2", "versions")
    cursor = Cursor(3, 99, "indicator--x", request.query, 1)
    assert resume(request, cursor, 3, "indicator--x") == replace(request.query, position=99)


def test_a_cursor_over_the_last_version_does_not_narrow_the_versions_endpoint():
    cursor = Cursor(3, 99, "indicator--x", asked("", "object").query, 1)
    with pytest.raises(BadRequestError, match=r"match\[version\]"):
        resume(asked("", "versions"), cursor, 3, "indicator--x")


@given(cursors, st.integers(1, 100))
def test_resuming_keeps_every_filter_and_moves_only_the_position(cursor, limit):
    query = resume(
        Asked(ObjectQuery(limit=limit), "x", frozenset({"limit", "next"})),
        cursor,
        cursor.collection,
        cursor.object_id,
    )
    assert query == replace(cursor.query, position=cursor.position, limit=limit)
