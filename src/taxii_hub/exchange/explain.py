"""Why somebody sees an object, or does not: the clause that decided, the table's row, who set it.

The decisions are those of ``policy/reading.py``, the same function that the query is compiled from.
Nothing of an object's content is told, only its markings, and whether it tells categories of persons and
facts from assessments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from taxii_hub.errors import NotFoundError
from taxii_hub.exchange.access import Place
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import CONNECTED, policed
from taxii_hub.mapping.constants import DESIGNATION
from taxii_hub.model import Account, Policy, Reader
from taxii_hub.policy import grants
from taxii_hub.policy.decision import Decision, no
from taxii_hub.policy.holding import signatures_for
from taxii_hub.policy.marking import Clause, Marked
from taxii_hub.policy.readers import reader_of
from taxii_hub.policy.reading import decide, describe
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Standing

MARKED, MOVED, COPIED = "its markings", "its origin, after it was published", "a copy for some of its readers"
ERASED = "its markings, which were erased with it"
LOOKED_AT, SHOWN = 1000, 5
"""Of the newest withdrawals so many are looked at, and of what is found so much is told."""
TOLD_APART = ("person_categories", "fact_or_assessment")


@dataclass(frozen=True, slots=True)
class Because:
    """One clause: a marking's term, the row of the table that translates it, and what it asks for."""

    marking: str
    term: str
    row: str
    policy: str
    duties: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an agency reads a version, and the clause that decided."""

    agency: str
    reads: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One version in one policy class. ``set_by``: what gave it this policy; ``expires`` a timestamp;
    ``legal_hold``: nothing of it is erased. ``told_apart``: the paths at which it says the category of a
    person, and whether it is fact or assessment; never what."""

    object_id: str
    version: str
    added: str
    origin: str
    policy: str
    set_by: str
    expires: str | None
    clauses: tuple[Because, ...]
    answers: tuple[Answer, ...]
    legal_hold: bool = False
    told_apart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of an object that is not published yet: who would read it, why, and how many
    liaison officers would have to sign first (0: it would not wait)."""

    policy: Policy
    words: str
    signatures: int
    clauses: tuple[Because, ...]
    readers: tuple[str, ...]


async def explain(
    hub: Hub, place: Place, object_id: str, agencies: Sequence[str], origin: str | None = None
) -> list[Explained]:
    """Every version that is stored, the newest first. Raises NotFoundError where there is none, saying what
    waits of it or was taken back.

    ``origin``: only what that agency published, for its own officers.
    """
    rows = await hub.feed.standing(place.collection.feed, object_id)
    classes = await hub.feed.classes(place.collection.feed)
    mine = [row for row in rows if origin is None or classes[row.policy].origin == origin]
    if not mine:
        raise NotFoundError(await _absent(hub, place, object_id, origin))
    found = []
    for row in sorted(mine, key=lambda row: (row.version, row.stamp), reverse=True):
        marks = await _marks(hub, place, row, classes[row.policy])
        over = [
            r for r in rows if r.version > row.version or (r.version == row.version and r.stamp > row.stamp)
        ]
        later = [classes[r.policy] for r in over]
        answers = tuple(_answer(hub, place, agency, (row, classes[row.policy]), later) for agency in agencies)
        policy = classes[row.policy]
        hold = await hub.privacy.hold_on(place.collection.feed, object_id, policy.origin)
        told = _explained(object_id, row, policy, marks, answers)
        found.append(replace(told, legal_hold=hold is not None and hold.in_force))
    return found


async def _absent(hub: Hub, place: Place, object_id: str, origin: str | None) -> str:
    """Why nobody sees it, for those who may know: its origin's officers, or the operator."""
    feed, told = place.collection.feed, []
    for agency in sorted(place.api_root.members) if origin is None else [origin]:
        for each in await hub.queue.of_objects(agency, feed, [object_id]):
            due = timestamps.format(each.due)[:16]
            told.append(f"version {each.version_text} waits for {agency}'s liaison officers until {due}Z")
        for row in await hub.feed.acknowledged(feed, agency, LOOKED_AT):
            ended = row.withdrawal
            if ended.object_id == object_id and row.moved_to is None:
                when = timestamps.format(ended.at)[:16]
                told.append(f"{agency} ended version {ended.version} at {when}Z ({ended.kind})")
    return "; ".join(["there is no such object in this collection", *told[:SHOWN]])


async def foresee(hub: Hub, place: Place, values: Sequence[Mapping[str, Any]]) -> list[Foreseen]:
    """What publishing these objects now would mean, before anything is shared."""
    marks = await policed(hub, place, values)
    known: dict[Policy, tuple[str, ...]] = {}
    for each in marks:
        if each.policy not in known:
            known[each.policy] = tuple(
                agency for agency in sorted(place.api_root.members) if _decision(place, agency, each.policy)
            )
    return [
        Foreseen(
            policy=each.policy,
            words=describe(each.policy),
            signatures=signatures_for(place.collection, each),
            clauses=_because(each),
            readers=known[each.policy],
        )
        for each in marks
    ]


async def _marks(hub: Hub, place: Place, row: Standing, policy: Policy) -> Marked | None:
    """What the markings say today; None for a copy, which follows from two others, and for a tombstone."""
    if not policy.origin or not row.data:
        return None
    holder = Account("", policy.origin, frozenset({"reader"}))
    there = Place(holder, place.api_root, place.collection)
    (marks,) = await policed(hub, there, [orjson.loads(row.data)])
    return marks


def _answer(
    hub: Hub, place: Place, agency: str, entry: tuple[Standing, Policy], later: Sequence[Policy]
) -> Answer:
    row, policy = entry
    decision = _decision(place, agency, policy)
    if decision and row.expires is not None and row.expires <= hub.now():
        decision = no(f"it expired on {timestamps.format(row.expires)[:10]}")
    superseded = decision and any(_decision(place, agency, each) for each in later)
    more = "; it reads a newer one of it too" if superseded else ""
    return Answer(agency, bool(decision), decision.reason + more)


def _decision(place: Place, agency: str, policy: Policy) -> Decision:
    """For the agency with all that its membership gives; an account may be narrower."""
    account = Account("", agency, frozenset({"reader"}))
    granted = grants.may_read(place.collection, place.api_root, account)
    return decide(policy, _widest(place, account, policy)) if granted else granted


def _widest(place: Place, account: Account, policy: Policy) -> Reader:
    """A purpose that the agency may name, if one is asked for."""
    reader = reader_of(place.api_root, account)
    membership = next((m for m in place.api_root.memberships if m.agency == account.agency), None)
    if reader.purpose is not None or policy.purposes is None or membership is None:
        return reader
    usable = sorted(membership.purposes & policy.purposes)
    return Reader(reader.agency, reader.level, reader.clearances, usable[0] if usable else None)


def _explained(
    object_id: str, row: Standing, policy: Policy, marks: Marked | None, answers: tuple[Answer, ...]
) -> Explained:
    if marks is None:
        set_by = COPIED if row.data else ERASED
    else:
        set_by = MARKED if marks.policy == policy else MOVED
    return Explained(
        object_id=object_id,
        version=row.version_text,
        added=timestamps.format(row.stamp),
        origin=policy.origin or "(several)",
        policy=describe(policy),
        set_by=set_by,
        expires=None if row.expires is None else timestamps.format(row.expires),
        clauses=() if marks is None else _because(marks),
        answers=answers,
        told_apart=_told_apart(row.data),
    )


def _told_apart(data: bytes) -> tuple[str, ...]:
    """Directive (EU) 2016/680, articles 6 and 7."""
    value = orjson.loads(data) if data else {}
    extensions = value.get("extensions")
    said = extensions.get(DESIGNATION) if isinstance(extensions, dict) else None
    names = [each for each in TOLD_APART if isinstance(said, dict) and each in said]
    return tuple(f"extensions.{DESIGNATION}.{each}" for each in names)


def _because(marks: Marked) -> tuple[Because, ...]:
    return tuple(_one(clause) for clause in marks.clauses)


def _one(clause: Clause) -> Because:
    row = "the other end of a relationship" if clause.row == CONNECTED else clause.row
    duties = tuple(sorted(clause.duties))
    return Because(clause.marking, clause.term, row, describe(clause.policy), duties, clause.note)
