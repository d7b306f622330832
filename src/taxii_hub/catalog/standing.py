"""How members stand in a framework: what changes, and which agreements need somebody's attention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from taxii_hub.catalog.change import Change
from taxii_hub.catalog.forms import LEVELS
from taxii_hub.model import Agreement, ApiRoot, Catalog, Group, Membership

SOON = timedelta(days=90)
"""An agreement that ends within this is told of, so that there is time to renew it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """``ended`` is set where somebody has no access because of it."""

    subject: str
    words: str
    ended: bool = False


def notices(catalog: Catalog, today: date) -> list[Notice]:
    """Agreements that have ended, end soon, have not begun, or whose review is overdue."""
    found: list[Notice] = []
    for root in catalog.api_roots:
        found += _notices(root.path, f"the agreement of {root.path}", root.agreement, today)
        for each in root.memberships:
            whose = f"the agreement of {each.agency} in {root.path}"
            found += _notices(f"{root.path}/{each.agency}", whose, each.agreement, today)
    return found


def _notices(subject: str, whose: str, agreement: Agreement | None, today: date) -> Iterator[Notice]:
    if agreement is None:
        return
    named = f"{whose} ({agreement.reference})"
    until = None if agreement.until is None else date.fromisoformat(agreement.until)
    if until is not None and until < today:
        yield Notice(subject, f"{named} ended on {until}: no access", ended=True)
    elif until is not None and until - today <= SOON:
        yield Notice(subject, f"{named} ends on {until}, in {(until - today).days} days")
    if agreement.since is not None and date.fromisoformat(agreement.since) > today:
        yield Notice(subject, f"{named} begins on {agreement.since}: no access before", ended=True)
    if agreement.review is not None and date.fromisoformat(agreement.review) < today:
        yield Notice(subject, f"{named} was to be reviewed by {agreement.review}")


def standing_words(membership: Membership) -> str:
    """How a member stands, in one line."""
    words = [f"up to {LEVELS[membership.level]}"]
    if membership.clearances:
        words.append(f"cleared for {', '.join(sorted(membership.clearances))}")
    if membership.purposes:
        words.append(f"for {', '.join(sorted(membership.purposes))}")
    if membership.agreement is not None:
        words.append(f"agreement {_told(membership.agreement)}")
    return "; ".join(words)


def standing_changes(former: ApiRoot, root: ApiRoot) -> Iterator[Change]:
    """What members gain and lose in level, clearances and purposes, and which agreements change."""
    before = {each.agency: each for each in former.memberships}
    after = {each.agency: each for each in root.memberships}
    for agency in sorted(root.members | former.members):
        was, now = before.get(agency, Membership(agency)), after.get(agency, Membership(agency))
        if agency in root.members:
            yield from _standing(root.path, was, now)
        if was.joining != now.joining and agency in former.members & root.members:
            yield Change("changed", root.path, f"{agency} in {root.path}: joining becomes {now.joining}")
    yield from _agreements(root.path, f"agreement of {root.path}", former.agreement, root.agreement)


def _standing(path: str, was: Membership, now: Membership) -> Iterator[Change]:
    agency = now.agency
    was_word = f"{path} (was {LEVELS[was.level]})"
    if now.level > was.level:
        yield Change("gains", path, f"{agency} gains reading up to {LEVELS[now.level]} in {was_word}", agency)
    if now.level < was.level:
        yield Change("loses", path, f"{agency} reads only up to {LEVELS[now.level]} in {was_word}", agency)
    for noun, old, new in (
        ("clearance", was.clearances, now.clearances),
        ("purpose", was.purposes, now.purposes),
    ):
        if gained := sorted(new - old):
            yield Change("gains", path, f"{agency} gains {noun} {', '.join(gained)} in {path}", agency)
        if lost := sorted(old - new):
            yield Change("loses", path, f"{agency} loses {noun} {', '.join(lost)} in {path}", agency)
    yield from _agreements(path, f"agreement of {agency} in {path}", was.agreement, now.agreement)


def _agreements(path: str, whose: str, was: Agreement | None, now: Agreement | None) -> Iterator[Change]:
    if was != now:
        yield Change("changed", path, f"{whose}: {_told(was)} becomes {_told(now)}")


def _told(agreement: Agreement | None) -> str:
    if agreement is None:
        return "none"
    words = [agreement.reference]
    words += [f"from {agreement.since}"] if agreement.since else []
    words += [f"until {agreement.until}"] if agreement.until else []
    words += [f"for {', '.join(sorted(agreement.purposes))}"] if agreement.purposes else []
    words += [f"review by {agreement.review}"] if agreement.review else []
    return " ".join(words)


def group_changes(old: Catalog, new: Catalog) -> Iterator[Change]:
    """Groups that come, go or have other members; what was published before keeps its readers."""
    before = {group.name: group for group in old.groups}
    after = {group.name: group for group in new.groups}
    for name, group in after.items():
        if name not in before:
            yield Change("new", name, f"group {name} is new ({group.title})")
        elif before[name] != group:
            words = f"group {name}: {_members(before[name])} becomes {_members(group)}"
            yield Change("changed", name, f"{words}, for what is published from now on")
    for name in sorted(before.keys() - after.keys()):
        yield Change("removed", name, f"group {name} is removed: who is released to it gets nothing new")


def _members(group: Group) -> str:
    told = []
    for name, since, until in group.members:
        told.append(
            " ".join([name, *([f"from {since}"] if since else []), *([f"until {until}"] if until else [])])
        )
    return ", ".join(told)
