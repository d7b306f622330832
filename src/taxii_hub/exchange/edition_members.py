"""The objects that an edition publishes, made when it is their turn: a long list is never in memory twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import orjson

from taxii_hub.exchange.edition_plan import MILLISECOND, Revocation, Step
from taxii_hub.exchange.editions import Edition
from taxii_hub.stix import timestamps
from taxii_hub.stix.validation import version_of
from taxii_hub.taxii.envelope import Member

BATCH_OBJECTS = 2000
BATCH_BYTES = 8 * 1024 * 1024


async def batches(edition: Edition) -> AsyncIterator[list[Member]]:
    """What is to be published, in order: objects, revocations, and last the edition's report."""
    plan, report = edition.plan, edition.record.report
    steps = [step for step in plan.steps if step.id != report]
    batch: list[Member] = []
    size = 0
    for start in range(0, len(steps), BATCH_OBJECTS):
        part = steps[start : start + BATCH_OBJECTS]
        for member in await asyncio.to_thread(materialised, edition, part):
            if batch and (len(batch) == BATCH_OBJECTS or size + len(member.data) > BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(member)
            size += len(member.data)
    if batch:
        yield batch
    for start in range(0, len(plan.revocations), BATCH_OBJECTS):
        if revoked := await _revoked(edition, plan.revocations[start : start + BATCH_OBJECTS]):
            yield revoked
    if last := [step for step in plan.steps if step.id == report]:
        yield materialised(edition, last)


def definitions(edition: Edition) -> list[Member]:
    """The markings' definitions: an object counts as marked by them only beside them, or after them."""
    found = ((orjson.loads(data), data) for data in edition.conversion.data)
    return [Member(value, data) for value, data in found if value["type"] == "marking-definition"]


def materialised(edition: Edition, steps: Sequence[Step]) -> list[Member]:
    made = []
    for step in steps:
        data = edition.conversion.data[step.index]
        value = orjson.loads(data)
        if step.created is not None or edition.names.renamed:
            value = edition.names.applied(value)
            if step.created is not None:
                value = {**value, "created": step.created, "modified": step.modified}
            data = orjson.dumps(value)
        made.append(Member(value, data))
    return made


async def _revoked(edition: Edition, revocations: Sequence[Revocation]) -> list[Member]:
    stored = await edition.past.contents([item.id for item in revocations])
    made = []
    for item in revocations:
        value = stored.get(item.id)
        if value is None or value.get("revoked") is True:
            continue
        modified = timestamps.canonical(max(item.at, (version_of(value)[0] or 0) + MILLISECOND))
        value = {**value, "modified": modified, "revoked": True}
        made.append(Member(value, orjson.dumps(value)))
    return made
