"""What an agency may read after a change of the catalogue that it could not read before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from taxii_hub.model import Membership, Policy, Reader
from taxii_hub.policy.reading import covers, readable


def widens(before: Membership | None, after: Membership) -> bool:
    """Whether ``after`` may open what ``before`` did not (None: it read nothing)."""
    if before is None or after.level > before.level:
        return True
    return bool(after.clearances - before.clearances or after.purposes - before.purposes)


def gained(
    classes: Mapping[int, Policy], before: Membership | None, after: Membership
) -> dict[int, tuple[int, ...]]:
    """Each class of somebody's originals that only ``after`` reads, with every class of which each account
    of the agency that reads the first is a reader as well."""
    was = frozenset() if before is None else _readable(classes, before)
    now = _readable(classes, after)
    own = {number: own_copy(classes[number], after.agency) for number in now}
    return {
        number: tuple(sorted(other for other in now if covers(own[other], own[number])))
        for number in sorted(now - was)
        if classes[number].origin
    }


def own_copy(policy: Policy, agency: str) -> Policy:
    """Of a copy for those accounts of one agency that read the policy; nobody else is its reader."""
    audience = frozenset({agency})
    if policy.origin == agency:
        return Policy("", audience=audience)
    return replace(policy, origin="", audience=audience)


def _readable(classes: Mapping[int, Policy], standing: Membership) -> frozenset[int]:
    """For any of the purposes that its accounts may name."""
    found: set[int] = set()
    for purpose in (None, *sorted(standing.purposes)):
        reader = Reader(standing.agency, standing.level, standing.clearances, purpose)
        found |= set(readable(classes, reader))
    return frozenset(found)
