import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import NotAcceptableError, UnsupportedMediaError
from taxii_hub.taxii.media_types import TAXII, check_accept, check_content_type

ACCEPTED = [
    None,
    "",
    "  ",
    TAXII,
    "application/taxii+json",
    "application/taxii+json; version=2.1",
    'application/taxii+json;version="2.1"',
    "Application/TAXII+JSON ; VERSION = 2.1",
    "application/taxii+json;version=2.1;charset=utf-8",
    "application/taxii+json;version=2.1,application/stix+json;version=2.1",
    "text/html;q=0.9, application/taxii+json;q=0.1",
    "application/taxii+json;version=2.0, application/taxii+json;version=2.1;q=0.5",
    "application/vnd.oasis.taxii+json;version=2.0, application/taxii+json;version=2.1",
    'text/x;note="a,b", application/taxii+json;version=2.1',
    "*/*",
    "*",
    "text/html, image/gif, *; q=.2, */*; q=.2",
    "application/*",
    "application/json",
    "application/json, text/plain, */*",
    "application/json;q=0, application/taxii+json",
    "application/*;q=0, application/taxii+json",
    "*/*;q=0, application/json",
    "application/taxii+json;q=high",
    "application/taxii+json;q=7",
    "application/taxii+json;q=",
    ",, application/taxii+json",
]
REFUSED = [
    "application/xml",
    "text/html",
    "text/*",
    "application/taxii+json;version=9.9",
    "application/taxii+json;version=2.0",
    "application/taxii+json;version=",
    "application/vnd.oasis.taxii+json;version=2.0",
    "application/vnd.oasis.stix+json, application/vnd.oasis.taxii+json",
    "application/stix+json;version=2.1",
    "application/taxii+json;q=0",
    "application/taxii+json;version=2.1;q=0.000, */*",
    "application/taxii+json;q=0, application/json",
    "application/json;q=0",
    "*/*;q=0",
    "nonsense",
    ",",
    '"application/taxii+json"',
]


@pytest.mark.parametrize("header", ACCEPTED)
def test_what_lets_our_media_type_through_is_accepted(header):
    """T-3.1-02, -03, -04, -06."""
    check_accept(header)


@pytest.mark.parametrize("header", REFUSED)
def test_what_rules_our_media_type_out_is_not_acceptable(header):
    """T-3.1-05; clients.md 2: TAXII 2.0 alone must be a 406."""
    with pytest.raises(NotAcceptableError, match=r"taxii\+json;version=2.1"):
        check_accept(header)


@pytest.mark.parametrize(
    "header",
    [
        TAXII,
        "application/taxii+json",
        "application/taxii+json; version=2.1; charset=utf-8",
        'APPLICATION/taxii+json;version="2.1"',
        "application/stix+json; version=2.1",
        "application/stix+json",
        "application/json",
        "application/json; charset=UTF-8",
    ],
)
def test_bodies_in_taxii_stix_or_json_are_read(header):
    """T-3.1-07; clients.md 3."""
    check_content_type(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "text/plain",
        "application/xml",
        "application/taxii+json;version=9.9",
        "application/stix+json;version=2.0",
        "application/vnd.oasis.stix+json",
        "application/x-www-form-urlencoded",
        "*/*",
        "multipart/form-data",
    ],
)
def test_other_bodies_are_unsupported(header):
    """T-3.1-08."""
    with pytest.raises(UnsupportedMediaError, match="send application/taxii"):
        check_content_type(header)


def test_messages_do_not_repeat_a_header_of_any_length():
    with pytest.raises(NotAcceptableError) as caught:
        check_accept("x" * 5000)
    assert len(str(caught.value)) < 300


def test_a_hostile_header_takes_linear_time():
    started = time.perf_counter()
    for hostile in ('"\\' * 30_000, ";" * 60_000, "; a" * 20_000, '"' * 60_001, ", " * 30_000):
        with pytest.raises(NotAcceptableError):
            check_accept(hostile)
    assert time.perf_counter() - started < 5


ranges = st.sampled_from(
    [
        "*/*",
        "application/*",
        "application/json",
        "application/taxii+json",
        TAXII,
        "text/html",
        "a/b;version=2.1",
    ]
)
qualities = st.sampled_from(["", ";q=0", ";q=0.0", ";q=0.5", ";q=1", "; Q=.3"])


@given(st.text(max_size=200))
def test_no_header_raises_anything_else(header):
    for check, error in ((check_accept, NotAcceptableError), (check_content_type, UnsupportedMediaError)):
        with contextlib.suppress(error):
            check(header)


@given(st.lists(st.tuples(ranges, qualities), max_size=5))
def test_asking_for_our_media_type_in_so_many_words_always_succeeds(others):
    header = ", ".join(name + quality for name, quality in others if not name.startswith(TAXII))
    check_accept(f"{header}, {TAXII}")


@given(st.lists(st.tuples(ranges, qualities), min_size=1, max_size=5), st.randoms())
def test_the_order_of_ranges_does_not_matter(elements, random):
    def verdict(parts):
        try:
            check_accept(", ".join(name + quality for name, quality in parts))
        except NotAcceptableError:
            return False
        return True

    shuffled = list(elements)
    random.shuffle(shuffled)
    assert verdict(elements) == verdict(shuffled)
