"""The one reading rule. The query compiler and the explanation use the same function.

A reader may read what its own agency published; else the level must not be above his, his agency must
be in the audience, he must hold every compartment, and his purpose must be among those allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from taxii_hub.model import Policy, Reader
from taxii_hub.policy.decision import Decision, no, yes

LADDER: Final = ("unclassified", "restricted", "confidential", "secret", "top-secret")
"""The common ladder; a level is an index into it. National ladders are tables of equivalences."""


MOST_REMEMBERED = 10_000
"""Readable sets that one process keeps: readers times collections, with room for each purpose."""


def origin_only(origin: str) -> Policy:
    """What nobody else may read: also the answer to everything that is not understood."""
    return Policy(origin, audience=frozenset())


def meet(one: Policy, other: Policy) -> Policy:
    """What both allow: commutative, associative, idempotent, never wider than either.

    Raises ValueError for policies of different origins: an object version has one.
    """
    if one.origin != other.origin:
        raise ValueError(f"policies of {one.origin} and {other.origin} have no meet")
    return Policy(
        origin=one.origin,
        level=max(one.level, other.level),
        audience=_both(one.audience, other.audience),
        needs=one.needs | other.needs,
        purposes=_both(one.purposes, other.purposes),
    )


def connected(policy: Policy, end: Policy) -> Policy:
    """What is left of the policy of a relationship or sighting that connects something else.

    Who published that something may read it whatever its audience, so it stays a reader.
    """
    audience = None if end.audience is None else end.audience | {end.origin}
    return meet(policy, Policy(policy.origin, end.level, audience, end.needs, end.purposes))


def covers(wide: Policy, narrow: Policy) -> bool:
    """Whether everybody who reads ``narrow`` surely reads ``wide``; says no where it cannot tell."""
    if wide == Policy(wide.origin):
        return True
    return wide.origin == narrow.origin and meet(wide, narrow) == narrow


def of_both(one: Policy, other: Policy) -> Policy:
    """The policy of a copy for those who read ``one`` and ``other``. It has no origin: the origins are
    readers as far as they read both."""
    nobody = Policy("")
    return connected(connected(nobody, one), other)


def decide(policy: Policy, reader: Reader) -> Decision:
    """The rule, for an agency that reads the collection itself (``grants.may_read``)."""
    if reader.agency == policy.origin:
        return yes(f"{reader.agency} published it")
    if policy.level > reader.level:
        return no(
            f"it is {LADDER[policy.level]}, {reader.agency} reads up to {LADDER[reader.level]} in this framework"
        )
    if policy.audience is not None and reader.agency not in policy.audience:
        return no(f"{reader.agency} is not among those it is released to ({_audience(policy)})")
    if missing := policy.needs - reader.clearances:
        return no(f"{reader.agency} does not hold {', '.join(sorted(missing))}")
    if policy.purposes is not None and reader.purpose not in policy.purposes:
        return no(f"{_purposes(policy.purposes)}, the request's purpose is {reader.purpose or 'not named'}")
    return yes(describe(policy))


def published_by(classes: Mapping[int, Policy], agency: str) -> tuple[int, ...]:
    """The policy classes of what ``agency`` published, ascending."""
    return tuple(sorted(number for number, policy in classes.items() if policy.origin == agency))


def readable(classes: Mapping[int, Policy], reader: Reader) -> tuple[int, ...]:
    """The policy classes that ``reader`` may read, ascending."""
    return tuple(sorted(number for number, policy in classes.items() if decide(policy, reader)))


class ReadableSets:
    """Remembers :func:`readable` for collections whose classes are only ever added to."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, Reader], tuple[int, tuple[int, ...]]] = {}

    def of(self, collection: int, classes: Mapping[int, Policy], reader: Reader) -> tuple[int, ...]:
        """The classes of the collection that ``reader`` may read, ascending."""
        known = self._known.get((collection, reader))
        if known is None or known[0] != len(classes):
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            known = self._known[collection, reader] = (len(classes), readable(classes, reader))
        return known[1]


def describe(policy: Policy) -> str:
    """A policy in words, for people."""
    words = [_audience(policy)]
    if policy.level:
        words.append(LADDER[policy.level])
    if policy.needs:
        words.append(f"only with {', '.join(sorted(policy.needs))}")
    if policy.purposes is not None:
        words.append(_purposes(policy.purposes))
    return "; ".join(words)


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _audience(policy: Policy) -> str:
    if policy.audience is None:
        return "every reader of the collection"
    others = sorted(policy.audience - {policy.origin})
    if not others:
        return f"only {policy.origin}, which published it"
    return f"only {policy.origin}, which published it, and {', '.join(others)}"


def _purposes(purposes: frozenset[str]) -> str:
    return f"for {', '.join(sorted(purposes))} only" if purposes else "for no purpose at all"
