"""The journey of a report file: detect → convert → compare with the editions before → publish what differs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from taxii_hub.catalog.lookup import find_agency, find_api_root, find_collection
from taxii_hub.errors import BadRequestError, NotFoundError, ReportError
from taxii_hub.exchange.access import Place, require_writing
from taxii_hub.exchange.checking import check_members
from taxii_hub.exchange.edition_changes import changes_of
from taxii_hub.exchange.edition_claim import Claim, claimed
from taxii_hub.exchange.edition_members import batches, definitions
from taxii_hub.exchange.editions import (
    Edition,
    Rules,
    begin,
    compare,
    finish,
    lineage_of,
    require_no_mass_revocation,
)
from taxii_hub.exchange.explain import foresee
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.publish import publish_members
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.record import Progress
from taxii_hub.mapping.registry import Registry
from taxii_hub.mapping.spec import Spec
from taxii_hub.model import (
    Account,
    ApiRoot,
    Audience,
    Collection,
    EditionChanges,
    Outcome,
    Receipt,
    Status,
)
from taxii_hub.taxii.envelope import Member


@dataclass(frozen=True, slots=True)
class Ingest:
    """What to ingest. ``to`` is API root/collection; ``agency`` publishes it (None: the collection's
    only writer). ``strict`` publishes nothing of a report that has problems. ``source_list`` tells
    lists of one format apart (None: by what the file says); ``edition`` is its moment where the file
    says none; ``backfill`` takes one that is older than the newest; ``allow_mass_revocation``
    one that takes much of the list away. ``details``: what differs in each changed record. ``progress`` is
    of reading (bytes), ``publishing`` of publishing (objects)."""

    path: Path
    to: str
    agency: str | None = None
    mapping: str | None = None
    strict: bool = False
    dry_run: bool = False
    progress: Progress | None = None
    source_list: str | None = None
    edition: str | None = None
    profile: str | None = None
    backfill: bool = False
    details: bool = False
    publishing: Progress | None = None
    allow_mass_revocation: bool = False


async def ingest(hub: Hub, registry: Registry, wanted: Ingest) -> Receipt:
    """Convert a report and publish what it changes.

    The same file again changes nothing; an ingest that was interrupted is finished by running it
    again. A dry run checks everything and stores nothing; its status says what would be stored.
    Raises ReportError (not convertible, older than the newest edition, revoking too much of the list, or
    problems and ``strict``),
    NotFoundError and BadRequestError for a wrong target, ForbiddenError for an agency that may not
    write there, UnavailableError while the same list is being ingested elsewhere.
    """
    api_root, collection = target(hub, wanted.to)
    place = Place(_publisher(hub, collection, wanted.agency), api_root, collection)
    require_writing(place)
    spec = await asyncio.to_thread(_spec, registry, collection, wanted)
    wanted = replace(wanted, profile=_profile(spec, collection, wanted))
    conversion = await asyncio.to_thread(_converted, hub, spec, wanted, collection.tlp1_twin)
    if wanted.strict and conversion.problems:
        raise ReportError(
            f"{wanted.path.name}: {len(conversion.problems)} problems, and --strict publishes only what has "
            f"none; `taxii-hub convert {wanted.path.name}` shows them"
        )
    rules = Rules(
        spec.family, replace(spec.editions, whole=conversion.whole), wanted.source_list, wanted.backfill
    )
    if wanted.dry_run:
        edition = await compare(hub, place, conversion, rules)
        changes = await changes_of(edition, fields=wanted.details)
        total = await _foreseen(hub, place, edition)
        return replace(_receipt(wanted, conversion, total.status(), changes), audiences=total.audiences())
    async with claimed(hub, lineage_of(place, conversion, rules)) as claim:
        edition = await compare(hub, place, conversion, rules)
        if not wanted.allow_mass_revocation:
            require_no_mass_revocation(edition)
        changes = await changes_of(edition, fields=wanted.details)
        status = await _published(hub, place, edition, (claim, wanted.publishing))
        return _receipt(wanted, conversion, status, changes)


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


def _spec(registry: Registry, collection: Collection, wanted: Ingest) -> Spec:
    spec = registry.get(wanted.mapping) if wanted.mapping else _detected(registry, wanted.path)
    if spec.format not in collection.accepts:
        accepted = ", ".join(collection.accepts) or "no report format"
        raise BadRequestError(
            f"{wanted.path.name} is {spec.format}, and {collection.api_root}/{collection.alias} accepts "
            f"{accepted}; choose another collection, or add the format to `accepts:` in the catalogue"
        )
    return spec


def _profile(spec: Spec, collection: Collection, wanted: Ingest) -> str | None:
    """What the catalogue says of a collection holds for everything that is ingested into it."""
    ours, asked = collection.minimise, wanted.profile
    if ours is None:
        return asked
    place = f"{collection.api_root}/{collection.alias}"
    if asked not in (None, ours):
        raise BadRequestError(
            f"{place} minimises with {ours!r}; leave --minimise out, or change `minimise:` in the catalogue"
        )
    if ours not in spec.minimise:
        raise BadRequestError(
            f"{place} minimises with {ours!r}, and {spec.format} has no "
            "profile of that name; add one to the mapping, or choose another collection"
        )
    return ours


def _converted(hub: Hub, spec: Spec, wanted: Ingest, tlp1_twin: bool) -> Conversion:
    options = ConvertOptions(
        namespace=hub.settings.id_namespace,
        progress=wanted.progress,
        profile=wanted.profile,
        edition=wanted.edition,
        pseudonym_key=lambda: hub.keyring.newest("pseudonym"),
        tlp1_twin=tlp1_twin,
    )
    return convert(spec, wanted.path, options)


def _detected(registry: Registry, path: Path) -> Spec:
    if not path.exists():
        raise ReportError(f"{path}: there is no such file")
    return detect(registry, path, path.name)


async def _published(
    hub: Hub, place: Place, edition: Edition, watch: tuple[Claim, Progress | None]
) -> Status:
    """One status for the whole edition, however many envelopes it takes."""
    claim, progress = watch
    total = _Total(hub, place, edition)
    if not edition.size and edition.known:
        return total.status()
    await begin(hub, edition)
    async for batch in batches(edition):
        claim.require()
        total.add(await publish_members(hub, place, total.beside(batch), total.requested_at), len(batch))
        if progress is not None:
            progress(len(total.outcomes), edition.size)
    status = total.status()
    refused = sum(not outcome.ok for outcome in status.outcomes)
    await finish(hub, edition, {**total.counts(), "refused": refused})
    return status


async def _foreseen(hub: Hub, place: Place, edition: Edition) -> _Total:
    """What publishing would answer, as far as can be known without doing it."""
    total = _Total(hub, place, edition)
    async for batch in batches(edition):
        now = total.requested_at
        settled, checked = await asyncio.to_thread(check_members, hub.validator, place.collection, batch, now)
        outcomes = [outcome for _, outcome in settled]
        outcomes += [
            Outcome(item.value["id"], item.version_text, ok=True, message=item.note, stored=True)
            for item in checked
        ]
        total.add(replace(total.status(), outcomes=tuple(outcomes), stored=len(checked)), len(batch))
        values = [item.value for item in checked]
        seen = await foresee(hub, place, values)
        total.seen.update((each.words, each.readers, each.signatures) for each in seen)
    return total


class _Total:
    """The statuses of an edition's envelopes, added up."""

    def __init__(self, hub: Hub, place: Place, edition: Edition) -> None:
        self.requested_at = time.time_ns() // 1000
        self.outcomes: list[Outcome] = []
        self._place, self._plan = place, edition.plan
        self._definitions = definitions(edition)
        self._stored, self._id = 0, ""
        self.seen: Counter[tuple[str, tuple[str, ...], int]] = Counter()

    def beside(self, batch: Sequence[Member]) -> list[Member]:
        """The batch after the definitions of its markings."""
        here = {member.value["id"] for member in batch if member.value is not None}
        beside = [m for m in self._definitions if m.value is not None and m.value["id"] not in here]
        return [*beside, *batch]

    def add(self, status: Status, size: int) -> None:
        """``size``: of the batch, without what went beside it."""
        self.outcomes += status.outcomes[len(status.outcomes) - size :]
        self._stored += status.stored
        self._id = status.id

    def counts(self) -> dict[str, int]:
        """For the log."""
        plan = self._plan
        return {
            "new": plan.new,
            "versions": plan.versions,
            "revoked": len(plan.revocations),
            "unchanged": plan.unchanged,
            "stored": self._stored,
        }

    def audiences(self) -> tuple[Audience, ...]:
        """Who would read how many of the objects, and after how many signatures."""
        return tuple(Audience(*seen[:2], number, seen[2]) for seen, number in sorted(self.seen.items()))

    def status(self) -> Status:
        """Of everything so far; without an id where nothing was published."""
        return Status(
            id=self._id,
            agency=self._place.account.agency,
            api_root=self._place.api_root.path,
            collection=self._place.collection.id,
            requested_at=self.requested_at,
            outcomes=tuple(self.outcomes),
            stored=self._stored,
        )


def _receipt(wanted: Ingest, conversion: Conversion, status: Status, changes: EditionChanges) -> Receipt:
    return Receipt(
        source=wanted.path.name,
        mapping=conversion.mapping,
        records=conversion.records,
        failed_records=conversion.failed_records,
        objects=len(conversion.data),
        leaves=conversion.account["leaves"],
        buckets=tuple(conversion.account["buckets"].items()),
        problems=conversion.problems,
        minimised=tuple(
            (m["path"], m["action"], m["leaves"]) for m in conversion.account.get("minimised", ())
        ),
        status=status,
        dry_run=wanted.dry_run,
        changes=changes,
    )
