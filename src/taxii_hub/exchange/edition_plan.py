"""What an edition changes, decided from what the feed and the editions before it hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from taxii_hub.exchange.edition_feed import Known, content_digest
from taxii_hub.exchange.edition_names import Names
from taxii_hub.mapping.convert import Conversion
from taxii_hub.stix import timestamps
from taxii_hub.stix.validation import version_of
from taxii_hub.store.base import EditionRecord

MILLISECOND = 1000
MASS_SHARE = 0.2
MASS_RECORDS = 20
"""An edition that takes more than this share of the records off the list, and more than so many, is rather
a damaged or partial file than a list that changed."""


@dataclass(frozen=True, slots=True)
class Before:
    """One edition before this one, with the objects of its records."""

    record: EditionRecord
    members: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Step:
    """Publish one object of the conversion; with ``created`` and ``modified`` as a version of the
    object of that id, else as it is."""

    index: int
    id: str
    created: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """Publish the last version of the object once more, revoked; ``at`` its ``modified``, at the earliest."""

    id: str
    record: str
    at: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Of the records that stood before the edition (``standing``), how many it revokes."""

    records: int = 0
    standing: int = 0

    @property
    def massive(self) -> bool:
        """Whether somebody must say that it is meant."""
        return self.records > MASS_RECORDS and self.records > MASS_SHARE * self.standing


@dataclass(slots=True)
class EditionPlan:
    """``members`` are what the log remembers of the edition; ``versions`` the steps that change an object."""

    steps: list[Step] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    new: int = 0
    versions: int = 0
    unchanged: int = 0
    skipped: int = 0
    touched: dict[str, list[str]] = field(default_factory=dict)
    """Records of which something is published, with the changed objects' ids."""
    missing: list[str] = field(default_factory=list)
    vanished: dict[str, None] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)


def plan_edition(conversion: Conversion, names: Names, before: Sequence[Before], grace: int) -> EditionPlan:
    """``before``: the editions that may still matter (see ``window``), the newest first."""
    plan = EditionPlan()
    owner = {names.of(i): key for key, made in conversion.made.items() for i in made}
    plan.members = {key: tuple(names.of(i) for i in made) for key, made in conversion.made.items()}
    edition = timestamps.parse(conversion.edition)
    for index, data in enumerate(conversion.data):
        value = names.applied(orjson.loads(data))
        _compare(plan, index, value, (owner.get(value["id"]), names.known.get(value["id"]), edition))
    _miss(plan, conversion, before, (edition, grace))
    return plan


def _compare(
    plan: EditionPlan, index: int, value: Mapping[str, Any], facts: tuple[str | None, Known | None, int]
) -> None:
    record, known, edition = facts
    object_id = value["id"]
    if known is None:
        plan.new += 1
        plan.steps.append(Step(index, object_id))
        if record is not None:
            plan.touched.setdefault(record, [])
    elif record is None:
        _compare_fixed(plan, index, value, known)
    elif known.version < 0:
        plan.skipped += 1
    elif known.digest == content_digest(value):
        plan.unchanged += 1
    else:
        plan.versions += 1
        modified = timestamps.canonical(max(edition, known.version + MILLISECOND))
        plan.steps.append(Step(index, object_id, known.created, modified))
        plan.touched.setdefault(record, []).append(object_id)


def _compare_fixed(plan: EditionPlan, index: int, value: Mapping[str, Any], known: Known) -> None:
    """What is no record's carries its own version; a stub never stands before the record it stands for."""
    version = version_of(value)[0] or 0
    newer = version > known.version >= 0 and not known.revoked
    if newer and value["type"] != "report" and known.digest != content_digest(value):
        plan.versions += 1
        created = known.created if "modified" in value else None
        plan.steps.append(Step(index, value["id"], created, value.get("modified")))
    else:
        plan.unchanged += 1


def _miss(
    plan: EditionPlan, conversion: Conversion, before: Sequence[Before], facts: tuple[int, int]
) -> None:
    """What the editions before hold and this one does not. The newest edition that has a record
    decides what becomes of it; older ones only tell what else to revoke."""
    edition, grace = facts
    unread = frozenset(conversion.failed)
    dates = {edition}
    kept: set[str] = set()
    gone: dict[str, str] = {}
    for earlier in before:
        for key, made in earlier.members.items():
            if key in kept:
                continue
            if key in unread or (None in unread and key not in conversion.made):
                plan.members.setdefault(key, tuple(made))
                plan.held.append(key)
                kept.add(key)
            elif key not in conversion.made and key not in plan.vanished and len(dates) <= grace:
                plan.missing.append(key)
                kept.add(key)
            else:
                # What a record no longer says needs no grace: the record is there and says something else.
                gone.update(dict.fromkeys(made, key))
                if key not in conversion.made:
                    plan.vanished[key] = None
        dates.add(earlier.record.edition)
    there = {i for made in plan.members.values() for i in made}
    plan.revocations = [Revocation(i, key, edition) for i, key in gone.items() if i not in there]


def loss_of(plan: EditionPlan, before: Sequence[Before]) -> Loss:
    """Records that lose every object: they vanished, or a rule leaves them out now."""
    kept = {key for key, made in plan.members.items() if made}
    gone = {item.record for item in plan.revocations} - kept - set(plan.missing)
    known = {key for earlier in before for key, made in earlier.members.items() if made}
    return Loss(len(gone), len(gone | (known & (kept | set(plan.missing)))))


def plan_return(plan: EditionPlan, edition: int, later: Sequence[Before], grace: int) -> None:
    """For an edition that is older than others: what it holds and the later ones (``later``, the oldest
    first) do not is revoked at the moment at which it would have been."""
    for key, made in plan.members.items():
        dates: set[int] = set()
        for following in later:
            dates.add(following.record.edition)
            said = following.members.get(key)
            if said is not None or len(dates) > grace:
                lost = [i for i in made if i not in (said or ())]
                plan.revocations += [Revocation(i, key, following.record.edition) for i in lost]
                break


def window(before: Sequence[EditionRecord], edition: int, grace: int) -> list[EditionRecord]:
    """The editions, newest first, that decide what is missing: back to the one that is complete and
    lies more than ``grace`` editions back. An interrupted one may have left its work undone, so it
    counts for nothing here."""
    found: list[EditionRecord] = []
    complete: set[int] = {edition}
    for record in before:
        found.append(record)
        if record.finished_at is not None:
            complete.add(record.edition)
        if len(complete) > grace + 1:
            break
    return found
