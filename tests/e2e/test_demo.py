"""``make demo``'s promises: one file with the accounts, a second start with everything still there."""

from __future__ import annotations

from tests.support.hubs import Demo, everything, running_hub


def test_a_second_start_offers_the_same(demo: Demo) -> None:
    accounts = demo.document["accounts"]
    assert demo.mode == 0o600
    assert set(demo.document) == {"discovery_url", "accounts", "sandbox"}
    assert set(accounts[0]) == {"agency", "user", "password", "roles"}
    assert any(demo.objects.values())
    with running_hub(demo=demo) as hub:
        assert hub.document["accounts"] == accounts
        assert everything(hub) == demo.objects
        sandbox = hub.document["sandbox"]
        assert sandbox["collection_id"] == demo.document["sandbox"]["collection_id"]
        with hub.client("gb-heron") as client:
            url = f"{sandbox['api_root_url']}collections/{sandbox['collection_id']}/"
            answer = client.get(url, auth=(sandbox["user"], sandbox["password"])).json()
            assert (answer["can_read"], answer["can_write"]) == (True, True)
