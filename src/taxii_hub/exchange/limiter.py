"""Failed log-ins, counted for each pair of account and source."""

from __future__ import annotations

import math
from collections import OrderedDict, deque

from taxii_hub.errors import TooManyFailuresError

FAILURES = 10
WINDOW = 60.0
CAPACITY = 10_000


class FailureLimiter:
    """After 10 failures within 60 s a pair waits until the oldest of them is 60 s old.

    Only that pair: the same account from elsewhere and other accounts from the same source go on.
    Memory is bounded: the pair that failed longest ago is forgotten first. What is counted is this
    process's; keys have 256 bits, so the limit spares the hub's time and no guess comes near.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def check(self, account: str, source: str, now: float) -> None:
        """Raise TooManyFailuresError while the pair has to wait. ``now`` in seconds."""
        failures = self._failures.get((account, source))
        if failures is None or len(failures) < FAILURES:
            return
        age = now - failures[0]
        # A clock that was set back must not lock anybody out until it has caught up.
        if 0 <= age < WINDOW:
            wait = max(1, math.ceil(WINDOW - age))
            raise TooManyFailuresError(
                f"too many wrong credentials from this address: wait {wait} s, and check the key meanwhile",
                wait,
            )

    def failed(self, account: str, source: str, now: float) -> None:
        """Count one failure of the pair."""
        pair = (account, source)
        failures = self._failures.get(pair)
        if failures is None:
            failures = self._failures[pair] = deque(maxlen=FAILURES)
        failures.append(now)
        self._failures.move_to_end(pair)
        if len(self._failures) > self._capacity:
            self._failures.popitem(last=False)
