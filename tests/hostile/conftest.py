"""One demo hub of one worker for everything hostile, which must be as good afterwards as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.wire import Target
from tests.support.hubs import Demo, RunningHub, running_hub


@pytest.fixture(scope="session")
def hub(demo: Demo) -> Iterator[RunningHub]:
    with running_hub(settings={"TAXII_HUB_WORKERS": "1"}, demo=demo) as running:
        yield running


@pytest.fixture(scope="session")
def engineer(hub: RunningHub) -> Target:
    """Who may read and write the sandbox."""
    return Target.of(hub.url, hub.credentials("hub-lab"))


@pytest.fixture(scope="session")
def heron(hub: RunningHub) -> Target:
    """A member of every framework."""
    return Target.of(hub.url, hub.credentials("gb-heron"))
