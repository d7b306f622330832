"""One demo hub with two workers for the tests that only ask; those that break things start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hubs import Demo, RunningHub, running_hub
from tests.support.measuring import counted


@pytest.fixture(scope="session")
def hub(demo: Demo) -> Iterator[RunningHub]:
    with running_hub(settings={"TAXII_HUB_WORKERS": "2", **counted()}, demo=demo) as running:
        yield running
