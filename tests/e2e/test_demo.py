"""``make demo``'s promises: one file with the accounts, a second start with everything still there."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from tests.support.hubs import RunningHub, running_hub


def everything(hub: RunningHub) -> dict[str, list[str]]:
    """Object ids by collection, as one member sees them."""
    found: dict[str, list[str]] = {}
    with hub.client("gb-heron") as client:
        for root in client.get("/taxii2/").json()["api_roots"]:
            for collection in client.get(f"{root}collections/").json().get("collections", []):
                if collection["can_read"]:
                    url = f"{root}collections/{collection['id']}/objects/?limit=10000"
                    objects: list[dict[str, Any]] = client.get(url).json().get("objects", [])
                    found[root + collection["title"]] = [item["id"] for item in objects]
    return found


def test_a_second_start_offers_the_same(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with running_hub(data) as hub:
        first, accounts = everything(hub), hub.document["accounts"]
        assert stat.S_IMODE((data / "demo.json").stat().st_mode) == 0o600
        assert set(hub.document) == {"discovery_url", "accounts", "sandbox"}
        assert set(accounts[0]) == {"agency", "user", "password", "roles"}
        sandbox = hub.document["sandbox"]
        with hub.client("gb-heron") as client:
            url = f"{sandbox['api_root_url']}collections/{sandbox['collection_id']}/"
            answer = client.get(url, auth=(sandbox["user"], sandbox["password"])).json()
            assert (answer["can_read"], answer["can_write"]) == (True, True)
    assert any(first.values())
    with running_hub(data) as hub:
        assert hub.document["accounts"] == accounts
        assert everything(hub) == first
