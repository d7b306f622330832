"""Who may read what carries a policy. The query compiler and the explanation use the same function."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from taxii_hub.model import Policy
from taxii_hub.policy.decision import Decision, no, yes

# From open to closed. Several markings give the most closed of their levels.
LADDER: Final = ("clear", "green", "amber", "amber+strict", "red", "unknown")
_RANK: Final[Mapping[str, int]] = MappingProxyType({level: rank for rank, level in enumerate(LADDER)})
_ORIGIN_ONLY: Final = frozenset({"red", "unknown"})


def of_level(origin: str, level: str) -> Policy:
    """The policy of one marking; a level that is not on the ladder counts as unknown."""
    level = level if level in _RANK else "unknown"
    return _policy(origin, level, frozenset() if level in _ORIGIN_ONLY else None)


def meet(one: Policy, other: Policy) -> Policy:
    """What both allow: commutative, associative, idempotent, never wider than either.

    Raises ValueError for policies of different origins: an object version has one.
    """
    if one.origin != other.origin:
        raise ValueError(f"policies of {one.origin} and {other.origin} have no meet")
    level = max(one.level, other.level, key=lambda word: _RANK[word])
    if one.audience is None or other.audience is None:
        audience = other.audience if one.audience is None else one.audience
    else:
        audience = one.audience & other.audience
    return _policy(one.origin, level, audience)


def may_read_policy(policy: Policy, agency: str) -> Decision:
    """Decide for an agency that reads the collection itself (``grants.may_read``)."""
    if agency == policy.origin:
        return yes(f"{agency} published it")
    if policy.audience is None:
        return yes(policy.reason)
    if agency in policy.audience:
        return yes(f"{agency} is among those it is released to ({policy.reason})")
    return no(policy.reason)


def readable(classes: Mapping[int, Policy], agency: str) -> tuple[int, ...]:
    """The policy classes that ``agency`` may read, ascending."""
    return tuple(sorted(number for number, policy in classes.items() if may_read_policy(policy, agency)))


def _policy(origin: str, level: str, audience: frozenset[str] | None) -> Policy:
    # The reason follows from the rest and names no id: policies that allow the same are equal, so
    # that nobody can make endless policy classes by inventing markings.
    return Policy(origin, level, audience, _reason(origin, level, audience))


def _reason(origin: str, level: str, audience: frozenset[str] | None) -> str:
    what = "a marking unknown to this hub" if level == "unknown" else f"TLP:{level.upper()}"
    if audience is None:
        return f"{what}: every reader of the collection"
    if not audience:
        return f"{what}: only {origin}, which published it"
    return f"{what}: only {origin}, which published it, and {', '.join(sorted(audience))}"
