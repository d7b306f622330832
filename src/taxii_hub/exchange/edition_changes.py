"""An edition's changes in words that a person can check: records, fields, numbers."""

from __future__ import annotations

from collections.abc import Sequence

from taxii_hub.exchange.edition_feed import differences
from taxii_hub.exchange.edition_members import materialised
from taxii_hub.exchange.editions import Edition
from taxii_hub.model import EditionChanges, RecordChange
from taxii_hub.stix import ids, timestamps

DETAILS = 12


async def changes_of(edition: Edition, *, fields: bool) -> EditionChanges:
    """The edition in records and numbers; ``fields``: also what differs in each changed record."""
    plan, before = edition.plan, edition.before
    known = {key for item in before for key in item.members}
    newest = before[0].members if before else {}
    renamed = {
        key
        for key, made in edition.conversion.made.items()
        if any(i in edition.names.renamed and ids.kind_of(ids.type_of(i)) != "sro" for i in made)
    }
    parts: dict[str, list[str]] = {}
    for item in plan.revocations:
        if item.record not in plan.vanished:
            parts.setdefault(item.record, []).append(f"-{ids.type_of(item.id)}")
    touched = dict.fromkeys([*plan.touched, *parts])
    here = touched if edition.known else dict.fromkeys([*touched, *edition.conversion.made])
    returned = [
        key
        for key in here
        if (key in renamed and key in touched) or (key in known and key not in newest and key in plan.members)
    ]
    back = frozenset(returned)
    added = [key for key in plan.touched if key not in known and key not in back]
    fresh = frozenset(added) | back
    changed = [key for key in touched if key not in fresh]
    told = await _fields(edition, changed) if fields else {}
    return EditionChanges(
        edition=edition.conversion.edition,
        previous=timestamps.canonical(edition.previous.edition) if edition.previous else None,
        source_list=edition.record.lineage.source_list,
        added=tuple(added),
        changed=tuple(
            RecordChange(
                key, tuple(dict.fromkeys([*told.get(key, ()), *parts.get(key, ())])) if fields else ()
            )
            for key in changed
        ),
        returned=tuple(returned),
        missing=tuple(plan.missing),
        vanished=tuple(plan.vanished),
        held=tuple(plan.held),
        new=plan.new,
        versions=plan.versions,
        revoked=len(plan.revocations),
        unchanged=plan.unchanged,
        skipped=plan.skipped,
    )


async def _fields(edition: Edition, records: Sequence[str]) -> dict[str, list[str]]:
    steps = {step.id: step for step in edition.plan.steps}
    wanted = {i: key for key in records for i in edition.plan.touched.get(key, ())}
    found: dict[str, list[str]] = {}
    for key in records:
        fresh = [i for i in edition.plan.members.get(key, ()) if i in steps and i not in wanted]
        found[key] = [f"+{ids.type_of(i)}" for i in fresh]
    stored = await edition.past.contents(list(wanted))
    for object_id, key in wanted.items():
        (member,) = materialised(edition, [steps[object_id]])
        paths = differences(stored.get(object_id, {}), member.value)
        found[key] += [f"{ids.type_of(object_id)}.{_readable(path)}" for path in paths][:DETAILS]
    return found


def _readable(path: str) -> str:
    head, _, rest = path.partition(".")
    if head == "extensions" and rest.startswith("extension-definition--"):
        return rest.partition(".")[2] or head
    return path
