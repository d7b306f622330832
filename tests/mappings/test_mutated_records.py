"""Changed records of all formats in one run: problems, never exceptions (issue 3, point 7). `make fuzz` runs 10,000."""

from __future__ import annotations

import pytest

from tests.support import mutations


@pytest.mark.uncounted
def test_mutated_records_give_problems_only() -> None:
    counts = mutations.run(1_500, seed=20260101)
    assert counts["records"] >= 1_500
    assert counts["refused"] < 100
    assert counts["unlisted-field"]
