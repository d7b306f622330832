"""When a collection's clock must not be moved."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from taxii_hub.errors import UnavailableError

DAY = 24 * 3600 * 1_000_000
MINUTE = 60 * 1_000_000


def refuse_a_jump(clock: Mapping[str, Any]) -> None:
    """A clock is never set back, so one wrong jump forward would last: better no write (R1)."""
    jump = clock["last"] - clock["before"]
    skew = abs(int(clock["now"]) - time.time_ns() // 1000)
    if clock["before"] and jump > DAY and skew > MINUTE:
        raise UnavailableError(
            f"The clocks of hub and database differ by {skew // 1_000_000} s and this write would move "
            "the collection's clock by more than a day. Set the clocks right, then send it again.",
            retry_after=60,
        )
