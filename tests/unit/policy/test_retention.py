"""When an object is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taxii_hub.model import Collection
from taxii_hub.policy.retention import DAY, over_at

KEEPS = Collection(
    "id",
    "alias",
    "Title",
    "root",
    None,
    frozenset(),
    frozenset(),
    (),
    "strict",
    "clear",
    (),
    retention_days=30,
)


@pytest.mark.parametrize("hour", [0, 1, DAY - 1])
def test_it_is_over_at_the_end_of_the_last_day_whatever_the_hour_of_publication(hour: int) -> None:
    assert over_at(KEEPS, "indicator", None, 1000 * DAY + hour) == 1031 * DAY


def test_markings_may_end_it_earlier_and_never_later() -> None:
    assert over_at(KEEPS, "indicator", 1002 * DAY, 1000 * DAY) == 1002 * DAY
    assert over_at(KEEPS, "indicator", 9999 * DAY, 1000 * DAY) == 1031 * DAY


def test_definitions_that_others_are_read_by_last() -> None:
    assert over_at(KEEPS, "marking-definition", None, 1000 * DAY) is None
    assert over_at(replace(KEEPS, retention_days=None), "indicator", 5, 1000 * DAY) == 5
