"""Feeding again what an agency gained, planned in memory and held against what each reader sees (R4, R7)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.store.change import ChangePlan
from taxii_hub.store.gaining import Window, plan_again
from taxii_hub.store.gaining_base import FeedAgain, GainedClass
from taxii_hub.store.plan import Heads, Known, heads_of
from taxii_hub.store.wire import job_document, job_of

LAST = 1_800_000_000_000_000
V1, V2, V3 = (1_700_000_000_000_000 + 1000 * n for n in range(3))
CLASSES = (1, 2, 3)
COPIES = {number: 100 + number for number in CLASSES}
EVERYTHING = Window(("x--1",), 0, 50, 50, over=True)


def known(policy: int, version: int, stamp: int, copy_of: int | None = None) -> Known:
    key = f"{policy}/{version}"
    return Known(key, "x--1", policy, version, stamp, b"d", None, Heads(), copy_of=copy_of)


def settled(*entries: Known) -> list[Known]:
    for entry, heads in zip(entries, heads_of(entries), strict=True):
        entry.heads = heads
    return list(entries)


def step(*gained: int, readable: tuple[int, ...] = CLASSES) -> FeedAgain:
    """Accounts of the agency that read one class read all others: what is gained, and what it had."""
    implied = tuple(sorted({*readable, *(COPIES[number] for number in readable)}))
    classes = tuple(GainedClass(number, COPIES[number], implied) for number in gained)
    return FeedAgain("1/7/fr", 7, "fr", 1, V1, classes)


def fed(entries: list[Known], asked: FeedAgain, window: Window = EVERYTHING) -> list[tuple[int, int]]:
    return [(each.entry.policy, each.entry.version) for each in plan_again(asked, entries, window).fed]


def test_the_last_version_is_copied_for_the_agency_alone() -> None:
    entries = settled(known(1, V1, 1), known(1, V2, 2))
    plan = plan_again(step(1), entries, EVERYTHING)
    (again,) = plan.fed
    assert (again.key, again.copy, again.entry.policy, again.entry.copy_of) == (f"1/{V2}", True, 101, 1)
    assert set(plan.updates) == {f"1/{V1}", f"1/{V2}"}
    assert plan.deletes == []


def test_what_it_had_already_or_has_later_is_not_fed() -> None:
    assert fed(settled(known(1, V1, 1), known(2, V2, 2)), step(1)) == []
    assert fed(settled(known(1, V1, 2), known(2, V1, 1)), step(1)) == []
    assert fed(settled(known(1, V2, 1), known(2, V1, 2)), step(1)) == [(101, V2)]
    assert fed(settled(known(1, V1, 1), known(2, V1, 2)), step(1, 2)) == [(102, V1)]
    assert fed(settled(known(1, V1, 1), known(2, V2, 2)), step(1, readable=(1,))) == [(101, V1)]


def test_expired_and_later_entries_are_left() -> None:
    assert fed(settled(replace(known(1, V1, 1), expires=V1)), step(1)) == []
    assert fed(settled(known(1, V1, 51)), step(1)) == []
    assert fed(settled(known(1, V1, 7)), step(1), Window(("x--1",), 7, 50, 50, over=True)) == []


def test_a_copy_of_former_times_gets_a_new_stamp() -> None:
    entries = settled(known(1, V1, 1), known(101, V1, 2, copy_of=2))
    plan = plan_again(step(1), entries, EVERYTHING)
    assert [(each.key, each.copy) for each in plan.fed] == [(f"101/{V1}", False)]
    assert (plan.updates[f"101/{V1}"]["p"], plan.updates[f"101/{V1}"]["y"]) == (101, 1)


def test_a_step_survives_its_way_to_the_committer() -> None:
    assert job_of(job_document(step(1, 2))) == step(1, 2)


# --- what every reader sees, before and after --------------------------------------------------


@dataclass(frozen=True)
class Row:
    """An entry as it is stored."""

    policy: int
    version: int
    stamp: int
    heads: Heads


def rows_of(entries: list[Known]) -> list[Row]:
    return [Row(e.policy, e.version, e.stamp, e.heads) for e in entries]


def applied(before: list[Row], plan: ChangePlan) -> list[Row]:
    stamps = plan.stamps(LAST)
    moved = {each.key: stamp for each, stamp in zip(plan.fed, stamps, strict=True) if not each.copy}
    rows = []
    for row in before:
        key = f"{row.policy}/{row.version}"
        heads = row.heads if key not in plan.updates else heads_from(plan.updates[key])
        rows.append(replace(row, stamp=moved.get(key, row.stamp), heads=heads))
    new = [(each.entry, stamp) for each, stamp in zip(plan.fed, stamps, strict=True) if each.copy]
    return [*rows, *(Row(entry.policy, entry.version, stamp, entry.heads) for entry, stamp in new)]


def heads_from(fields: dict[str, object]) -> Heads:
    lists = {name: tuple(fields[name] or ()) for name in "ugd"}  # type: ignore[misc, call-overload]
    return Heads(l=fields["l"], f=fields["f"], **lists)  # type: ignore[arg-type]


def last(rows: list[Row], mine: frozenset[int]) -> list[tuple[int, int]]:
    """What a reader's query for the last version finds: version and stamp."""
    return [(r.version, r.stamp) for r in rows if r.policy in mine and r.heads.l and not mine & {*r.heads.u}]


def everything(rows: list[Row], mine: frozenset[int]) -> list[tuple[int, int]]:
    return sorted((r.version, r.stamp) for r in rows if r.policy in mine and not mine & {*r.heads.d})


def with_copies(pairs: list[tuple[int, int, bool]]) -> list[Known]:
    """Some with a copy from the time before; every copy has its original."""
    entries = []
    for policy, version, copied in pairs:
        entries.append(known(policy, version, len(entries) + 1))
        if copied:
            entries.append(known(COPIES[policy], version, len(entries) + 1, policy))
    return settled(*entries)


entry_lists = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from((V1, V2, V3)), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda each: each[:2],
).map(with_copies)
subsets = st.frozensets(st.sampled_from(CLASSES))


@given(entry_lists, subsets, subsets, subsets)
def test_the_agency_is_fed_its_last_version_once_and_nobody_else_notices(entries, was, more, other):
    now = was | more
    gained = now - was
    asked = step(*sorted(gained), readable=tuple(sorted(now)))
    before = rows_of(entries)
    plan = plan_again(asked, entries, EVERYTHING)
    after = applied(before, plan)
    mine = now | {COPIES[number] for number in now}
    shown = last(after, mine)
    assert [v for v, _ in shown] == [v for v, _ in last(before, mine)]
    assert len({v for v, _ in everything(after, mine)}) == len(everything(after, mine))
    holders = {r.policy for r in before if shown and r.version == shown[0][0]} & now
    if holders and holders <= gained:
        assert shown[0][1] > LAST - 1000
    else:
        assert shown == last(before, mine)
    for others in (other, was):
        assert last(after, others) == last(before, others)
        assert everything(after, others) == everything(before, others)


@given(entry_lists, subsets)
def test_heads_are_those_of_what_is_left(entries, gained):
    before = rows_of(entries)
    rows = applied(before, plan_again(step(*sorted(gained)), entries, EVERYTHING))
    assert [row.heads for row in rows] == heads_of([known(r.policy, r.version, r.stamp) for r in rows])
