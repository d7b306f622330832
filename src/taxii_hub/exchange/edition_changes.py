"""An edition's changes in words that a person can check: records, fields, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from taxii_hub.exchange.edition_feed import differences
from taxii_hub.exchange.edition_keys import SEALED, RecordKeys
from taxii_hub.exchange.edition_members import materialised
from taxii_hub.exchange.editions import Edition
from taxii_hub.model import EditionChanges, RecordChange
from taxii_hub.stix import ids, timestamps

DETAILS = 12


async def changes_of(edition: Edition, *, fields: bool) -> EditionChanges:
    """The edition in records and numbers; ``fields``: also what differs in each changed record."""
    plan = edition.plan
    known = {key for item in edition.before for key in item.members}
    parts = _parts(edition)
    returned = _returned(edition, known, plan.touched.keys() | parts.keys())
    back = frozenset(returned)
    added = [key for key in plan.touched if key not in known and key not in back]
    fresh = {*added, *returned}
    changed = [key for key in dict.fromkeys([*plan.touched, *parts]) if key not in fresh]
    told = await _fields(edition, changed, parts) if fields else {}
    named = await _named(edition, [*plan.missing, *plan.vanished, *plan.held])
    return EditionChanges(
        edition=edition.conversion.edition,
        previous=timestamps.canonical(edition.previous.edition) if edition.previous else None,
        source_list=edition.record.lineage.source_list,
        added=tuple(added),
        changed=tuple(RecordChange(key, tuple(dict.fromkeys(told.get(key, ())))) for key in changed),
        returned=tuple(returned),
        missing=tuple(named[key] for key in plan.missing),
        vanished=tuple(named[key] for key in plan.vanished),
        held=tuple(named[key] for key in plan.held),
        new=plan.new,
        versions=plan.versions,
        revoked=len(plan.revocations),
        unchanged=plan.unchanged,
        skipped=plan.skipped,
        standing=edition.loss.standing,
        lost=edition.loss.records,
        mass_revocation=edition.loss.massive,
    )


async def _named(edition: Edition, keys: Sequence[str]) -> dict[str, str]:
    """Records that the edition does not say are remembered by sealed keys: what the feed holds of them says
    which they are. Of what was erased nothing does."""
    firsts = {
        key: made[0]
        for item in reversed(edition.before)
        for key, made in item.members.items()
        if made and SEALED.fullmatch(key)
    }
    wanted = {key: firsts[key] for key in keys if key in firsts}
    stored = await edition.past.contents(list(wanted.values()))
    return {key: _name(edition, key, stored.get(wanted.get(key, ""), {})) for key in keys}


def _name(edition: Edition, key: str, value: Mapping[str, Any]) -> str:
    references = [each.get("external_id") for each in value.get("external_references", ())]
    said = [each for each in references if isinstance(each, str)]
    spelt = RecordKeys(edition.past.hub.keyring, said).spelt(key)
    words = [*said[:1], *([f"({value['name']})"] if "name" in value else [])]
    return spelt or " ".join(words) or key


def _parts(edition: Edition) -> dict[str, list[str]]:
    """Of records that stay, what is revoked."""
    found: dict[str, list[str]] = {}
    for item in edition.plan.revocations:
        if item.record not in edition.plan.vanished:
            found.setdefault(item.record, []).append(f"-{ids.type_of(item.id)}")
    return found


def _returned(edition: Edition, known: AbstractSet[str], touched: AbstractSet[str]) -> list[str]:
    """Records that the newest edition before lacks, or that were revoked; told once."""
    newest = edition.before[0].members if edition.before else {}
    found = []
    for key, made in edition.conversion.made.items():
        again = any(i in edition.names.renamed and ids.kind_of(ids.type_of(i)) != "sro" for i in made)
        missed = key in known and key not in newest
        if (again and key in touched) or (missed and (key in touched or not edition.known)):
            found.append(key)
    return found


async def _fields(
    edition: Edition, records: Sequence[str], parts: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
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
        found[key] += [f"{ids.type_of(object_id)}.{path}" for path in sorted(map(_readable, paths))][:DETAILS]
    for key in records:
        found[key] += parts.get(key, ())
    return found


def _readable(path: str) -> str:
    head, _, rest = path.partition(".")
    if head == "extensions" and rest.startswith("extension-definition--"):
        return rest.partition(".")[2] or head
    return path
