from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import BadValueError
from taxii_hub.mapping.cleaners import (
    CLEANERS,
    Cleaned,
    day,
    day_first,
    day_named,
    edition_moment,
    latest_day,
    line,
    moment,
    partial_day,
    prose,
    unescaped,
    year,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  A\n\t B  ", "A B"),
        ("A\u00a0B\u3000C", "A B C"),
        ("\u200fليلى\u200f", "ليلى"),
        ("Ele\u0301na", "El\u00e9na"),
        (" \u00a0 ", ""),
    ],
)
def test_line(text: str, wanted: str) -> None:
    assert line(text).data == wanted


def test_prose_keeps_its_paragraphs() -> None:
    assert prose("  one,  two\r\n\r\n three ").data == "one, two\n\nthree"


@pytest.mark.parametrize(
    ("text", "data", "whole"),
    [
        ("2012-12-31", "2012-12-31", True),
        (" 2012-12-31 ", "2012-12-31", True),
        ("2012-12-31-05:00", "2012-12-31", False),
        ("2012-12-31Z", "2012-12-31", False),
        ("2012-12-31T00:00:00", "2012-12-31", False),
        ("2012-12-31T00:00:00.000+01:00", "2012-12-31", False),
    ],
)
def test_day(text: str, data: str, whole: bool) -> None:
    assert (day(text).data, day(text).whole) == (data, whole)


@pytest.mark.parametrize(
    "text", ["2015-02-30", "31/12/1999", "2015", "", "2015-02-03T10:00:00", "٢٠١٥-٠٢-٠٣"]
)
def test_what_is_no_day_is_refused_with_advice(text: str) -> None:
    with pytest.raises(BadValueError) as refused:
        day(text)
    assert refused.value.remedy


@pytest.mark.parametrize("text", ["1971", "1971-02", "1971-02-03"])
def test_partial_days_are_never_padded(text: str) -> None:
    assert partial_day(text).data == text


@pytest.mark.parametrize("text", ["1971-13", "0000", "197", "1971-02-31", "about 1971"])
def test_what_is_no_partial_day(text: str) -> None:
    with pytest.raises(BadValueError):
        partial_day(text)


def test_year() -> None:
    assert year(" 1971 ").data == "1971"


@pytest.mark.parametrize("text", ["0000", "197x", "19711", "", "١٩٧١"])
def test_what_is_no_year(text: str) -> None:
    with pytest.raises(BadValueError):
        year(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-02-27T00:00:09.554Z", "2026-02-27T00:00:09.554Z"),
        ("2026-02-27T00:00:09.554987Z", "2026-02-27T00:00:09.554Z"),
        ("2026-02-27T00:00:09", "2026-02-27T00:00:09.000Z"),
        ("2026-02-27T00:00:09+00:00", "2026-02-27T00:00:09.000Z"),
        ("2026-02-27T00:00:09+02:00", "2026-02-26T22:00:09.000Z"),
        ("2026-02-27T00:00:09.5-03:30", "2026-02-27T03:30:09.500Z"),
        ("2026-02-27", "2026-02-27T00:00:00.000Z"),
    ],
)
def test_moment(text: str, wanted: str) -> None:
    assert moment(text).data == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30",
        "2026-02-27T25:00:00Z",
        "2026-02-27T00:00:09+25:00",
        "0001-01-01T00:00:00+02:00",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(BadValueError):
        moment(text)


@pytest.mark.parametrize("text", ["31/01/2026", " 31/01/2026 ", "2026-01-31"])
def test_the_day_may_stand_first(text: str) -> None:
    assert day_first(text).data == "2026-01-31"


@pytest.mark.parametrize("text", ["01/31/2026", "1/2/2026", "00/00/2026", "31/01/26", "31.01.2026", ""])
def test_what_is_no_date_with_the_day_first(text: str) -> None:
    with pytest.raises(BadValueError):
        day_first(text)


@pytest.mark.parametrize(
    "text", ["Report Date: 03-Sep-2026", "3 September 2026", "03-SEP-2026", "03/09/2026", "2026-09-03"]
)
def test_the_month_may_be_a_word(text: str) -> None:
    assert day_named(text).data == "2026-09-03"


@pytest.mark.parametrize("text", ["31-Feb-2026", "3-Sop-2026", "Report Date:", "Sep-26", ""])
def test_what_is_no_date_with_a_month_in_words(text: str) -> None:
    with pytest.raises(BadValueError):
        day_named(text)


def test_what_was_escaped_too_often_is_read_as_meant() -> None:
    assert unescaped("he said &quot;R&amp;amp;D&quot;\n ").data == 'he said "R&D"'


@given(text=st.text(max_size=40), name=st.sampled_from(sorted(CLEANERS)))
def test_cleaners_refuse_or_are_idempotent(text: str, name: str) -> None:
    try:
        once = CLEANERS[name](text).data
    except BadValueError:
        return
    assert not once or CLEANERS[name](once).data == once


@pytest.mark.parametrize(
    ("text", "seen", "whole"),
    [
        ("plain\r\nlines", "plain\nlines", True),
        ("<p>One\u00a0and&nbsp;two</p>\r\n<p>&nbsp;</p>\r\n<p>AT&amp;T</p>", "One and two\nAT&T", True),
        ('<p>See <a href="https://x.example/y">him</a>.</p>', "See him (https://x.example/y).", True),
        ('<a href="https://x.example">https://x.example</a> <a>bare</a>', "https://x.example bare", True),
        ("a<br/>b<div>c</div>", "a\nb\nc", True),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo", True),
        ("seen<script>unseen()</script> here<!-- why -->", "seen here", False),
        ("1 < 2 & 3", "1 < 2 & 3", True),
        ("</script></a>stray", "stray", True),
    ],
)
def test_markup_is_read_as_a_person_sees_it(text: str, seen: str, whole: bool) -> None:
    assert CLEANERS["html"](text) == Cleaned(seen, whole)


def test_what_only_looks_like_markup_is_refused() -> None:
    with pytest.raises(BadValueError, match="is no HTML"):
        CLEANERS["html"]("<![oops[ text")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("2001.9.22\n2008.6.25改訂\n2012.3.27改訂", "2012-03-27"),
        ("2026-03-05, before 2025-12-31", "2026-03-05"),
        ("2011.11.18削除", "2011-11-18"),
    ],
)
def test_the_latest_day_of_a_text(text: str, data: str) -> None:
    assert latest_day(text) == Cleaned(data, whole=False)


@pytest.mark.parametrize("text", ["", "2001", "2001.9", "2001.13.40", "120010.9.221"])
def test_a_text_without_a_day_has_no_latest_one(text: str) -> None:
    with pytest.raises(BadValueError):
        latest_day(text)


def test_an_edition_does_not_lie_at_the_end_of_time() -> None:
    assert edition_moment("2026-01-02") == "2026-01-02T00:00:00.000Z"
    with pytest.raises(BadValueError, match="far future"):
        edition_moment("9999-12-31")
