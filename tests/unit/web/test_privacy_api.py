"""``/api/v1``: legal holds, reviews, the transparency report and erasure, over a real MongoDB."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from taxii_hub.exchange.account_admin import NewAccount
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.publish import publish
from taxii_hub.web.app import create_app
from tests.support.inprocess import place
from tests.support.probe import indicator
from tests.unit.exchange.test_privacy import keeping, later

PEOPLE = {
    "one": NewAccount("one", "gb-owl", frozenset({"liaison", "admin"})),
    "two": NewAccount("two", "gb-owl", frozenset({"liaison"})),
    "stranger": NewAccount("stranger", "us-elk", frozenset({"liaison"})),
    "reader": NewAccount("reader", "gb-owl", frozenset({"reader"})),
    "auditor": NewAccount("auditor", "fr-coq", frozenset({"auditor"})),
}


class Asked:
    """Requests of the people above."""

    def __init__(self, hub: Hub, keys: dict[str, str]) -> None:
        self._keys = keys
        transport = httpx.ASGITransport(app=create_app(hub))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hub.example")

    async def ask(self, who: str, path: str, status: int = 200, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self._keys[who]}"}
        url = path if path.startswith("/") else f"/api/v1/{path}"
        if body is None:
            answer = await self.client.get(url, headers=headers)
        else:
            answer = await self.client.post(url, headers=headers, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text


async def test_officers_act_over_http_and_nobody_else(mongodb_uri: str, mongodb_database: str) -> None:
    async with keeping(mongodb_uri, mongodb_database, review_days=5) as hub:
        agencies = [agency.name for agency in hub.catalog.agencies]
        keys = {name: (await hub.accounts.admin.add(who, agencies)).key.text for name, who in PEOPLE.items()}
        await hub.accounts.refresh()
        asked = Asked(hub, keys)
        things = [indicator(n) for n in range(6)]
        body = orjson.dumps({"objects": things})
        await publish(hub, place(hub, "gb-owl", "strict"), body, hub.now())
        this = f"objects/test/strict/{things[0]['id']}"
        why = {"reason": "order 12"}
        record = await asked.ask("two", "processing")
        assert (record["controller"], record["activities"][0]["review_days"]) == ("gb-owl", 5)
        assert await asked.ask("auditor", "processing?agency=gb-owl") == record
        await asked.ask("auditor", "processing?agency=nobody", 404)
        await asked.ask("stranger", "processing?agency=gb-owl", 403)
        await asked.ask("reader", "processing", 403)
        for path in ("erase", "legal-hold", "lift-legal-hold", "reviewed"):
            await asked.ask("reader", f"{this}/{path}", 403, why)
            await asked.ask("stranger", f"{this}/{path}", 404, why)
            await asked.ask("one", f"{this}/{path}", 400, {})
        await _holds(asked, this, why)
        await _reviews(asked, hub, this, why)
        assert await asked.ask("one", f"{this}/erase", body=why) == {"kept": False}
        await asked.ask("one", f"{this}/erase", 404, why)
        assert await asked.ask("one", "withdrawals/test/strict/followed?overdue=true") == []
        await asked.ask("one", "audit/report", 403)
        await asked.ask("auditor", "audit/report?since=never", 400)
        lines = await asked.ask("auditor", "audit/report?since=2020-01-01T00:00:00Z")
        (published,) = [each for each in lines if each["measure"] == "objects published"]
        assert (published["framework"], published["agencies"]) == ("test", [["gb-owl", 6]])


async def _holds(asked: Asked, this: str, why: dict[str, str]) -> None:
    assert await asked.ask("one", f"{this}/legal-hold", body=why) == {"done": False}
    await asked.ask("one", f"{this}/legal-hold", 400, why)
    assert await asked.ask("two", f"{this}/legal-hold", body=why) == {"done": True}
    (hold,) = await asked.ask("two", "legal-holds/test/strict")
    assert (hold["in_force"], hold["set_by"]) == (True, ["one", "two"])
    (explained,) = await asked.ask("one", f"{this}/explain")
    assert explained["legal_hold"] is True
    assert await asked.ask("stranger", "legal-holds/test/strict") == []
    assert await asked.ask("two", f"{this}/lift-legal-hold", body=why) == {"done": False}
    assert await asked.ask("one", f"{this}/lift-legal-hold", body=why) == {"done": True}


async def _reviews(asked: Asked, hub: Hub, this: str, why: dict[str, str]) -> None:
    later(hub, 6)
    assert len(await asked.ask("one", "reviews/test/strict")) == 6
    metrics = await asked.ask("one", "/metrics")
    assert 'taxii_hub_reviews_overdue{agency="gb-owl",collection="test/strict"} 6.0' in metrics
    audit = dict(line.split() for line in metrics.splitlines() if line.startswith("taxii_hub_audit_"))
    assert float(audit["taxii_hub_audit_leaves"]) + float(audit["taxii_hub_audit_queued"]) > 0
    assert float(audit["taxii_hub_audit_unsigned_seconds"]) >= 0
    await asked.ask("one", f"{this}/reviewed", body=why)
    assert len(await asked.ask("one", "reviews/test/strict?limit=50")) == 5
    await asked.ask("one", "reviews/test/report", 400)
