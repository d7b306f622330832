"""What a commit does, decided in memory: pure, so that every case can be tested without MongoDB.

An entry is one (object, version, policy class). Beside the object's bytes it carries *heads*, from
which a query tells the last, the first and every version that one particular reader may see:

``d``  classes that hold the same version with a later stamp (the later one is shown to who sees both)
``u``  classes that hold a newer version, or the same one later (own class excluded)
``l``  1 unless the own class holds a newer version
``g``, ``f``  the same towards older versions

So a reader with classes R sees an entry as *last* exactly when ``l = 1`` and no element of ``u`` is
in R. See the shared store reference, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taxii_hub.model import Outcome
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Offer, Proposal, Publication
from taxii_hub.store.verdicts import waits, waits_already, with_note

STEP = 10
"""Microseconds between two entries of one commit (rule R1)."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The head fields of one entry; the tuples are ascending."""

    l: int = 1  # noqa: E741 - the field's name in the database
    f: int = 1
    u: tuple[int, ...] = ()
    g: tuple[int, ...] = ()
    d: tuple[int, ...] = ()


_ALONE = Heads()
"""Of the only entry of an object, as most new ones are."""


@dataclass(slots=True)
class Known:
    """One entry of an object as far as a plan needs it; ``key`` is None while it is new."""

    key: Any
    id: str
    policy: int
    version: int
    stamp: int
    digest: bytes
    creator: str | None
    heads: Heads
    expires: int | None = None
    copy_of: int | None = None
    """The class of the entry that this one is a copy of (``change.py``)."""
    accepted: int | None = None
    """Stamp of the first acceptance, where the object has no version of its own."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Known:
        """Read the projection :data:`KNOWN_FIELDS` of a stored entry."""
        heads = Heads(
            l=document["l"],
            f=document["f"],
            u=tuple(document.get("u", ())),
            g=tuple(document.get("g", ())),
            d=tuple(document.get("d", ())),
        )
        return cls(
            key=document["_id"],
            id=document["i"],
            policy=document["p"],
            version=document["v"],
            stamp=document["s"],
            digest=bytes(document["x"]),
            creator=document.get("k"),
            heads=heads,
            expires=document.get("e"),
            copy_of=document.get("y"),
            accepted=document.get("a"),
        )


KNOWN_FIELDS = dict.fromkeys(("i", "p", "v", "s", "x", "k", "l", "f", "u", "g", "d", "e", "y", "a"), 1)


@dataclass(slots=True)
class Plan:
    """What to write: ``inserts`` are documents, ``updates`` head changes by entry key, ``outcomes``
    one list for each publication in its request's order. ``held`` is what waits for release, new
    with this commit, ``added`` how many inserts each publication has."""

    inserts: list[dict[str, Any]] = field(default_factory=list)
    updates: dict[Any, dict[str, Any]] = field(default_factory=dict)
    outcomes: list[tuple[Outcome, ...]] = field(default_factory=list)
    held: list[Proposal] = field(default_factory=list)
    added: list[int] = field(default_factory=list)


def heads_of(entries: Sequence[Known]) -> list[Heads]:
    """The heads of all entries of one object, in the order given."""
    if len(entries) == 1:
        return [_ALONE]
    by_version: dict[int, list[Known]] = {}
    for entry in entries:
        by_version.setdefault(entry.version, []).append(entry)
    newer = _sweep(by_version, reverse=True)
    older = _sweep(by_version, reverse=False)
    result = []
    for entry in entries:
        same = {e.policy for e in by_version[entry.version] if e.stamp > entry.stamp}
        above, below = newer[entry.version], older[entry.version]
        own = entry.policy
        result.append(
            Heads(
                l=0 if own in above else 1,
                f=0 if own in below else 1,
                u=tuple(sorted((above | same) - {own})),
                g=tuple(sorted((below | same) - {own})),
                d=tuple(sorted(same)),
            )
        )
    return result


def _sweep(by_version: Mapping[int, Sequence[Known]], *, reverse: bool) -> dict[int, frozenset[int]]:
    """For each version the classes of all versions that lie beyond it."""
    beyond: dict[int, frozenset[int]] = {}
    seen: frozenset[int] = frozenset()
    for version in sorted(by_version, reverse=reverse):
        beyond[version] = seen
        seen |= {entry.policy for entry in by_version[version]}
    return beyond


def planned(
    publications: Iterable[Publication],
    last: int,
    waiting: Iterable[Proposal] = (),
    known: Iterable[Known] = (),
) -> Plan:
    """What a commit of these publications does, whose newest entry gets the stamp ``last``."""
    planner = Planner(known, last, waiting)
    for publication in publications:
        planner.publish(publication)
    return planner.finish()


class Planner:
    """Plans one commit: publications in the order of their arrival, then the heads they touch."""

    def __init__(self, known: Iterable[Known], last: int, waiting: Iterable[Proposal] = ()) -> None:
        self._objects: dict[str, list[Known]] = {}
        self._waiting = {(each.agency, each.object_id, each.version): each for each in waiting}
        for entry in known:
            self._objects.setdefault(entry.id, []).append(entry)
        self._last = last
        self._plan = Plan()
        self._new: list[tuple[Known, Offer, Publication]] = []

    def publish(self, publication: Publication) -> None:
        """Decide every offer of the publication; neighbours never influence each other."""
        outcomes = dict(publication.settled)
        readable = frozenset(publication.readable)
        before = len(self._new)
        for offer in publication.offers:
            if offer.beside is None:
                outcomes[offer.position] = self._offer(offer, publication, readable)
            elif outcomes[offer.beside].ok and outcomes[offer.beside].pending is None:
                part = self._offer(offer, publication, readable)
                note = offer.note if part.ok and part.pending is None else part.message
                outcomes[offer.beside] = with_note(outcomes[offer.beside], note if offer.note else None)
        self._plan.outcomes.append(tuple(outcomes[position] for position in sorted(outcomes)))
        self._plan.added.append(len(self._new) - before)

    def _offer(self, offer: Offer, publication: Publication, readable: frozenset[int]) -> Outcome:
        entries = self._objects.get(offer.id)
        if entries is None:
            entries = self._objects[offer.id] = []
        visible = [e for e in entries if e.policy in readable or e.policy == offer.policy] if entries else ()
        version = offer.version or 0
        for entry in visible:
            if entry.version == version:
                return _again(offer, entry)
        waiting = self._waiting.get((publication.agency, offer.id, version)) if self._waiting else None
        if waiting is not None:
            return waits_already(offer, waiting)
        if (visible or offer.creator is not None) and (
            refusal := _not_the_creator(offer, visible, publication.agency)
        ):
            return Outcome(offer.id, offer.version_text, ok=False, message=refusal)
        if offer.signatures:
            return self._hold(offer, publication)
        stamp = len(self._new)  # until all are known
        entry = Known(
            None, offer.id, offer.policy, version, stamp, offer.digest, offer.creator, _ALONE, offer.expires
        )
        entries.append(entry)
        self._new.append((entry, offer, publication))
        return Outcome(offer.id, offer.version_text, True, offer.note, True)

    def _hold(self, offer: Offer, publication: Publication) -> Outcome:
        proposal = proposal_of(offer, publication)
        self._waiting[proposal.agency, proposal.object_id, proposal.version] = proposal
        self._plan.held.append(proposal)
        return waits(offer, proposal)

    def finish(self) -> Plan:
        """Give the stamps (the new entries end at ``last``, ``STEP`` apart) and settle the heads."""
        stamp = self._last - STEP * (len(self._new) - 1)
        beside_others: dict[str, list[Known]] = {}
        for entry, _, _ in self._new:
            entry.stamp = stamp
            stamp += STEP
            if entry.version == 0:
                entry.accepted = entry.stamp
            entries = self._objects[entry.id]
            if len(entries) > 1:
                beside_others[entry.id] = entries
        for entries in beside_others.values():
            self._settle(entries)
        self._plan.inserts = [_document(*new) for new in self._new]
        self._name_unversioned()
        return self._plan

    def _settle(self, entries: Sequence[Known]) -> None:
        for entry, heads in zip(entries, heads_of(entries), strict=True):
            if entry.key is not None and heads != entry.heads:
                self._plan.updates[entry.key] = head_fields(heads)
            entry.heads = heads

    def _name_unversioned(self) -> None:
        """An object without a version of its own is named by the stamp of its first acceptance."""
        accepted = {e.id: e.accepted for entries in self._objects.values() for e in entries if e.accepted}
        if not accepted:
            return
        self._plan.outcomes = [
            tuple(
                replace(o, version=timestamps.format(accepted[o.id]))
                if o.ok and o.version is None and accepted.get(o.id)
                else o
                for o in outcomes
            )
            for outcomes in self._plan.outcomes
        ]


def _again(offer: Offer, entry: Known) -> Outcome:
    if not entry.digest:
        return Outcome(
            offer.id,
            offer.version_text,
            ok=False,
            message="this version is over here and was erased. What is still to be shared is published as a new "
            "version (a later 'modified').",
        )
    if entry.digest == offer.digest:
        return Outcome(offer.id, offer.version_text, ok=True, message=offer.note)
    return Outcome(
        offer.id,
        offer.version_text,
        ok=False,
        message="another content is stored under this id and version already; the stored one is kept. "
        "Publish the change as a new version (a later 'modified').",
    )


def _not_the_creator(offer: Offer, visible: Sequence[Known], agency: str) -> str | None:
    if offer.creator not in (None, agency):
        return (
            f"created_by_ref is the identity of the member agency {offer.creator}: only that agency "
            "publishes its objects here."
        )
    for entry in visible:
        if entry.creator not in (None, agency):
            return (
                f"this object was created by the member agency {entry.creator}: only that agency adds "
                "versions of it. Publish an object of your own that refers to it instead."
            )
    return None


def proposal_of(offer: Offer, publication: Publication) -> Proposal:
    """A new version that waits. Raises ValueError for an offer without proposal and deadline."""
    if offer.proposal is None or offer.due is None:
        raise ValueError(f"{offer.id} is to wait, but not until when")
    return Proposal(
        id=offer.proposal,
        kind="publish",
        collection=publication.collection,
        collection_id=publication.collection_id,
        api_root=publication.api_root,
        agency=publication.agency,
        account=publication.account,
        at=publication.requested_at,
        due=offer.due,
        signatures=offer.signatures,
        object_id=offer.id,
        version=offer.version or 0,
        version_text=offer.version_text or "",
        policy=offer.policy,
        offer=offer,
    )


def _document(entry: Known, offer: Offer, publication: Publication) -> dict[str, Any]:
    heads = entry.heads
    document: dict[str, Any] = {
        "c": publication.collection,
        "s": entry.stamp,
        "p": entry.policy,
        "i": offer.id,
        "t": offer.type,
        "v": entry.version,
        "x": offer.digest,
        "b": offer.data,
        "l": heads.l,
        "f": heads.f,
    }
    if heads is not _ALONE:
        document |= head_fields(heads, new=True)
    if offer.creator is not None:
        document["k"] = offer.creator
    if offer.expires is not None:
        document["e"] = offer.expires
    if offer.version is None:
        document["a"] = entry.stamp
    elif not timestamps.is_canonical(offer.version_text or "", offer.version):
        document["w"] = offer.version_text
    return document


def head_fields(heads: Heads, *, new: bool = False) -> dict[str, Any]:
    """The head fields as stored; empty lists are left out of a new entry and None in an update."""
    fields: dict[str, Any] = {"l": heads.l, "f": heads.f}
    for name in ("u", "g", "d"):
        value = getattr(heads, name)
        if value:
            fields[name] = list(value)
        elif not new:
            fields[name] = None
    return fields
