"""What belongs to others is not there: the same bytes as for what never was (API1:2023; R4)."""

from __future__ import annotations

import sys
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import pytest

from taxii_hub.errors import UnauthorizedError
from taxii_hub.exchange.accounts import Accounts
from taxii_hub.exchange.credentials import MintedKey, checksum, mac_of, mint_key
from taxii_hub.keyring import Keyring
from taxii_hub.store.account_records import AccountRecord, Directory, KeyRecord
from tests.hostile.oracle import Reply, faults
from tests.hostile.wire import Target
from tests.support.hubs import RunningHub
from tests.support.probe import indicator

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
HERE = b"/sandbox/collections/scratch/"
TELLING = ("date", "x-request-id")


def told(target: Target, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """All of an answer but what differs between any two."""
    reply: Reply = target.ask(request)
    assert not faults(reply), (faults(reply), reply)
    return reply.status, {k: v for k, v in reply.headers.items() if k not in TELLING}, reply.body


@pytest.fixture(scope="module")
def secret(heron: Target) -> dict[str, bytes]:
    """An object that gb-heron marked red, and the status of its POST; and ids of both kinds that never were."""
    thing = {**indicator(9), "object_marking_refs": [RED]}
    status = heron.ask(heron.post(HERE + b"objects/", orjson.dumps({"objects": [thing]})))
    assert status.status == 202
    assert status.json()["success_count"] == 1, status.body
    return {
        "object": thing["id"].encode(),
        "status": status.json()["id"].encode(),
        "no object": f"indicator--{uuid.uuid4()}".encode(),
        "no status": str(uuid.uuid4()).encode(),
    }


PATHS = (
    (b"objects/%s/", "object"),
    (b"objects/%s/versions/", "object"),
    (b"objects/?match[id]=%s", "object"),
    (b"manifest/?match[id]=%s&match[version]=all", "object"),
    (b"../../status/%s/", "status"),
)


@pytest.mark.parametrize(("path", "kind"), PATHS)
def test_anothers_object_and_status_are_as_absent(
    engineer: Target, heron: Target, secret: dict[str, bytes], path: bytes, kind: str
) -> None:
    full = b"/sandbox/status/%s/" if kind == "status" else HERE + path
    there = told(engineer, engineer.get(full % secret[kind]))
    absent = told(engineer, engineer.get(full % secret[f"no {kind}"]))
    assert there == absent
    assert told(heron, heron.get(full % secret[kind]))[0] == 200, "its origin has it"


def test_deleting_anothers_object_is_as_deleting_nothing(engineer: Target, secret: dict[str, bytes]) -> None:
    answers = []
    for which in ("object", "no object"):
        line = b"DELETE " + HERE + b"objects/" + secret[which] + b"/ HTTP/1.1"
        answers.append(told(engineer, engineer.head(line) + b"\r\n\r\n"))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_publishing_what_another_holds_is_as_publishing_it_first(heron: Target, hub: RunningHub) -> None:
    """The id and version of a hidden object, with other content: accepted, in a class of its own (R2)."""
    thing = {**indicator(9), "object_marking_refs": [RED]}
    kite = Target.of(hub.url, hub.credentials("us-kite"))
    assert (
        heron.ask(heron.post(HERE + b"objects/", orjson.dumps({"objects": [thing]}))).json()["success_count"]
        == 1
    )
    other = {**thing, "name": "another"}
    status, _, body = told(kite, kite.post(HERE + b"objects/", orjson.dumps({"objects": [other]})))
    assert (status, orjson.loads(body)["success_count"]) == (202, 1)
    back = heron.ask(heron.get(HERE + b"objects/" + thing["id"].encode() + b"/")).json()
    assert back["objects"] == [thing], "and nothing of it is changed"


@pytest.mark.parametrize(
    "path", [b"/%s/", b"/%s/collections/", b"/%s/status/11111111-1111-4111-8111-111111111111/"]
)
def test_an_api_root_one_is_no_member_of_is_none(engineer: Target, path: bytes) -> None:
    assert told(engineer, engineer.get(path % b"five-eyes")) == told(
        engineer, engineer.get(path % b"six-eyes")
    )


def test_officers_acts_on_anothers_object_are_as_on_none(hub: RunningHub, secret: dict[str, bytes]) -> None:
    liaison = Target.of(hub.url, hub.credentials("demo-liaison"))
    acts: tuple[tuple[bytes, bytes], ...] = (
        (b"release", b'{"to": ["hub-lab"], "reason": "as a test"}'),
        (b"regrade", b'{"level": "unclassified", "reason": "as a test"}'),
        (b"withdraw", b'{"reason": "as a test"}'),
        (b"erase", b'{"reason": "as a test", "basis": "x", "confirm": true}'),
        (b"reviewed", b'{"reason": "as a test"}'),
    )
    for act, body in acts:
        answers = []
        for which in ("object", "no object"):
            path = b"/api/v1/objects/sandbox/scratch/" + secret[which] + b"/" + act
            answers.append(told(liaison, liaison.post(path, body, media_type=b"application/json")))
        assert answers[0] == answers[1], act
        assert answers[0][0] in (400, 404), (act, answers[0])
    for which in ("object", "no object"):
        path = b"/api/v1/objects/sandbox/scratch/" + secret[which] + b"/explain"
        assert told(liaison, liaison.get(path))[0] == 404


# --- are there users of this name? --------------------------------------------------------------


def test_a_wrong_key_of_a_known_account_is_answered_as_one_of_nobody(engineer: Target, heron: Target) -> None:
    """Not a byte tells them apart."""
    prefix, name, secret, check = heron.password.split("_")
    answers = []
    for number, (user, password) in enumerate(
        (("gb-heron", "wrong"), ("nobody", "wrong"), ("gb-heron", f"{prefix}_{name}_{secret}_{check[::-1]}"))
    ):
        stranger = Target(engineer.host, engineer.port, user, f"{password}{number}")
        answers.append(told(stranger, stranger.get(b"/taxii2/")))
    assert {answer[0] for answer in answers} <= {401, 429}
    assert len({answer[2] for answer in answers if answer[0] == 401}) <= 1


async def doors(folder: Path) -> tuple[Accounts, MintedKey]:
    """Accounts without a database, with one key."""
    keyring = Keyring.open(folder / "secrets", create=True)
    pepper, entry = keyring.newest("pepper")
    key = mint_key()
    account = AccountRecord("gb-siem", "gb-heron", frozenset({"reader"}), "standard", None, 0)
    record = KeyRecord(key.id, "gb-siem", pepper, mac_of(entry, key.secret.encode()), 0)
    accounts = Accounts(Shelf(Directory(1, (account,), (record,))), keyring, clock=lambda: 0.0)
    await accounts.load()
    return accounts, key


@dataclass
class Shelf:
    directory: Directory

    async def revision(self) -> int:
        return self.directory.revision

    async def read(self) -> Directory:
        return self.directory

    async def note_use(self, uses: object) -> None: ...


def work(accounts: Accounts, key_id: str) -> Counter[str]:
    """Every function that refusing a well-formed key with this id calls, and how often."""
    body = f"thub_{key_id}_{mint_key().secret}"
    done: Counter[str] = Counter()

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            done[frame.f_code.co_name if event == "call" else argument.__name__] += 1

    sys.setprofile(watch)
    try:
        with pytest.raises(UnauthorizedError):
            accounts.authenticate(f"Bearer {body}_{checksum(body)}", None, "10.0.0.1", 0.0)
    finally:
        sys.setprofile(None)
    return done


async def test_refusing_a_known_key_is_the_same_work_as_refusing_an_unknown_one(tmp_path: Path) -> None:
    """Counted, not timed: every call of it. What differs cannot be seen in the noise of a network, then."""
    accounts, key = await doors(tmp_path)
    known, unknown = work(accounts, key.id), work(accounts, mint_key().id)
    assert known["mac_of"] == known["compare_digest"] == 1
    assert known == unknown
