"""What an act of an origin on its own object does: versions end, or move to another policy class (R7).

Whoever loses sight of a version by it may get an older one as the last: that one is fed to him again.
Where everybody who reads the older version is concerned, its entry gets a new stamp. Where only some
are, the others must not notice: a *copy* is fed, in a class that exactly those read who read both.
Copies go with the entry that they are of (``y``, its class).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taxii_hub.model import VersionFilter
from taxii_hub.store.base import Change, ChangeResult
from taxii_hub.store.plan import STEP, Heads, Known, head_fields, heads_of

_PROVISIONAL = 1 << 62
"""Above every stamp: where an entry will stand once the commit has its real ones."""


@dataclass(slots=True)
class Feeding:
    """One entry that gets a new stamp: ``key`` names the stored one; where ``copy`` is set that one
    stays, and a copy of it comes into that class."""

    entry: Known
    key: Any
    copy: bool = False


@dataclass(slots=True)
class ChangePlan:
    """``fed`` are in the order of their new stamps; ``taken`` is what a withdrawal names."""

    deletes: list[Any] = field(default_factory=list)
    updates: dict[Any, dict[str, Any]] = field(default_factory=dict)
    fed: list[Feeding] = field(default_factory=list)
    taken: list[Known] = field(default_factory=list)

    def stamps(self, last: int) -> list[int]:
        """One for each of ``fed``; they end at ``last``."""
        return [last - STEP * (len(self.fed) - 1 - index) for index in range(len(self.fed))]

    def touched(self, known: Iterable[Known]) -> set[int]:
        """The classes whose readers may notice: of what goes, of what gets a new stamp, and where it goes."""
        stored = {*self.deletes, *(fed.key for fed in self.fed if not fed.copy)}
        before = {entry.policy for entry in known if entry.key in stored}
        return before | {fed.entry.policy for fed in self.fed}


def plan_change(change: Change, known: Sequence[Known]) -> tuple[ChangeResult, ChangePlan]:
    """Decide one act. ``classes`` asks the caller to look at the object's classes again."""
    plan = ChangePlan()
    erasing = change.kind == "erase"
    readable = frozenset(change.own if erasing else change.readable)
    visible = [
        e
        for e in known
        if e.copy_of is None
        and e.policy in readable
        and (erasing or e.expires is None or e.expires > change.at)
    ]
    chosen = [e for e in visible if _selected(e, visible, change.versions)]
    if not chosen:
        return "not-found", plan
    if any(entry.policy not in change.own for entry in chosen):
        return "not-own", plan
    chosen = [entry for entry in chosen if entry.policy != change.to]
    if not chosen:
        return "unchanged", plan
    plan.taken = [replace(entry) for entry in chosen]
    rest = _applied(change, known, chosen, plan)
    return ("done" if _feed_again(change, rest, plan) else "classes"), plan


def _applied(
    change: Change, known: Sequence[Known], chosen: Sequence[Known], plan: ChangePlan
) -> list[Known]:
    """What is left, the moved entries in their new class at the end of the feed."""
    taken = {(entry.policy, entry.version) for entry in chosen}
    gone = {entry.key for entry in known if (entry.copy_of, entry.version) in taken}
    there = {entry.version: entry for entry in known if entry.policy == change.to}
    moved: list[Known] = []
    for entry in sorted(chosen, key=lambda e: e.version):
        if change.to is None or entry.version in there:
            gone.add(entry.key)
        if change.to is not None:
            moved.append(replace(there.get(entry.version, entry), policy=change.to, copy_of=None))
    moving = {entry.key for entry in moved}
    gone -= moving
    plan.deletes = [entry.key for entry in known if entry.key in gone]
    plan.fed = [Feeding(entry, entry.key) for entry in moved]
    stay = [replace(e) for e in known if e.key not in gone and e.key not in moving]
    return [*stay, *moved]


def _feed_again(change: Change, rest: list[Known], plan: ChangePlan) -> bool:
    """Settle heads and stamps; False where the class for a copy is not known yet."""
    pairs = {(one, other): copy for one, other, copy in change.pairs}
    # Who reads a copy reads the class of what it is a copy of as well.
    copies_only = set(change.copies)
    for entry, heads in zip(list(rest), heads_of(_provisional(rest, plan)), strict=True):
        if any(fed.entry is entry for fed in plan.fed) or not heads.l:
            continue
        if not entry.heads.l:
            plan.fed.append(Feeding(entry, entry.key))
            continue
        lost = sorted(set(entry.heads.u) - set(heads.u) - copies_only)
        if any((entry.policy, other) not in pairs for other in lost):
            return False
        copies = {pairs[entry.policy, other] for other in lost}
        if None in copies:
            plan.fed.append(Feeding(entry, entry.key))
        else:
            _feed_copies(entry, (copy for copy in copies if copy is not None), rest, plan)
    settle_heads(rest, plan)
    return True


def _feed_copies(entry: Known, copies: Iterable[int], rest: list[Known], plan: ChangePlan) -> None:
    for number in sorted(copies):
        stored = next((e for e in rest if e.policy == number and e.version == entry.version), None)
        if stored is not None:
            plan.fed.append(Feeding(stored, stored.key))
            continue
        copy = replace(entry, key=None, policy=number, copy_of=entry.policy, heads=Heads())
        rest.append(copy)
        plan.fed.append(Feeding(copy, entry.key, copy=True))


def _provisional(rest: Sequence[Known], plan: ChangePlan) -> list[Known]:
    """The entries with stamps in their final order."""
    place = {id(fed.entry): _PROVISIONAL + index for index, fed in enumerate(plan.fed)}
    return [replace(entry, stamp=place.get(id(entry), entry.stamp)) for entry in rest]


def settle_heads(rest: Sequence[Known], plan: ChangePlan) -> None:
    """Give all entries of one object the heads that they have once the plan is carried out."""
    moved = {fed.key: fed.entry.policy for fed in plan.fed if not fed.copy}
    for entry, heads in zip(rest, heads_of(_provisional(rest, plan)), strict=True):
        if entry.key is not None and (heads != entry.heads or entry.key in moved):
            plan.updates[entry.key] = head_fields(heads)
            if entry.key in moved:
                plan.updates[entry.key] |= {"p": moved[entry.key], "y": entry.copy_of}
        entry.heads = heads


def copy_document(source: Mapping[str, Any], entry: Known) -> dict[str, Any]:
    """The document of a copy; its stamp is still to be set."""
    kept = {name: source[name] for name in source.keys() - {"_id", "u", "g", "d", "y"}}
    return {**kept, "p": entry.policy, "y": entry.copy_of, **head_fields(entry.heads, new=True)}


def _selected(entry: Known, visible: Sequence[Known], versions: VersionFilter) -> bool:
    values = [e.version for e in visible]
    return (
        "all" in versions.keywords
        or ("last" in versions.keywords and entry.version == max(values))
        or ("first" in versions.keywords and entry.version == min(values))
        or (entry.version or entry.accepted) in versions.exact
    )
