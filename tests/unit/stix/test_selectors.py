from __future__ import annotations

import pytest

from taxii_hub.stix.selectors import points_at_something

VALUE = {
    "name": "n",
    "labels": ["a", "b"],
    "references": [{"url": "u"}],
    "nothing": None,
    "map": {"[0]": 1, "k": {}},
}


@pytest.mark.parametrize(
    "selector", ["name", "labels", "labels.[1]", "references.[0].url", "nothing", "map.k"]
)
def test_what_is_there(selector: str) -> None:
    assert points_at_something(selector, VALUE)


@pytest.mark.parametrize(
    "selector",
    ["", "nome", "labels.[2]", "labels.0", "labels.a", "references.url", "references.[0].name", "name.n", "name.[0]",
     "map.[0]", "[0]", "nothing.x", "name.", "labels.[99999999999999999999]"],
)  # fmt: skip
def test_what_is_not(selector: str) -> None:
    """S-7.2-03."""
    assert not points_at_something(selector, VALUE)
