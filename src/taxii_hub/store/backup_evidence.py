"""What was done after a backup was taken, as far as something still tells it.

That is the database that is being replaced, where it can still be read, or an export of the audit log
that is newer than the backup. Without either nobody knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from pymongo.asynchronous.database import AsyncDatabase

from taxii_hub.errors import StoreError
from taxii_hub.keyring import Keyring
from taxii_hub.ledger.checkpoint import verifiers_of
from taxii_hub.ledger.export import ExportError, verify_export
from taxii_hub.ledger.leaves import read
from taxii_hub.stix import timestamps
from taxii_hub.store.backup_file import Manifest

Document = dict[str, Any]
Source = Literal["database", "export", "none"]

PASSING: Final = (
    *("page", "empty", "audit-read", "audit-export", "explain", "subject-search"),
    *("gap", "keys", "damaged", "reviews-overdue", "expire", "history", "ingest", "hold", "restore"),
)
"""Leaves about reading, and about what a hub does again by itself or what another leaf tells too."""
_UNTOLD: Final = frozenset({"kind", "at", "by", "first", "last", "stamps", "epoch", "feed", "id"})


@dataclass(frozen=True, slots=True)
class Act:
    """One act that the backup does not hold. ``at``: microseconds; ``told``: what its leaf says of it."""

    kind: str
    at: int
    account: str
    agency: str | None
    told: Mapping[str, Any]


@dataclass(slots=True)
class Evidence:
    """``clocks``: the newest stamp known of each feed. ``continues``: the log there is that of the backup,
    gone on; ``size`` leaves of it by now."""

    source: Source = "none"
    clocks: dict[int, int] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    continues: bool = False
    size: int = 0

    def take(self, data: bytes) -> None:
        """A leaf that is not in the backup; one that cannot be read says nothing."""
        try:
            leaf = read(data)
            at, by = timestamps.parse(leaf["at"]), leaf["by"]
            if "feed" in leaf:
                self.know(leaf["feed"], max(at, leaf.get("last", 0)))
            if leaf["kind"] not in PASSING:
                told = {name: value for name, value in leaf.items() if name not in _UNTOLD}
                self.acts.append(Act(leaf["kind"], at, by["account"], by.get("agency"), told))
        except (ValueError, KeyError, TypeError):
            return

    def know(self, feed: int, stamp: int) -> None:
        """A stamp was given, so somebody may hold it as his position."""
        self.clocks[feed] = max(stamp, self.clocks.get(feed, 0))

    @property
    def unsent(self) -> list[Act]:
        """Acknowledged requests of clients that the backup does not hold: to be sent again."""
        return [act for act in self.acts if act.kind == "publish"]

    @property
    def undone(self) -> list[Act]:
        """What else was done and is not any more: to be done again by whoever did it."""
        return [act for act in self.acts if act.kind != "publish"]


async def from_database(
    database: AsyncDatabase[Document], manifest: Manifest, queued: Collection[bytes]
) -> Evidence:
    """``queued``: the hashes of the leaves that had no number yet when the backup was taken."""
    found = Evidence("database")
    async for clock in database.clocks.find({}, {"last": 1}):
        found.know(clock["_id"], clock["last"])
    newest = await database.audit_log.find_one({}, {"_id": 1}, sort=[("_id", -1)])
    found.size = newest["_id"] + 1 if newest else 0
    end = await database.audit_log.find_one({"_id": manifest.log - 1}, {"h": 1})
    found.continues = (bytes(end["h"]).hex() if end else "") == manifest.log_end
    if found.continues:
        later = {"_id": {"$gte": manifest.log}, "k": {"$nin": [*PASSING]}}
        async for row in database.audit_log.find(later, {"b": 1}, sort=[("_id", 1)]):
            _take_new(found, bytes(row["b"]), queued)
        async for row in database.audit_queue.find({}, {"b": 1}):
            _take_new(found, bytes(row["b"]), queued)
    return found


def _take_new(found: Evidence, leaf: bytes, queued: Collection[bytes]) -> None:
    if sha256(leaf).digest() not in queued:
        found.take(leaf)


def from_export(path: Path, keyring: Keyring, manifest: Manifest, queued: Collection[bytes]) -> Evidence:
    """Raises StoreError for a file that is not sound, is older than the backup, or is of another log."""
    try:
        with path.open("rb") as lines:
            report = verify_export(lines, verifiers_of(keyring))
    except ExportError as error:
        raise StoreError(f"{path}: {error}") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from None
    if not report.sound:
        raise StoreError(f"{path}: this export was changed; `taxii-hub audit verify --export` says where")
    found = Evidence("export", size=report.size)
    if report.size < manifest.log:
        raise StoreError(f"{path}: this export of the audit log is older than the backup")
    found.continues = manifest.log == 0
    for row in export_lines(path, "n"):
        if row["n"] == manifest.log - 1:
            found.continues = row["hash"] == manifest.log_end
        elif row["n"] >= manifest.log:
            _take_new(found, row["leaf"].encode(), queued)
    if not found.continues:
        raise StoreError(f"{path}: this is not the audit log that goes on from the backup")
    return found


def export_lines(path: Path, kind: str) -> Iterator[Document]:
    """The lines of a verified export that have that name in them (``n``, ``tile``, ``checkpoint``)."""
    with path.open("rb") as lines:
        for line in lines:
            found = orjson.loads(line)
            if kind in found and "export" not in found:
                yield found


def in_order(acts: Sequence[Act]) -> list[Act]:
    """The oldest first."""
    return sorted(acts, key=lambda act: act.at)
