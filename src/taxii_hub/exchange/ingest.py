"""The journey of a report file: detect → convert record by record → publish through the one place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from taxii_hub.catalog.lookup import find_agency, find_api_root, find_collection
from taxii_hub.errors import BadRequestError, NotFoundError, ReportError
from taxii_hub.exchange.access import Place, require_writing, visibility_of
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.publish import MAX_OBJECTS, check_members, publish_members
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.record import Progress
from taxii_hub.mapping.registry import Registry
from taxii_hub.mapping.spec import Spec
from taxii_hub.model import (
    Account,
    ApiRoot,
    Collection,
    ObjectQuery,
    Outcome,
    Receipt,
    Status,
    VersionFilter,
)
from taxii_hub.taxii.envelope import Member

_EVERY_VERSION = VersionFilter(frozenset({"all"}))
_LOOK_UP = 1000


@dataclass(frozen=True, slots=True)
class Ingest:
    """What to ingest. ``to`` is API root/collection; ``agency`` publishes it (None: the collection's
    only writer). ``strict`` publishes nothing of a report that has problems."""

    path: Path
    to: str
    agency: str | None = None
    mapping: str | None = None
    strict: bool = False
    dry_run: bool = False
    progress: Progress | None = None


async def ingest(hub: Hub, registry: Registry, wanted: Ingest) -> Receipt:
    """Convert a report and publish what it became.

    A dry run checks everything and stores nothing; its status says what would be stored. Raises
    ReportError (not convertible, or problems and ``strict``), NotFoundError and BadRequestError for
    a wrong target, ForbiddenError for an agency that may not write there.
    """
    api_root, collection = target(hub, wanted.to)
    place = Place(_publisher(hub, collection, wanted.agency), api_root, collection)
    require_writing(place)
    conversion = await asyncio.to_thread(_converted, hub, registry, collection, wanted)
    if wanted.strict and conversion.problems:
        raise ReportError(
            f"{wanted.path.name}: {len(conversion.problems)} problems, and --strict publishes only what has "
            f"none; `taxii-hub convert {wanted.path.name}` shows them"
        )
    members = [Member(orjson.loads(data), data) for data in conversion.data]
    step = _foreseen if wanted.dry_run else _published
    return _receipt(wanted, conversion, await step(hub, place, members))


def target(hub: Hub, to: str) -> tuple[ApiRoot, Collection]:
    """The collection that ``API-ROOT/COLLECTION`` names. Raises NotFoundError with what there is."""
    root_path, _, name = to.partition("/")
    api_root = find_api_root(hub.catalog, root_path)
    if api_root is None:
        there = ", ".join(root.path for root in hub.catalog.api_roots)
        raise NotFoundError(f"{to}: there is no API root {root_path!r}; there are {there}")
    collection = find_collection(api_root, name)
    if collection is None:
        there = ", ".join(f"{root_path}/{c.alias}" for c in api_root.collections)
        raise NotFoundError(f"{to}: there is no such collection; there are {there}")
    return api_root, collection


def _publisher(hub: Hub, collection: Collection, agency: str | None) -> Account:
    writers = sorted(collection.write)
    if agency is None:
        if len(writers) != 1:
            raise BadRequestError(
                f"{collection.api_root}/{collection.alias} has {len(writers)} writers; say with --agency on "
                f"whose behalf: {', '.join(writers)}"
            )
        agency = writers[0]
    if find_agency(hub.catalog, agency) is None:
        raise NotFoundError(f"there is no agency {agency!r}; `taxii-hub agencies list` shows them all")
    return Account(id="ingest", agency=agency, roles=frozenset({"reader", "writer"}))


def _converted(hub: Hub, registry: Registry, collection: Collection, wanted: Ingest) -> Conversion:
    spec = registry.get(wanted.mapping) if wanted.mapping else _detected(registry, wanted.path)
    if spec.format not in collection.accepts:
        accepted = ", ".join(collection.accepts) or "no report format"
        raise BadRequestError(
            f"{wanted.path.name} is {spec.format}, and {collection.api_root}/{collection.alias} accepts "
            f"{accepted}; choose another collection, or add the format to `accepts:` in the catalogue"
        )
    options = ConvertOptions(namespace=hub.settings.id_namespace, progress=wanted.progress)
    return convert(spec, wanted.path, options)


def _detected(registry: Registry, path: Path) -> Spec:
    if not path.is_file():
        raise ReportError(f"{path}: there is no such file")
    return detect(registry, path, path.name)


async def _published(hub: Hub, place: Place, members: Sequence[Member]) -> Status:
    """One status for the whole report, however many envelopes it takes."""
    requested_at = time.time_ns() // 1000
    statuses = [
        await publish_members(hub, place, members[start : start + MAX_OBJECTS], requested_at)
        for start in range(0, len(members), MAX_OBJECTS)
    ]
    return replace(
        statuses[-1],
        outcomes=tuple(outcome for status in statuses for outcome in status.outcomes),
        stored=sum(status.stored for status in statuses),
    )


async def _foreseen(hub: Hub, place: Place, members: Sequence[Member]) -> Status:
    """What publishing would answer, as far as can be known without doing it."""
    now = time.time_ns() // 1000
    settled, checked = check_members(hub.validator, place.collection, members, now)
    there = await _there(hub, place, sorted({item.value["id"] for item in checked}))
    outcomes = [outcome for _, outcome in settled]
    for item in checked:
        known = (item.value["id"], item.version_text) in there
        outcomes.append(
            Outcome(item.value["id"], item.version_text, ok=True, message=item.note, stored=not known)
        )
    return Status(
        id="",
        agency=place.account.agency,
        api_root=place.api_root.path,
        collection=place.collection.id,
        requested_at=now,
        outcomes=tuple(outcomes),
        stored=sum(outcome.stored for outcome in outcomes),
    )


async def _there(hub: Hub, place: Place, ids: Sequence[str]) -> set[tuple[str, str]]:
    visibility = await visibility_of(hub, place.account.agency, place.collection)
    found: set[tuple[str, str]] = set()
    for start in range(0, len(ids), _LOOK_UP):
        query = ObjectQuery(ids=tuple(ids[start : start + _LOOK_UP]), versions=_EVERY_VERSION)
        while True:
            page = await hub.feed.page(visibility, query, "manifest", hub.settings.max_limit)
            found.update((entry.id, entry.version) for entry in page.entries)
            if not page.more:
                break
            query = replace(query, position=page.entries[-1].stamp)
    return found


def _receipt(wanted: Ingest, conversion: Conversion, status: Status) -> Receipt:
    return Receipt(
        source=wanted.path.name,
        mapping=conversion.mapping,
        records=conversion.records,
        failed_records=conversion.failed_records,
        objects=len(conversion.data),
        leaves=conversion.account["leaves"],
        buckets=tuple(conversion.account["buckets"].items()),
        problems=conversion.problems,
        status=status,
        dry_run=wanted.dry_run,
    )
