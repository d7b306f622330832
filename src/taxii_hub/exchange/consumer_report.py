"""Why an account gets what it gets: its keys, its last requests, its lag, and what it does not see.

For the admin, never for the account's own agency: the report names what is withheld and by whom.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from taxii_hub.catalog.lookup import find_agency
from taxii_hub.exchange.access import reader_for, visibility_of
from taxii_hub.exchange.account_admin import account_of
from taxii_hub.model import Account, Agency, ApiRoot, Collection
from taxii_hub.policy import grants
from taxii_hub.policy.reading import decide
from taxii_hub.stix import timestamps
from taxii_hub.store.account_records import AccountRecord, ConsumerRecord, KeyRecord, RequestFacts

if TYPE_CHECKING:
    from taxii_hub.exchange.hub import Hub


@dataclass(frozen=True, slots=True)
class Withheld:
    """``versions`` object versions of ``origin`` that the account does not see, and why."""

    versions: int
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """One collection as the account meets it.

    ``reads`` and ``writes`` with the clause that decided. ``visible``: object versions that the
    account may see; ``newest``: the stamp of the last of them; ``lag``: how far its cursor is behind
    that, in microseconds, 0 when it has everything, None where nothing is known of a cursor.
    """

    name: str
    id: str
    reads: bool
    reason: str
    writes: bool
    consumer: ConsumerRecord | None
    visible: int = 0
    newest: int | None = None
    lag: int | None = None
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountReport:
    """``outside``: the last request that was for no collection (discovery, API root, status)."""

    account: AccountRecord
    keys: tuple[KeyRecord, ...]
    agency: Agency | None
    outside: ConsumerRecord | None
    collections: tuple[CollectionReport, ...]


async def report_on(hub: Hub, name: str) -> AccountReport:
    """Everything about one account. Raises NotFoundError, UnavailableError; StoreError without a catalogue."""
    account, keys = await hub.accounts.admin.get(name)
    consumers = {record.collection: record for record in await hub.consumers.of(name)}
    holder = account_of(account)
    return AccountReport(
        account=account,
        keys=keys,
        agency=find_agency(hub.catalog, account.agency),
        outside=consumers.get(None),
        collections=tuple(
            [
                await _collection(hub, holder, (api_root, collection), consumers.get(collection.id))
                for api_root in hub.catalog.api_roots
                for collection in api_root.collections
            ]
        ),
    )


async def _collection(
    hub: Hub, account: Account, place: tuple[ApiRoot, Collection], consumer: ConsumerRecord | None
) -> CollectionReport:
    api_root, collection = place
    decision = grants.may_read(collection, api_root, account)
    report = CollectionReport(
        name=f"{api_root.path}/{collection.alias}",
        id=collection.id,
        reads=bool(decision),
        reason=decision.reason,
        writes=bool(grants.may_write(collection, api_root, account)),
        consumer=consumer,
    )
    return await _contents(hub, account, collection, report) if decision else report


async def _contents(
    hub: Hub, account: Account, collection: Collection, report: CollectionReport
) -> CollectionReport:
    classes = await hub.feed.classes(collection.feed)
    counts = await hub.feed.count_by_class(collection.feed)
    seen = await visibility_of(hub, account, collection)
    reader = reader_for(hub, account, collection)
    newest = await hub.feed.newest(seen)
    hidden: Counter[tuple[str, str]] = Counter()
    for number, policy in classes.items():
        decision = decide(policy, reader)
        if not decision and counts.get(number):
            hidden[policy.origin, decision.reason] += counts[number]
    return replace(
        report,
        visible=sum(counts.get(number, 0) for number in seen.classes),
        newest=newest,
        lag=lag(report.consumer, newest),
        withheld=tuple(Withheld(n, origin, reason) for (origin, reason), n in sorted(hidden.items())),
    )


def lag(consumer: ConsumerRecord | None, newest: int | None) -> int | None:
    """Microseconds between the newest stamp that may be seen and the consumer's cursor."""
    if consumer is None or consumer.cursor is None:
        return None
    return max(0, (newest or 0) - consumer.cursor)


HINTS = {
    400: "the request itself is wrong; the answer's `description` told the client why",
    403: "it sees the collection and may not do that with it: roles and the collection's read and write lists",
    404: "it asked for something that does not exist for it: compare the URL and the ids below",
    406: "its Accept header names no TAXII 2.1 media type: set the client to TAXII 2.1",
    413: "what it sent is larger than the API root's max_content_length",
    415: "what it sent is not application/taxii+json;version=2.1 (or a STIX bundle)",
    422: "none of what it sent could be taken; the answer told the client why",
    503: "the hub could not use its database at that moment",
}


def request_words(facts: RequestFacts, now: int) -> list[str]:
    """One request as lines for a person."""
    filters = " with match[…] filters" if facts.filtered else ""
    when = f"{duration(now - facts.at)} ago ({moment(facts.at)})"
    lines = [
        f"{facts.method} {facts.kind}{filters}, status {facts.status}, {facts.objects} objects, {when}",
        f"Accept: {facts.accept or '(none)'}   client: {facts.user_agent or '(not told)'}",
    ]
    if hint := HINTS.get(facts.status):
        lines.append(f"{facts.status}: {hint}")
    return lines


def collection_words(report: CollectionReport, now: int) -> list[str]:
    """What the account meets in one collection, and why, as lines for a person."""
    lines = []
    if not report.reads:
        lines.append(f"does not read it: {report.reason}")
    if report.writes:
        lines.append("writes to it")
    if report.reads:
        lines.append(f"reads it: sees {_counted(report.visible)}{_newest(report.newest)}")
        lines += [f"{_counted(w.versions)} of {w.origin} withheld: {w.reason}" for w in report.withheld]
    consumer = report.consumer
    if consumer is None:
        return [*lines, "no request yet"] if report.reads or report.writes else lines
    first, *rest = request_words(consumer.last, now)
    lines += [f"last request: {first}", *rest]
    if consumer.refused is not None and consumer.refused != consumer.last:
        first, *rest = request_words(consumer.refused, now)
        lines += [f"last refused: {first}", *rest]
    return [*lines, _cursor(report)] if report.reads else lines


def _counted(versions: int) -> str:
    return f"{versions} object version{'' if versions == 1 else 's'}"


def _newest(stamp: int | None) -> str:
    return "" if stamp is None else f", the newest added {moment(stamp)}"


def _cursor(report: CollectionReport) -> str:
    consumer = report.consumer
    if consumer is None or consumer.cursor is None or report.lag is None:
        return "cursor: none yet (no poll was answered, or none that moves one)"
    if report.lag == 0:
        return f"cursor: {moment(consumer.cursor)}: it has everything that it may see"
    return f"cursor: {moment(consumer.cursor)}: {duration(report.lag)} behind the newest that it may see"


def moment(microseconds: int) -> str:
    """``2026-11-22 20:58:01 UTC``."""
    return timestamps.format(microseconds)[:19].replace("T", " ") + " UTC"


def duration(microseconds: int) -> str:
    """The largest unit that fits, rounded down: ``12 s``, ``3 min``, ``5 h``, ``4 days``."""
    seconds = max(0, microseconds // 1_000_000)
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
