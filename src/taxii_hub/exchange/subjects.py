"""What an agency holds about a person: a search for the controller, over its own objects and nobody else's.

There is no index of names: every object that the agency published is read, up to a bound of number and
time. Names match whatever their case, accents and order of parts; what is searched for is not written into
any log.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from taxii_hub.errors import BadRequestError
from taxii_hub.exchange.access import Place, own_visibility, visible_api_roots
from taxii_hub.exchange.erasing import require_officer
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import policed
from taxii_hub.exchange.receivers import received
from taxii_hub.ledger.leaves import legible
from taxii_hub.mapping.minimise import NORMALISED
from taxii_hub.model import Account, Entry, ObjectQuery, VersionFilter
from taxii_hub.stix import timestamps

MOST_OBJECTS: Final = 500_000
MOST_HITS: Final = 200
SECONDS: Final = 60.0
_PAGE: Final = 500
_NAMES: Final = frozenset({"name", "aliases", "full", "account_login", "display_name", "user_id"})
_IDENTIFIERS: Final = frozenset(
    {"number", "latin_number", "reference", "value", "external_id", "account_login", "user_id"}
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is searched for; any one of these is enough."""

    names: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One version that names the person. ``receivers``: agency and when it was last given it; ``duties``
    that its markings carry; ``waiting``: it is in the release queue, nobody was given it."""

    collection: str
    object_id: str
    version: str
    expires: str | None
    duties: tuple[str, ...]
    receivers: tuple[tuple[str, str], ...] = ()
    waiting: bool = False


@dataclass(slots=True)
class Answer:
    """``complete``: everything was looked at; else the bound was reached (see ``looked_at``)."""

    hits: list[Hit] = field(default_factory=list)
    looked_at: int = 0
    complete: bool = True


class Matcher:
    """Pure: whether an object says one of the names or identifiers.

    A name matches one that has all of its parts: ``Jan Novak`` finds ``NOVÁK, Jan Karel``.
    """

    def __init__(self, subject: Subject) -> None:
        self._names = [frozenset(NORMALISED["name"](name).split()) for name in subject.names]
        self._identifiers = {NORMALISED["identifier"](each) for each in subject.identifiers} - {""}
        self._names = [parts for parts in self._names if parts]
        if not self._names and not self._identifiers:
            raise BadRequestError("say a name or an identifier with letters or digits")

    def matches(self, value: Mapping[str, Any]) -> bool:
        """Names and identifiers stand at any depth: extensions hold lists of both."""
        return any(self._said(key, text) for key, text in _texts("", value))

    def _said(self, key: str, text: str) -> bool:
        if key in _NAMES and self._names:
            parts = frozenset(NORMALISED["name"](text).split())
            if any(wanted <= parts for wanted in self._names):
                return True
        return key in _IDENTIFIERS and NORMALISED["identifier"](text) in self._identifiers


async def subject_search(hub: Hub, account: Account, subject: Subject, reason: str) -> Answer:
    """For liaison officers of the agency that published it. Raises ForbiddenError, BadRequestError."""
    require_officer(account)
    matcher = Matcher(subject)
    answer = Answer()
    end = time.monotonic() + SECONDS
    for root in visible_api_roots(hub, account):
        for collection in root.collections:
            if collection.view_of is None:
                await _search(hub, Place(account, root, collection), matcher, (answer, end))
    await _search_waiting(hub, account, matcher, answer)
    await hub.audit.act(
        "subject-search",
        account,
        reason=legible(reason),
        found=len(answer.hits),
        looked_at=answer.looked_at,
        complete=answer.complete,
    )
    return answer


async def _search(hub: Hub, place: Place, matcher: Matcher, so_far: tuple[Answer, float]) -> None:
    answer, end = so_far
    found: list[tuple[Entry, Mapping[str, Any]]] = []
    async for entry in _own(hub, place):
        if answer.looked_at >= MOST_OBJECTS or time.monotonic() > end:
            answer.complete = False
            break
        answer.looked_at += 1
        value = orjson.loads(entry.data)
        if matcher.matches(value):
            found.append((entry, value))
            if len(found) + len(answer.hits) >= MOST_HITS:
                answer.complete = False
                break
    if found:
        answer.hits += await _hits(hub, place, found)


async def _own(hub: Hub, place: Place) -> AsyncIterator[Entry]:
    """Every version that the agency published in the collection, whatever its markings."""
    own = await own_visibility(hub, place.account.agency, place.collection)
    query = ObjectQuery(versions=VersionFilter(frozenset({"all"})))
    more = bool(own.classes)
    while more:
        page = await hub.feed.page(replace(own, at=hub.now()), query, "objects", _PAGE)
        for entry in page.entries:
            yield entry
        more = page.more
        if more:
            query = ObjectQuery(position=page.stamps[-1], versions=query.versions)


async def _hits(hub: Hub, place: Place, found: list[tuple[Entry, Mapping[str, Any]]]) -> list[Hit]:
    feed, agency = place.collection.feed, place.account.agency
    given = await received(hub, feed, agency, {entry.id for entry, _ in found})
    marks = await policed(hub, place, [value for _, value in found])
    ends: dict[tuple[str, str], int | None] = {}
    for object_id in {entry.id for entry, _ in found}:
        for row in await hub.feed.standing(feed, object_id):
            ends[object_id, row.version_text] = row.expires
    return [
        Hit(
            collection=place.name,
            object_id=entry.id,
            version=entry.version,
            expires=_moment(ends.get((entry.id, entry.version))),
            duties=tuple(sorted(each.duties)),
            receivers=tuple(sorted(given.of(entry.id, entry.version).items())),
        )
        for (entry, _), each in zip(found, marks, strict=True)
    ]


async def _search_waiting(hub: Hub, account: Account, matcher: Matcher, answer: Answer) -> None:
    names = {
        collection.id: f"{root.path}/{collection.alias}"
        for root in hub.catalog.api_roots
        for collection in root.collections
    }
    for each in await hub.queue.waiting(account.agency, MOST_HITS):
        proposal = await hub.queue.proposal(account.agency, each.id)
        if proposal is None or proposal.offer is None:
            continue
        answer.looked_at += 1
        if matcher.matches(orjson.loads(proposal.offer.data)):
            where = names.get(proposal.collection_id, proposal.collection_id)
            ends = _moment(proposal.offer.expires)
            answer.hits.append(
                Hit(where, proposal.object_id, proposal.version_text, ends, duties=(), waiting=True)
            )


def _texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(key, inner)


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else timestamps.format(microseconds)
