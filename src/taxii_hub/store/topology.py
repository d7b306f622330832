"""What kind of MongoDB is there, and whether acknowledged will mean kept on it (rule R2).

Refused: a standalone (no transactions, no snapshots, no change streams), a ``mongos`` (never tested),
anything older than 6.0, and a URI that weakens what the hub promises.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError

from taxii_hub.errors import StoreError, UnavailableError
from taxii_hub.store.engine_files import is_embedded_address

OLDEST: Final = (6, 0)
_PAST_SUPPORT: Final = (6, 0)
_NOT_ALLOWED: Final = frozenset({13, 8000})  # Unauthorized, and its name on hosted services
_STRONG: Final[Mapping[str, tuple[str, ...]]] = {
    "w": ("majority",),
    "journal": ("true",),
    "j": ("true",),
    "readconcernlevel": ("majority",),
    "readpreference": ("primary",),
}
_GUARANTEES: Final[Mapping[str, Any]] = {
    "w": "majority",
    "journal": True,
    "readConcernLevel": "majority",
    "retryWrites": False,
    "appname": "taxii-hub",
}
_DEFAULTS: Final[Mapping[str, Any]] = {
    "serverSelectionTimeoutMS": 5000,
    "connectTimeoutMS": 2000,
    "socketTimeoutMS": 20_000,
    "heartbeatFrequencyMS": 2000,  # a frozen primary is given up, and its requests with it, after 4 s instead of 12
}
"""What an admin may set otherwise in the URI."""


@dataclass(frozen=True, slots=True)
class Topology:
    """A MongoDB that the hub may use. ``clock_difference`` is its clock minus ours, in milliseconds
    (half the round trip taken off); ``notices`` are sentences for the admin.
    """

    engine: Literal["embedded", "external"]
    version: str
    kind: str
    durability: str
    clock_difference: int
    notices: tuple[str, ...] = ()


def connect(uri: str, **options: Any) -> AsyncMongoClient[dict[str, Any]]:
    """A client with the hub's guarantees: w majority, journalled, majority reads from the primary.

    Writes are not retried by the driver: every journey is idempotent and repeats what it knows to be
    safe. Raises StoreError for a URI that is none, or that asks for less.
    """
    _refuse_weaker(uri)
    given = {name.lower() for name, _ in _options(uri)}
    defaults = {name: value for name, value in _DEFAULTS.items() if name.lower() not in given}
    try:
        return AsyncMongoClient(uri, **{**defaults, **_GUARANTEES, **options})
    except (InvalidURI, ConfigurationError, ValueError) as error:
        # The driver quotes option values, never the password.
        raise StoreError(
            f"TAXII_HUB_MONGODB_URI: this is not a MongoDB URI the hub can use: {error}"
        ) from None


def _options(uri: str) -> list[tuple[str, str]]:
    return parse_qsl(uri.partition("?")[2], keep_blank_values=True)


def _refuse_weaker(uri: str) -> None:
    for name, value in _options(uri):
        strong = _STRONG.get(name.lower())
        if strong is not None and value.lower() not in strong:
            raise StoreError(
                f"TAXII_HUB_MONGODB_URI: {name}={value} weakens what the hub promises (acknowledged means"
                f" kept); leave it out, the hub uses {name}={strong[0]}"
            )


async def check_topology(client: AsyncMongoClient[dict[str, Any]]) -> Topology:
    """Ask the server what it is.

    Raises StoreError, saying what is wrong and what to do, for one that the hub refuses, and
    UnavailableError for one that does not answer.
    """
    try:
        sent = time.time()
        hello = await client.admin.command("hello")
        clock = hello["localTime"].replace(tzinfo=UTC).timestamp() - (sent + time.time()) / 2
        version = (await client.admin.command("buildInfo"))["version"]
        config = await _allowed(client, {"replSetGetConfig": 1}) if "setName" in hello else {}
        server = await _allowed(client, {"serverStatus": 1, "repl": 0, "metrics": 0, "wiredTiger": 0})
    except OperationFailure as error:
        raise StoreError(
            f"MongoDB refuses the hub's user ({error.code}): look at the user, the password and authSource in"
            " TAXII_HUB_MONGODB_URI"
        ) from None
    except PyMongoError as error:
        raise UnavailableError(
            f"MongoDB does not answer ({type(error).__name__}): look whether it runs, and at"
            " TAXII_HUB_MONGODB_URI"
        ) from None
    _refuse_kind(hello)
    _refuse_version(version)
    _refuse_weak_server(config, server)
    return _described(hello, version, config, round(clock * 1000))


async def _allowed(client: AsyncMongoClient[dict[str, Any]], command: dict[str, Any]) -> dict[str, Any]:
    """The answer, or nothing where the hub's user has no right to ask."""
    try:
        return await client.admin.command(command)
    except OperationFailure as error:
        if error.code in _NOT_ALLOWED:
            return {}
        raise


def _refuse_kind(hello: Mapping[str, Any]) -> None:
    if hello.get("msg") == "isdbgrid":
        raise StoreError(
            "this MongoDB is a sharded cluster (mongos), which the hub has not been tested with: let"
            " TAXII_HUB_MONGODB_URI name a replica set"
        )
    if "setName" not in hello:
        raise StoreError(
            "this MongoDB is a standalone server or a replica set that was not initiated; the hub needs"
            " transactions and snapshots: start mongod with --replSet and run rs.initiate() once (one node is"
            " enough), or leave TAXII_HUB_MONGODB_URI unset for the embedded one"
        )
    if not hello["isWritablePrimary"]:
        raise StoreError(
            f"this MongoDB is a secondary of {hello['setName']}: leave directConnection out of"
            f" TAXII_HUB_MONGODB_URI and add replicaSet={hello['setName']}"
        )


def _refuse_version(version: str) -> None:
    if _numbers(version) < OLDEST:
        raise StoreError(f"MongoDB {version} is too old: the hub needs 6.0 or newer")


def _refuse_weak_server(config: Mapping[str, Any], server: Mapping[str, Any]) -> None:
    if config.get("config", {}).get("writeConcernMajorityJournalDefault") is False:
        raise StoreError(
            "the replica set has writeConcernMajorityJournalDefault: false, so what it acknowledged can be lost:"
            " set it to true with rs.reconfig()"
        )
    if server.get("storageEngine", {}).get("persistent") is False:
        raise StoreError("this MongoDB keeps its data in memory only: use the wiredTiger storage engine")


def _described(
    hello: Mapping[str, Any], version: str, config: Mapping[str, Any], clock_difference: int
) -> Topology:
    embedded = is_embedded_address(hello.get("me", ""))
    members = config.get("config", {}).get("members", ())
    count = len(members) or len(hello.get("hosts", ())) or 1
    notices = []
    if embedded:
        notices.append(
            "The embedded MongoDB is for demos, tests and small sites: one copy of the data, SSPL-licensed."
            " For production let TAXII_HUB_MONGODB_URI name a supported replica set of three nodes."
        )
    elif count < 3:
        notices.append(f"The replica set has {count} member(s): a lost disk loses data. Use three.")
    if any(m.get("arbiterOnly") for m in members):
        notices.append("The replica set has an arbiter: when one data node is down, nothing can be written.")
    if _numbers(version) <= _PAST_SUPPORT:
        notices.append(f"MongoDB {version} is past its makers' support: it gets no security fixes.")
    return Topology(
        engine="embedded" if embedded else "external",
        version=version,
        kind=f"replica set {hello['setName']}, {count} member{'s' if count != 1 else ''}",
        durability="writes are acknowledged by the majority, journalled; reads are majority snapshots",
        clock_difference=clock_difference,
        notices=tuple(notices),
    )


def _numbers(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)
