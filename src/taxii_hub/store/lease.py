"""Who commits for a collection: a lease for speed, never for correctness (the clock document is that).

A committer that dies keeps the clock document locked for a minute, because MongoDB does not end its
open transaction. Its session id therefore stands in the lease, and whoever takes the lease over
ends those sessions first. Ending the session of one that lives is harmless: it runs its
transaction again.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bson.binary import Binary
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

LEASE_MS = 3000
EPOCH = datetime.fromtimestamp(0, UTC)

Document = dict[str, Any]


def this_host() -> str:
    """Equal for processes that can reach each other's Unix sockets."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    spaces = [str(Path(f"/proc/self/ns/{kind}").stat().st_ino) for kind in ("mnt", "pid")]
    return ":".join([boot, *spaces])


@dataclass(frozen=True, slots=True)
class Member:
    """One process that may commit: ``address`` is the path of its Unix socket."""

    id: str
    address: str
    host: str

    @classmethod
    def here(cls, address: str) -> Member:
        """This process."""
        return cls(uuid.uuid4().hex, address, this_host())


@dataclass(frozen=True, slots=True)
class Held:
    """The lease as read: ``until`` in this process's monotonic seconds, where it is our own."""

    holder: str
    address: str
    host: str
    until: float = 0.0


class Leases:
    """The lease documents."""

    def __init__(self, database: AsyncDatabase[Document], member: Member) -> None:
        self._leases = database["leases"]
        self._admin = database.client.admin
        self.member = member

    async def acquire(self, collection: int, lsid: Binary) -> Held:
        """Take or renew the lease where it is free, expired or ours; say who has it otherwise."""
        asked = time.monotonic()
        free = {
            "_id": collection,
            "$or": [{"holder": self.member.id}, {"$expr": {"$lt": ["$expires", "$$NOW"]}}],
        }
        before = await self._take(free, lsid)
        if before is None:
            document = await self._leases.find_one({"_id": collection})
            if document is not None and document["holder"] is not None:
                return Held(document["holder"], document["address"], document["host"])
            with contextlib.suppress(DuplicateKeyError):  # somebody was quicker: ask again
                await self._leases.insert_one({"_id": collection, "holder": None, "expires": EPOCH})
            return await self.acquire(collection, lsid)
        await self._end_sessions_of(before, lsid)
        return self._ours(asked)

    async def steal(self, collection: int, dead: Held, lsid: Binary) -> Held | None:
        """Take the lease from a holder that is certainly gone; None where somebody was quicker."""
        asked = time.monotonic()
        before = await self._take({"_id": collection, "holder": dead.holder}, lsid)
        if before is None:
            return None
        await self._end_sessions_of(before, lsid)
        return self._ours(asked)

    async def join_as_guest(self, collection: int, lsid: Binary) -> None:
        """Leave our session's id with a holder that we cannot reach."""
        await self._leases.update_one({"_id": collection}, {"$addToSet": {"guests": lsid}})

    async def end_guests(self, collection: int, lsid: Binary) -> None:
        """For a holder that meets conflicts for long: a guest may have died with the clock."""
        document = await self._leases.find_one_and_update(
            {"_id": collection, "holder": self.member.id}, {"$set": {"guests": []}}
        )
        await self._end_sessions_of(document, lsid)

    async def release(self, collection: int) -> None:
        """Let the next one in at once."""
        await self._leases.delete_one({"_id": collection, "holder": self.member.id})

    async def _take(self, condition: Document, lsid: Binary) -> Document | None:
        ours = {"holder": self.member.id, "address": self.member.address, "host": self.member.host}
        return await self._leases.find_one_and_update(
            condition,
            [
                {
                    "$set": {
                        **{name: {"$literal": value} for name, value in ours.items()},
                        "lsid": {"$literal": lsid},
                        "guests": [],
                        "expires": {"$add": ["$$NOW", LEASE_MS]},
                    }
                }
            ],
            return_document=ReturnDocument.BEFORE,
        )

    async def _end_sessions_of(self, document: Mapping[str, Any] | None, own: Binary) -> None:
        if document is None:
            return
        sessions = [document.get("lsid"), *document.get("guests", ())]
        others = [{"id": lsid} for lsid in sessions if lsid is not None and lsid != own]
        if others:
            await self._admin.command("killSessions", others)

    def _ours(self, asked: float) -> Held:
        member = self.member
        return Held(member.id, member.address, member.host, until=asked + LEASE_MS / 1000 - 0.5)
