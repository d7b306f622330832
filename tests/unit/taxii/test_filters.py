import contextlib
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import BadParameterError
from taxii_hub.model import ObjectQuery, VersionFilter
from taxii_hub.stix import timestamps
from taxii_hub.taxii.filters import MAX_LIMIT, MAX_VALUES, parse_query

NOON = timestamps.parse("2026-01-31T12:00:00Z")
KINDS = ["objects", "manifest", "object", "versions", "delete"]


def ask(text, kind="objects"):
    return parse_query(text.encode(), kind)


def query(text, kind="objects"):
    return ask(text, kind).query


def refused(text, kind="objects"):
    with pytest.raises(BadParameterError) as caught:
        ask(text, kind)
    return caught.value.parameter


# --- what exists where ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["objects", "manifest", "object"])
def test_without_parameters_the_last_versions_are_meant(kind):
    """T-3.4.1-06."""
    assert query("", kind) == ObjectQuery()
    assert ask("", kind).given == frozenset()
    assert ask("", kind).next is None


@pytest.mark.parametrize("kind", ["versions", "delete"])
def test_versions_and_delete_are_about_all_versions(kind):
    """T-5.8-01, T-5.7-02."""
    assert query("", kind).versions == VersionFilter(frozenset({"all"}))


def test_delete_of_one_version_names_it():
    assert query("match[version]=last", "delete").versions == VersionFilter(frozenset({"last"}))


def test_the_versions_endpoint_fixes_its_version_filter():
    """A cursor of another kind of walk over the object has to be told apart."""
    assert ask("match[version]=last", "versions").given == {"match[version]"}
    assert ask("", "versions").given == {"match[version]"}


@pytest.mark.parametrize(
    ("kind", "ignored"),
    [
        ("object", "match[id]=x&match[type]=y"),
        ("versions", "match[id]=x&match[type]=y&match[version]=all,first"),
        ("delete", "limit=abc&added_after=never&next=zzz&match[type]=a"),
        ("objects", "match[pattern]=x&match[]=y&match=z&colour=red&%FF=1&LIMIT=abc&&=&=x&limit[]=0"),
    ],
)
def test_what_the_endpoint_does_not_know_is_ignored(kind, ignored):
    """T-3.4.1-03; also when it is given twice."""
    assert query(ignored, kind) == query("", kind)
    assert query(f"{ignored}&{ignored}", kind) == query("", kind)


def test_given_names_the_parameters_of_the_request():
    asked = ask("limit=5&next=abc&match[type]=a&x=y&match%5bid%5D=i")
    assert asked.given == {"limit", "next", "match[type]", "match[id]"}
    assert asked.next == "abc"


@pytest.mark.parametrize(
    "name", ["limit", "added_after", "next", "match[id]", "match[type]", "match[version]"]
)
def test_a_parameter_given_twice_is_refused(name):
    """T-3.4-04, T-3.4.1-04; the escaped spelling is the same parameter."""
    assert refused(f"{name}=1&{quote(name, safe='')}=1") == name
    assert refused(f"{name}=&{name}=") == name


# --- limit ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1", "007", "1000", str(MAX_LIMIT)])
def test_limits_are_whole_numbers(text):
    assert query(f"limit={text}").limit == int(text)


@pytest.mark.parametrize("text", [str(MAX_LIMIT + 1), "9" * 30, "9" * 10_000])
def test_a_limit_of_any_size_is_understood(text):
    """T-3.4-09; clients.md 6: capped, not refused."""
    assert query(f"limit={text}").limit == MAX_LIMIT


@pytest.mark.parametrize(
    "text", ["", "0", "000", "-1", "+1", "1.5", "1e3", "abc", "0x10", "%31%00", "٣", "1 ", "1_0"]
)
def test_other_limits_are_refused(text):
    """T-3.4-08."""
    assert refused(f"limit={text}") == "limit"


# --- added_after ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.0Z",
        "2026-01-31T12:00:00.000000000Z",
        "2026-01-31T12:00:00.000+00:00",
        "2026-01-31T12:00:00+00%3A00",
        "2026-01-31T12:00:00%2B00:00",
        "2026-01-31T12:00:00%2000:00",
        "2026-01-31T12%3A00%3A00Z",
    ],
)
def test_spellings_of_one_instant(text):
    """T-3.4-05; clients.md 5, also the plus that arrives as a blank."""
    assert query(f"added_after={text}").added_after == NOON


def test_digits_beyond_the_sixth_never_skip_an_entry():
    assert query("added_after=2026-01-31T12:00:00.0000019Z").added_after == NOON + 1


def test_the_epoch_and_the_far_future_are_times():
    assert query("added_after=1970-01-01T00:00:00Z").added_after == 0
    assert query("added_after=9999-12-31T23:59:59.999999Z").added_after > NOON


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T25:00:00Z", "2026-01-31 12:00:00Z",
     "2026-01-31T12:00:00", "2026-01-31T12:00:00%2B02:00", "1769860800", "2026-01-31T12:00:00Z%00", "%FF"],
)  # fmt: skip
def test_malformed_times_are_refused(text):
    """T-3.4-03."""
    assert refused(f"added_after={text}") == "added_after"


# --- match[...] ----------------------------------------------------------------------------------


def test_commas_mean_or_and_duplicates_collapse():
    """T-3.4.1-01, -05."""
    assert query("match[type]=indicator,malware,indicator&match[id]=b,a") == ObjectQuery(
        types=("indicator", "malware"), ids=("a", "b")
    )


@pytest.mark.parametrize("name", ["match[type]", "match%5Btype%5D", "match%5btype]"])
@pytest.mark.parametrize("comma", [",", "%2C", "%2c"])
def test_escaped_brackets_and_commas_equal_plain_ones(name, comma):
    assert query(f"{name}=a{comma}b").types == ("a", "b")


@pytest.mark.parametrize("name", ["match[id]", "match[type]", "match[version]", "match[spec_version]"])
@pytest.mark.parametrize("text", ["", ",", "%20,,%20"])
def test_an_empty_filter_is_refused_not_widened(name, text):
    assert refused(f"{name}={text}") == name


def test_a_filter_without_equals_sign_is_empty_too():
    assert refused("match[type]") == "match[type]"


def test_stray_commas_are_forgiven():
    assert query("match[type]=,a,,b,").types == ("a", "b")


def test_so_many_values_and_no_more():
    ids = [f"indicator--{number}" for number in range(MAX_VALUES)]
    assert len(query("match[id]=" + ",".join(ids)).ids) == MAX_VALUES
    assert refused("match[id]=" + ",".join([*ids, "x"])) == "match[id]"


def test_values_of_any_size_are_refused_in_words():
    assert refused("match[id]=" + "x" * 301) == "match[id]"
    assert refused("match[type]=" + "x" * 1_000_000) == "match[type]"


def test_a_value_that_is_not_utf8_is_refused():
    assert refused("match[type]=%FF%FE") == "match[type]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first", VersionFilter(frozenset({"first"}))),
        ("last", VersionFilter()),
        ("last,last", VersionFilter()),
        ("all", VersionFilter(frozenset({"all"}))),
        ("first,last", VersionFilter(frozenset({"first", "last"}))),
        ("2026-01-31T12:00:00Z", VersionFilter(frozenset(), (NOON,))),
        ("2026-01-31T12:00:00.000Z,2026-01-31T12:00:00.000000Z", VersionFilter(frozenset(), (NOON,))),
        (
            "first,2026-01-31T12:00:01Z,last,2026-01-31T12:00:00Z",
            VersionFilter(frozenset({"first", "last"}), (NOON, NOON + 1_000_000)),
        ),
    ],
)
def test_versions(text, expected):
    """T-3.4.1-07, -08, -10."""
    assert query(f"match[version]={text}").versions == expected


@pytest.mark.parametrize(
    "text",
    [
        "all,first",
        "last,all",
        "all,2026-01-31T12:00:00Z",
        "newest",
        "ALL",
        "2026",
        "first,2026-13-01T00:00:00Z",
    ],
)
def test_versions_that_make_no_sense_are_refused(text):
    """T-3.4.1-09."""
    assert refused(f"match[version]={text}") == "match[version]"
    assert refused(f"match[version]={text}", "delete") == "match[version]"


def test_spec_versions():
    """T-3.4.1-12."""
    assert query("match[spec_version]=2.1,2.0").spec_versions == ("2.0", "2.1")
    assert refused("match[spec_version]=two") == "match[spec_version]"
    assert refused("match[spec_version]=2.1.0") == "match[spec_version]"


# --- anything at all -----------------------------------------------------------------------------

names = st.sampled_from(["limit", "added_after", "next", "match[id]", "match[type]", "match[version]", "x"])
pairs = st.lists(st.tuples(names, st.binary(max_size=40)), max_size=6)


@given(raw=st.binary(max_size=300), kind=st.sampled_from(KINDS))
def test_no_bytes_raise_anything_but_bad_parameter(raw, kind):
    with contextlib.suppress(BadParameterError):
        parse_query(raw, kind)


@given(pairs=pairs, kind=st.sampled_from(KINDS))
def test_no_values_raise_anything_but_bad_parameter(pairs, kind):
    raw = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    try:
        asked = ask(raw, kind)
    except BadParameterError:
        return
    assert asked.given <= {name for name, _ in pairs} | {"match[version]"}


values = st.lists(
    st.text(min_size=1, max_size=20).map(str.strip).filter(lambda text: text and "," not in text),
    min_size=1,
    max_size=5,
)


@given(ids=values, types=values)
def test_any_text_comes_through_both_ways_of_escaping(ids, types):
    wanted = ObjectQuery(ids=tuple(sorted(set(ids))), types=tuple(sorted(set(types))))
    for escape in (quote, quote_plus):
        raw = f"match%5Bid%5D={escape(','.join(ids))}&match[type]={escape(','.join(types))}"
        assert query(raw) == wanted


@given(st.integers(min_value=0, max_value=timestamps.parse("9999-12-31T23:59:59.999999Z")))
def test_every_date_header_can_be_sent_back(micros):
    assert query(f"added_after={timestamps.format(micros)}").added_after == micros
