"""The hub that the contract cases ask, and the file that ``docs/conformance.md`` is made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.hub_target import hub
from tests.contract.target import Target
from tests.support.hubs import Demo


@pytest.fixture(scope="session")
def hub_target(demo: Demo) -> Iterator[Target]:
    with hub(demo) as target:
        yield target
