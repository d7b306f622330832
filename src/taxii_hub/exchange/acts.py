"""What an origin does with its own objects after they were published (R7).

Every act is one commit. Whoever gains sight of a version is fed it once; whoever loses it finds it among
the withdrawals and is fed the version that is the last for him now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from taxii_hub.errors import BadRequestError, ForbiddenError, NotFoundError
from taxii_hub.exchange.access import Place, require_reading, require_writing, visibility_of
from taxii_hub.exchange.changes import EVERY, apply, change_of
from taxii_hub.exchange.connecting import keep_connected
from taxii_hub.exchange.hub import Hub
from taxii_hub.exchange.policing import community_of
from taxii_hub.exchange.proposing import Widening, proposed
from taxii_hub.exchange.tear_lines import tear_line_ids
from taxii_hub.model import Policy, VersionFilter
from taxii_hub.policy.reading import LADDER, covers, meet, published_by
from taxii_hub.store.base import Change, ChangeKind
from taxii_hub.taxii.filters import Asked


@dataclass(frozen=True, slots=True)
class Grade:
    """What ``regrade`` sets; None leaves a part as it is. ``audience`` empty: the origin only;
    ``everyone``: every reader of the collection."""

    level: int | None = None
    audience: frozenset[str] | None = None
    everyone: bool = False
    needs: frozenset[str] | None = None
    purposes: frozenset[str] | None = None


async def remove(hub: Hub, place: Place, object_id: str, asked: Asked) -> None:
    """DELETE: versions of an object that the account's own agency published (T-5.7-01…12).

    Raises ForbiddenError where he may not, NotFoundError where he may see none of them.
    """
    require_writing(place)
    require_reading(place)
    await _ended(hub, place, object_id, asked.query.versions, ("delete", ""))


async def withdraw(
    hub: Hub, place: Place, object_id: str, reason: str, versions: VersionFilter = EVERY
) -> None:
    """Take versions back; the reason is told to those who lose them. Raises as ``remove`` does."""
    require_liaison(place)
    await _ended(hub, place, object_id, versions, ("withdraw", reason))


@dataclass(frozen=True, slots=True)
class Moved:
    """The policies before and after, and where the move waits for officers' signatures the proposal."""

    before: Policy
    after: Policy
    proposal: str | None = None

    @property
    def added(self) -> tuple[str, ...]:
        """The agencies of the audience after that were not in the one before."""
        return tuple(sorted((self.after.audience or frozenset()) - (self.before.audience or frozenset())))


async def release(hub: Hub, place: Place, object_id: str, to: Iterable[str], reason: str = "") -> Moved:
    """Widen the audience of the last version by agencies, countries or groups.

    Raises BadRequestError for a name that nobody knows, NotFoundError, ForbiddenError.
    """
    added = agencies_named(hub, place, to)

    def widened(policy: Policy) -> Policy:
        return policy if policy.audience is None else replace(policy, audience=policy.audience | added)

    return await _moved(hub, place, object_id, widened, ("release", reason))


async def regrade(hub: Hub, place: Place, object_id: str, grade: Grade, reason: str) -> Moved:
    """Give the last version another policy. Raises BadRequestError above the ceiling of this hub."""
    if grade.level is not None and grade.level > LADDER.index(hub.settings.ceiling):
        raise BadRequestError(f"this hub holds nothing above {hub.settings.ceiling}")

    def graded(policy: Policy) -> Policy:
        audience = policy.audience if grade.audience is None else grade.audience
        return Policy(
            origin=policy.origin,
            level=policy.level if grade.level is None else grade.level,
            audience=None if grade.everyone else audience,
            needs=policy.needs if grade.needs is None else grade.needs,
            purposes=policy.purposes if grade.purposes is None else grade.purposes,
        )

    return await _moved(hub, place, object_id, graded, ("regrade", reason))


def agencies_named(hub: Hub, place: Place, names: Iterable[str]) -> frozenset[str]:
    """The agencies that these names stand for today. Raises BadRequestError for an unknown one."""
    community = community_of(hub.catalog, hub.now())
    found: frozenset[str] = frozenset()
    for name in names:
        agencies = community.agencies_of(name, place.account.agency)
        if agencies is None:
            raise BadRequestError(
                f"{name!r} is no agency, country or group that this hub knows; `taxii-hub agencies list` "
                "shows the agencies"
            )
        found |= agencies
    return found


def require_liaison(place: Place) -> None:
    """Raises ForbiddenError for who is no liaison officer of a writer of the collection."""
    require_writing(replace(place, account=replace(place.account, roles=place.account.roles | {"writer"})))
    if "liaison" not in place.account.roles:
        raise ForbiddenError("this is for accounts with the role liaison")


async def _ended(
    hub: Hub, place: Place, object_id: str, versions: VersionFilter, act: tuple[ChangeKind, str]
) -> None:
    change = await change_of(hub, place, object_id, versions)
    also = [each for each, _ in await _beside(hub, change)]
    kind, reason = act
    ends = tuple(replace(each, kind=kind, reason=reason) for each in also)
    await apply(hub, replace(change, kind=kind, reason=reason, also=ends))


async def _beside(hub: Hub, change: Change) -> list[tuple[Change, Policy]]:
    """The same act on what the hub published beside these versions (``tear_lines.py``): the part, then its
    ``derived-from``, each with its policy; without versions that have none."""
    ids = tear_line_ids(hub.settings.id_namespace, change.agency, change.object_id)
    if not await hub.feed.classes_on(change.collection, ids[0]):
        return []
    classes = await hub.feed.classes(change.collection)
    own = published_by(classes, change.agency)
    rows = await hub.feed.standing(change.collection, change.object_id)
    there = sorted({row.version for row in rows if row.policy in change.own})
    chosen = set(change.versions.exact)
    for keyword, found in (("all", there), ("first", there[:1]), ("last", there[-1:])):
        if keyword in change.versions.keywords:
            chosen |= set(found)
    exact = VersionFilter(frozenset(), tuple(sorted(chosen)))
    made = []
    for each in ids:
        parts = [
            row
            for row in await hub.feed.standing(change.collection, each)
            if row.policy in own and row.version in chosen
        ]
        if parts:
            act = replace(change, id=hub.new_id(), object_id=each, versions=exact, readable=own, own=own)
            made.append((act, classes[parts[-1].policy]))
    return made


async def _moved(
    hub: Hub,
    place: Place,
    object_id: str,
    become: Callable[[Policy], Policy],
    act: tuple[Literal["release", "regrade"], str],
) -> Moved:
    """Move the last version of the origin's own, or propose it where that needs other officers."""
    require_liaison(place)
    change = await change_of(hub, place, object_id, VersionFilter())
    classes = await hub.feed.classes(change.collection)
    visibility = await visibility_of(hub, place.account, place.collection)
    last = await hub.feed.classes_of(visibility, [object_id], change.own)
    if object_id not in last:
        raise NotFoundError("there is no such object of this agency in this collection")
    before = classes[last[object_id]]
    after = become(before)
    numbers = await hub.feed.intern(change.collection, frozenset({after}))
    wanted = Widening(act[0], object_id, before, after, last[object_id], numbers[after], act[1])
    proposal = await proposed(hub, place, wanted)
    if proposal is None:
        moving = replace(change, kind=act[0], reason=act[1], to=numbers[after])
        moving = await with_beside(hub, moving, before, after)
        await apply(hub, moving)
        if moving.follow:
            await keep_connected(hub)
    return Moved(before, after, proposal)


async def with_beside(hub: Hub, change: Change, before: Policy, after: Policy) -> Change:
    """The move with its tear line taken along in the same commit: what the whole is closed to is closed to its
    part as well, and whoever is let in to the whole may see what connects the two. Where somebody loses sight
    of it, what else connects it follows."""
    part = after
    also: list[Change] = []
    for index, (each, policy) in enumerate(await _beside(hub, change)):
        if index == 0:
            to = part = policy if covers(after, before) else meet(policy, after)
        else:
            to = meet(after, part)
        numbers = await hub.feed.intern(change.collection, frozenset({to}))
        follow = not covers(to, policy)
        also.append(replace(each, kind=change.kind, reason=change.reason, to=numbers[to], follow=follow))
    return replace(change, also=tuple(also), follow=not covers(after, before))
