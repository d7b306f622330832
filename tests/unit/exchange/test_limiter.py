"""Failures per account and source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.errors import TooManyFailuresError
from taxii_hub.exchange.limiter import FailureLimiter


def failing(times: int, account: str = "a", source: str = "s", start: float = 1000.0) -> FailureLimiter:
    limiter = FailureLimiter()
    for i in range(times):
        limiter.failed(account, source, start + i)
    return limiter


def test_nine_failures_are_forgiven_the_tenth_is_not():
    failing(9).check("a", "s", 1009.0)
    with pytest.raises(TooManyFailuresError) as caught:
        failing(10).check("a", "s", 1009.5)
    assert caught.value.retry_after == 51  # the first failure is 60 s old at 1060
    assert "wait 51 s" in str(caught.value)


def test_it_ends_when_the_oldest_failure_is_a_minute_old():
    limiter = failing(10)
    with pytest.raises(TooManyFailuresError) as caught:
        limiter.check("a", "s", 1059.999)
    assert caught.value.retry_after == 1
    limiter.check("a", "s", 1060.0)


def test_ten_failures_spread_over_more_than_a_minute_are_forgiven():
    limiter = FailureLimiter()
    for i in range(30):
        limiter.check("a", "s", 1000.0 + 7 * i)
        limiter.failed("a", "s", 1000.0 + 7 * i)


def test_only_that_pair_waits():
    limiter = failing(10)
    limiter.check("a", "elsewhere", 1009.5)
    limiter.check("another", "s", 1009.5)


def test_a_clock_set_back_locks_nobody_out():
    failing(10).check("a", "s", 10.0)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyz")), max_size=60))
def test_memory_is_bounded_and_the_longest_ago_is_forgotten_first(pairs):
    limiter = FailureLimiter(capacity=5)
    for i, (account, source) in enumerate(pairs):
        limiter.failed(account, source, float(i))
        assert len(limiter) <= 5


def test_what_was_forgotten_starts_anew():
    limiter = FailureLimiter(capacity=1)
    for _ in range(10):
        limiter.failed("a", "s", 1.0)
    limiter.failed("b", "s", 1.0)
    limiter.check("a", "s", 1.0)
