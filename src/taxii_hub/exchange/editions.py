"""The editions of a list: each one is compared with what the feed holds, and only what differs is published.

Everything is decided from the feed and from the log of the editions before, and the log remembers an
edition before anything of it is published. So an ingest that was interrupted is finished by running it
again, and one that was finished changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from taxii_hub.errors import ReportError
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.edition_feed import Past
from taxii_hub.exchange.edition_keys import RecordKeys, seal
from taxii_hub.exchange.edition_names import Names, names_of
from taxii_hub.exchange.edition_plan import (
    Before,
    EditionPlan,
    Loss,
    loss_of,
    plan_edition,
    plan_return,
    window,
)
from taxii_hub.exchange.hub import Hub
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.spec import Editions
from taxii_hub.stix import timestamps
from taxii_hub.store.base import EditionRecord, Lineage, Members

SAME_EDITION = 1_000_000
"""Corrections of one edition are versions within this second of it."""
KEPT = 5
"""Editions whose members are remembered, beside those that the grace needs."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How this edition is taken in: the mapping's words (``family``, ``editions``) and the caller's."""

    family: str
    editions: Editions
    source_list: str | None = None
    backfill: bool = False


@dataclass(slots=True)
class Edition:
    """One edition, compared: what it changes is known and nothing is published yet."""

    past: Past
    conversion: Conversion
    record: EditionRecord
    plan: EditionPlan
    names: Names
    whole: bool = True
    known: bool = False
    previous: EditionRecord | None = None
    before: list[Before] = field(default_factory=list)
    forgettable: list[EditionRecord] = field(default_factory=list)
    loss: Loss = Loss()

    @property
    def size(self) -> int:
        """Objects to publish."""
        return len(self.plan.steps) + len(self.plan.revocations)


def lineage_of(place: Place, conversion: Conversion, rules: Rules) -> Lineage:
    """Which list this is an edition of."""
    name = conversion.source_list if rules.source_list is None else rules.source_list
    return Lineage(place.collection.number, place.account.agency, rules.family, name)


async def compare(hub: Hub, place: Place, conversion: Conversion, rules: Rules) -> Edition:
    """What the edition changes. Raises ReportError for one that is older than the newest."""
    record = _record(place, conversion, rules)
    # Files that add up may be very many, and none of them decides about another one.
    only = None if rules.editions.whole else record.report
    log = await hub.editions.editions(record.lineage, only)
    own = next((item for item in log if item.report == record.report), None)
    record = own or record
    others = [item for item in log if item is not own]
    place_in_time = (record.edition, record.begun_at)
    newer = [item for item in others if (item.edition, item.begun_at) > place_in_time]
    older = [item for item in others if (item.edition, item.begun_at) <= place_in_time]
    whole = rules.editions.whole
    if whole and newer and own is not None and own.finished_at is not None:
        plan = EditionPlan(unchanged=len(conversion.data))
        past = Past(hub, place)
        return Edition(past, conversion, record, plan, Names(conversion.namespace), known=True)
    if whole and newer and not rules.backfill:
        _refuse(conversion, newer[0], record)
    past = Past(hub, place, record.edition + SAME_EDITION if newer or not whole else None)
    names = await names_of(
        past, conversion.namespace, conversion.data, (i for made in conversion.made.values() for i in made)
    )
    grace = rules.editions.grace
    judged = window(older, record.edition, grace) if whole and not newer else []
    keys = RecordKeys(hub.keyring, {*conversion.made, *filter(None, conversion.failed)})
    before = await _before(hub, keys, judged)
    if not whole:
        before = await _said_before(hub, keys, record, conversion)
    plan = await asyncio.to_thread(plan_edition, conversion, names, before, grace)
    if whole and newer:
        later = await _before(hub, keys, list(reversed(newer)))
        plan_return(plan, record.edition, [item for item in later if item.members], grace)
    await _only_what_stands(past, plan, names)
    edition = Edition(past, conversion, record, plan, names, whole, previous=next(iter(older), None))
    edition.known = own is not None and own.finished_at is not None
    edition.before, edition.loss = before, loss_of(plan, before) if whole else Loss()
    edition.forgettable = others[max(KEPT, len(judged) + 1) :]
    return edition


async def _before(hub: Hub, keys: RecordKeys, records: Sequence[EditionRecord]) -> list[Before]:
    return [Before(each, keys.opened(await hub.editions.members(each))) for each in records]


async def _said_before(
    hub: Hub, keys: RecordKeys, record: EditionRecord, conversion: Conversion
) -> list[Before]:
    """Where files add up: what others said of the same records."""
    forms = keys.forms(conversion.made)
    said = keys.opened(await hub.editions.records(record.lineage, forms, record.edition))
    return [Before(record, said)] if said else []


def _record(place: Place, conversion: Conversion, rules: Rules) -> EditionRecord:
    report = orjson.loads(conversion.data[-1])
    facts = next(iter(report["extensions"].values()))
    return EditionRecord(
        lineage=lineage_of(place, conversion, rules),
        report=report["id"],
        edition=timestamps.parse(conversion.edition),
        sha256=conversion.sha256,
        converter=facts["converter"],
        format_version=facts["format_version"],
        begun_at=time.time_ns() // 1000,
    )


def _refuse(conversion: Conversion, newest: EditionRecord, record: EditionRecord) -> None:
    what = (
        f"{conversion.mapping} ({record.lineage.source_list})"
        if record.lineage.source_list
        else conversion.mapping
    )
    raise ReportError(
        f"this edition of {what} is of {conversion.edition}, and one of "
        f"{timestamps.canonical(newest.edition)} was ingested already: what the newer one changed would be "
        "undone. --backfill adds what only the older one holds, with its own dates"
    )


def require_no_mass_revocation(edition: Edition) -> None:
    """Raises ReportError for an edition that would take too much off its list (MASS_SHARE, MASS_RECORDS)."""
    loss = edition.loss
    if loss.massive:
        told = f"{loss.records} of the {loss.standing} records that stand"
        raise ReportError(
            f"this edition of {edition.conversion.mapping} ({edition.conversion.edition}, "
            f"{edition.conversion.records} records) would revoke {told}: that looks like a part of the list, or a "
            "damaged file, and what is revoked never comes back under its id. Look with --diff; get the whole "
            "file, or say --allow-mass-revocation where it is meant"
        )


async def _only_what_stands(past: Past, plan: EditionPlan, names: Names) -> None:
    """Leave out revocations of what the feed does not hold, or holds as revoked."""
    now = await replace(past, at=None).known([item.id for item in plan.revocations])
    made = {step.id for step in plan.steps}
    plan.revocations = [
        item
        for item in plan.revocations
        if (item.id in now and not now[item.id].revoked) or (item.id not in now and item.id in made)
    ]
    left = {item.record for item in plan.revocations}
    plan.vanished = {key: None for key in plan.vanished if key in left}


async def begin(hub: Hub, edition: Edition) -> None:
    """Remember what the edition holds, and of its records what they held before: nothing of it is
    published yet, and everything may have to be revoked one day."""
    record, members = edition.record, edition.plan.members
    await hub.editions.begin(record, _sealed(hub, members) if edition.whole else {})
    if not edition.whole:
        said = edition.before[0].members if edition.before else {}
        both = {key: tuple(dict.fromkeys([*said.get(key, ()), *made])) for key, made in members.items()}
        await hub.editions.remember(record.lineage, _sealed(hub, both), record.edition)


async def finish(hub: Hub, edition: Edition, counts: Mapping[str, int]) -> None:
    """All of it is published."""
    if not edition.whole:
        made = _sealed(hub, edition.plan.members)
        await hub.editions.remember(edition.record.lineage, made, edition.record.edition)
    done = replace(edition.record, finished_at=time.time_ns() // 1000, counts=counts)
    await hub.editions.finish(done)
    await hub.editions.forget(edition.forgettable)


def _sealed(hub: Hub, members: Members) -> Members:
    return {seal(hub.keyring, key): ids for key, ids in members.items()}
