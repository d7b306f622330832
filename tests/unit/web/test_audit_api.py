"""``/api/v1/audit`` over a real MongoDB: auditors see the log, agencies their own disclosures, others nothing."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from taxii_hub.exchange import acts
from taxii_hub.exchange.access import place_for
from taxii_hub.exchange.account_admin import NewAccount
from taxii_hub.exchange.hub import Hub
from taxii_hub.ledger.checkpoint import VerifierKey, opened
from taxii_hub.ledger.merkle import Head, leaf_hash, verify_consistency, verify_inclusion
from taxii_hub.web.api import audit as api
from taxii_hub.web.app import create_app
from tests.support.inprocess import account, opened_hub
from tests.support.probe import indicator
from tests.unit.exchange.test_audit import get, post

PEOPLE = {
    "auditor": NewAccount("auditor", "fr-coq", frozenset({"auditor"})),
    "liaison": NewAccount("liaison", "gb-owl", frozenset({"liaison"})),
    "reader": NewAccount("reader", "gb-owl", frozenset({"reader"})),
}


class Asked:
    """Requests of the people above to one hub."""

    def __init__(self, hub: Hub, keys: dict[str, str]) -> None:
        self._keys = keys
        transport = httpx.ASGITransport(app=create_app(hub))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hub.example")

    async def look(self, who: str, path: str, parameters: dict[str, str]) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._keys[who]}"}
        return await self.client.get(f"/api/v1/{path}", params=parameters, headers=headers)

    async def get(self, who: str | None, path: str, status: int = 200, **parameters: Any) -> Any:
        headers = {} if who is None else {"authorization": f"Bearer {self._keys[who]}"}
        answer = await self.client.get(f"/api/v1/audit/{path}", params=parameters or None, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text if answer.headers["content-type"].startswith("text/plain") else answer.json()


async def told(uri: str, database: str) -> None:
    async with opened_hub(uri, database) as hub:
        agencies = [agency.name for agency in hub.catalog.agencies]
        keys = {name: (await hub.accounts.admin.add(who, agencies)).key.text for name, who in PEOPLE.items()}
        await hub.accounts.refresh()
        mine = [indicator(n) for n in range(3)]
        await post(hub, "gb-owl", *mine)
        await get(hub, "us-elk")
        await get(hub, "us-elk", b"limit=1")
        await hub.audit.settled(sign=True)
        asked = Asked(hub, keys)
        await _rights(asked)
        await _log(asked)
        await _proofs(asked)
        await _disclosures(asked, [o["id"] for o in mine])
        await hub.audit.settled(sign=False)
        seen = (await asked.get("auditor", "leaves", kind="audit-read"))["leaves"]
        assert {leaf["leaf"]["what"] for leaf in seen} >= {"leaves", "keys", "inclusion", "disclosures"}


async def _rights(asked: Asked) -> None:
    for path in (
        "leaves",
        "checkpoints",
        "checkpoints/latest",
        "keys",
        "proofs/inclusion?row=0",
        "statistics",
    ):
        await asked.get(None, path, 401)
        await asked.get("liaison", path, 403)
    await asked.get("reader", "disclosures", 403)


async def _log(asked: Asked) -> None:
    page = await asked.get("auditor", "leaves", limit=2)
    assert ([leaf["n"] for leaf in page["leaves"]], page["next_after"]) == ([0, 1], 1)
    pages = await asked.get("auditor", "leaves", kind="page", agency="us-elk", since="2020-01-01T00:00:00Z")
    assert [leaf["leaf"]["count"] for leaf in pages["leaves"]] == [3, 1]
    assert "next_after" not in pages
    found = (await asked.get("auditor", "statistics", until="2999-01-01T00:00:00Z"))["counts"]
    assert {"kind": "page", "agency": "us-elk", "leaves": 2} in found
    await asked.get("auditor", "leaves", 400, since="soon")
    await asked.get("auditor", "leaves", 400, limit=0)


async def _proofs(asked: Asked) -> None:
    keys = [VerifierKey.parse(text) for text in (await asked.get("auditor", "keys"))["keys"]]
    note = await asked.get("auditor", "checkpoints/latest")
    kept = (await asked.get("auditor", "checkpoints"))["checkpoints"][-1]
    assert kept["note"] == note
    head = opened(note, keys).head
    first = (await asked.get("auditor", "leaves", limit=1))["leaves"][0]
    proof = await asked.get("auditor", "proofs/inclusion", row=0, size=head.size)
    hashes = [base64.b64decode(text) for text in proof["hashes"]]
    assert verify_inclusion(0, head.size, bytes.fromhex(first["hash"]), hashes, head.root)
    path = await asked.get("auditor", "proofs/consistency", old=head.size)
    now = Head(path["size"], base64.b64decode(path["root"]))
    assert verify_consistency(head, now, [base64.b64decode(text) for text in path["hashes"]])
    await asked.get("auditor", "proofs/inclusion", 404, row=10**9)


async def _disclosures(asked: Asked, mine: list[str]) -> None:
    found = await asked.get("liaison", "disclosures")
    assert [each["object"] for each in found["disclosures"]] == [*mine, mine[0]]
    assert {each["agency"] for each in found["disclosures"]} == {"us-elk"}
    assert "row" not in found["disclosures"][0], "a dense number would tell how much others do"
    assert (await asked.get("auditor", "disclosures"))["disclosures"] == [], "his own agency's only"
    walked = await asked.get("liaison", "disclosures", object=mine[0])
    assert [each["object"] for each in walked["disclosures"]] == [mine[0]] * 2
    await asked.get("liaison", "disclosures", 400, next="nonsense")
    api_most, api.MOST = api.MOST, 1
    try:
        page = await asked.get("liaison", "disclosures")
        assert len(page["disclosures"]) == 3, "a page of the log stays whole"
        last = await asked.get("liaison", "disclosures", next=page["next"])
        assert ([each["object"] for each in last["disclosures"]], "next" in last) == ([mine[0]], False)
        await asked.get("auditor", "disclosures", 400, next=page["next"])
    finally:
        api.MOST = api_most
    seconds, api.SECONDS = api.SECONDS, 0
    try:  # a log too long for one answer: row by row here, and an answer may be empty
        walked, page = [], await asked.get("liaison", "disclosures")
        while "next" in page:
            walked += page["disclosures"]
            page = await asked.get("liaison", "disclosures", next=page["next"])
        assert [each["object"] for each in walked + page["disclosures"]] == [*mine, mine[0]]
    finally:
        api.SECONDS = seconds


LOOKS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("auditor", "audit/leaves", {}),
    ("auditor", "audit/checkpoints", {}),
    ("auditor", "audit/checkpoints/latest", {}),
    ("auditor", "audit/proofs/inclusion", {"row": "0"}),
    ("auditor", "audit/proofs/consistency", {"old": "1"}),
    ("auditor", "audit/statistics", {}),
    ("auditor", "audit/report", {}),
    ("liaison", "audit/disclosures", {}),
    ("liaison", "withdrawals/test/strict/followed", {}),
)
PAGE = {"k": "page"}
"""A row of a page that somebody read."""
DAMAGES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a leaf that is no JSON": ("audit_log", PAGE, {"$set": {"b": b"{"}}),
    "a leaf that is no object": ("audit_log", PAGE, {"$set": {"b": b"[]"}}),
    "a leaf without its parts": ("audit_log", PAGE, {"$set": {"b": b"{}", "h": leaf_hash(b"{}")}}),
    "a leaf that was left out": ("audit_log", PAGE, {"$unset": {"b": 1}}),
    "another hash": ("audit_log", PAGE, {"$set": {"h": bytes(32)}}),
    "another account": ("audit_log", PAGE, {"$set": {"a": "nobody"}}),
    "a hash cut from its tile": ("audit_tiles", {}, {"$set": {"h": b"abc"}}),
    "a checkpoint without its text": ("audit_checkpoints", {}, {"$set": {"note": 1, "frontier": "x"}}),
    "another state of the tree": ("audit_state", {"_id": "tree"}, {"$set": {"frontier": []}}),
}
BELIEVED = {"audit/leaves", "audit/report", "audit/disclosures", "withdrawals/test/strict/followed"}
"""What reads rows of pages, and must not believe one that was changed."""


async def damaged(uri: str, database: str) -> None:
    async with opened_hub(uri, database) as hub, AsyncMongoClient[dict[str, Any]](uri) as client:
        agencies = [agency.name for agency in hub.catalog.agencies]
        keys = {name: (await hub.accounts.admin.add(who, agencies)).key.text for name, who in PEOPLE.items()}
        await hub.accounts.refresh()
        thing = indicator(0)
        await post(hub, "gb-owl", thing)
        await get(hub, "us-elk")
        await acts.withdraw(
            hub, place_for(hub, account("gb-owl", "liaison"), "test", "strict"), thing["id"], "why"
        )
        await hub.audit.settled(sign=True)
        asked = Asked(hub, keys)
        for name, (collection, where, change) in DAMAGES.items():
            rows = client[database][collection]
            before = await rows.find_one(where)
            assert before is not None
            await rows.update_one({"_id": before["_id"]}, change)
            for who, path, parameters in LOOKS:
                answer = await asked.look(who, path, parameters)
                assert answer.status_code in {200, 503}, (name, path, answer.text)
                if answer.status_code == 503:
                    assert answer.json()["title"] == "The audit log is damaged"
                    assert "audit verify" in answer.json()["description"]
                    assert int(answer.headers["retry-after"]) >= 3600
                else:
                    assert not (where is PAGE and path in BELIEVED), (name, path)
            await rows.replace_one({"_id": before["_id"]}, before)
        assert [(await asked.look(*each)).status_code for each in LOOKS] == [200] * len(LOOKS)


def test_what_is_damaged_is_said_to_be_damaged(mongodb_uri: str, mongodb_database: str) -> None:
    asyncio.run(damaged(mongodb_uri, mongodb_database))


def test_the_log_over_http(mongodb_uri: str, mongodb_database: str) -> None:
    asyncio.run(told(mongodb_uri, mongodb_database))
