"""Which lines coverage counts: those that run in the tests' own processes, and in the children that are named here.

Counting makes a command take two and a half times its time, and a conversion twice its own. The hub of the tests that
ask, its demo and its commands count; hubs that are attacked or killed run the same lines, and proofs of many thousand
cases run in each case what the first one ran.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SETTING: Final = "COVERAGE_PROCESS_CONFIG"
_kept: dict[str, str] = {}


def leave_children_out() -> None:
    """From now on only processes that are started with ``counted()`` count."""
    if _SETTING in os.environ:
        _kept[_SETTING] = os.environ.pop(_SETTING)


def counted() -> dict[str, str]:
    """For the environment of a child whose lines count."""
    return dict(_kept)


@contextmanager
def uncounted() -> Iterator[None]:
    """What runs within does not count, nor do threads that begin in it."""
    own, threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        threading.settrace(threads)  # type: ignore[arg-type]
        sys.settrace(own)
