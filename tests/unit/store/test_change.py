"""Acts of an origin, planned in memory and held against what each reader must see (R4, R7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.model import VersionFilter
from taxii_hub.store.base import Change
from taxii_hub.store.change import ChangePlan, plan_change
from taxii_hub.store.plan import Heads, Known, heads_of

LAST = 1_800_000_000_000_000
V1, V2, V3 = (1_700_000_000_000_000 + 1000 * n for n in range(3))
CLASSES = (1, 2, 3)
PAIRS = tuple((one, other, 100 + 10 * one + other) for one, other in permutations(CLASSES, 2))
ALL = VersionFilter(frozenset({"all"}))


def known(policy: int, version: int, stamp: int) -> Known:
    return Known(f"{policy}/{version}", "x--1", policy, version, stamp, b"d", None, Heads())


def settled(*entries: Known) -> list[Known]:
    for entry, heads in zip(entries, heads_of(entries), strict=True):
        entry.heads = heads
    return list(entries)


def change(*exact: int, own: tuple[int, ...] = (1,), to: int | None = None, **more: object) -> Change:
    versions = VersionFilter(frozenset(), exact) if exact else ALL
    made = Change("r", 7, "gb", "acc", 1, own, own, "x--1", versions, V1, to=to, pairs=PAIRS)
    return replace(made, **more)  # type: ignore[arg-type]


# --- the cases of the specification ------------------------------------------------------------


def test_delete_without_version_removes_all() -> None:
    """T-5.7-02."""
    entries = settled(known(1, V1, 1), known(1, V2, 2))
    result, plan = plan_change(change(), entries)
    assert (result, plan.deletes) == ("done", [e.key for e in entries])
    assert [e.version for e in plan.taken] == [V1, V2]


def test_what_becomes_the_last_version_again_is_fed_again() -> None:
    """R7."""
    entries = settled(known(1, V1, 1), known(1, V2, 2), known(1, V3, 3))
    result, plan = plan_change(change(V3), entries)
    assert (result, [fed.key for fed in plan.fed]) == ("done", [f"1/{V2}"])
    assert f"1/{V1}" not in plan.updates
    assert plan.stamps(LAST) == [LAST]


def test_others_do_not_notice_what_some_are_fed_again() -> None:
    entries = settled(known(2, V1, 1), known(1, V2, 2))
    _, plan = plan_change(change(V2), entries)
    (fed,) = plan.fed
    assert (fed.key, fed.copy, fed.entry.policy, fed.entry.copy_of) == (f"2/{V1}", True, 121, 2)
    _, plan = plan_change(change(V2, pairs=((2, 1, None), (1, 2, None))), entries)
    assert [(fed.key, fed.copy) for fed in plan.fed] == [(f"2/{V1}", False)]


def test_a_class_that_came_meanwhile_is_asked_for() -> None:
    entries = settled(known(2, V1, 1), known(1, V2, 2))
    assert plan_change(change(V2, pairs=()), entries)[0] == "classes"


def test_foreign_versions_are_left() -> None:
    entries = settled(known(1, V1, 1), known(2, V2, 2))
    assert plan_change(change(readable=(1, 2)), entries)[0] == "not-own"
    assert plan_change(change(V1, readable=(1, 2)), entries)[0] == "done"


def test_hidden_and_expired_versions_do_not_exist() -> None:
    entries = settled(known(2, V1, 1))
    assert plan_change(change(), entries)[0] == "not-found"
    gone = settled(replace(known(1, V1, 1), expires=V1))
    assert plan_change(change(), gone)[0] == "not-found"


def test_first_and_last_are_the_readers_own() -> None:
    entries = settled(known(1, V1, 1), known(1, V2, 2), known(2, V3, 3))
    newest = change(versions=VersionFilter())
    assert plan_change(newest, entries)[1].deletes == [f"1/{V2}"]
    oldest = change(versions=VersionFilter(frozenset({"first"})))
    assert plan_change(oldest, entries)[1].deletes == [f"1/{V1}"]


def test_moving_to_where_it_is_changes_nothing() -> None:
    assert plan_change(change(to=1), settled(known(1, V1, 1)))[0] == "unchanged"


def test_moving_onto_the_same_version_leaves_one() -> None:
    entries = settled(known(1, V1, 1), known(3, V1, 2))
    result, plan = plan_change(change(to=3), entries)
    assert (result, plan.deletes, [fed.key for fed in plan.fed]) == ("done", [f"1/{V1}"], [f"3/{V1}"])


# --- what every reader sees, before and after --------------------------------------------------


@dataclass(frozen=True)
class Row:
    """An entry as it is stored after the act."""

    policy: int
    version: int
    stamp: int
    heads: Heads
    copy_of: int | None


def applied(entries: list[Known], plan: ChangePlan) -> list[Row]:
    stamps = plan.stamps(LAST)
    fed = {f.key: (f, stamp) for f, stamp in zip(plan.fed, stamps, strict=True) if not f.copy}
    rows = []
    for entry in entries:
        if entry.key in plan.deletes:
            continue
        moved, stamp = fed.get(entry.key, (None, entry.stamp))
        policy = entry.policy if moved is None else moved.entry.policy
        fields = plan.updates.get(entry.key)
        heads = entry.heads if fields is None else heads_from(fields)
        rows.append(Row(policy, entry.version, stamp, heads, None))
    copies = [(f, stamp) for f, stamp in zip(plan.fed, stamps, strict=True) if f.copy]
    rows += [Row(f.entry.policy, f.entry.version, s, f.entry.heads, f.entry.copy_of) for f, s in copies]
    return rows


def heads_from(fields: dict[str, object]) -> Heads:
    lists = {name: tuple(fields[name] or ()) for name in "ugd"}  # type: ignore[misc, call-overload]
    return Heads(l=fields["l"], f=fields["f"], **lists)  # type: ignore[arg-type]


def with_copies(reader: frozenset[int]) -> frozenset[int]:
    return reader | {copy for one, other, copy in PAIRS if {one, other} <= reader}


def last(rows: list[Row], reader: frozenset[int]) -> Row | None:
    mine = with_copies(reader)
    found = [r for r in rows if r.policy in mine and r.heads.l and not mine & set(r.heads.u)]
    assert len(found) <= 1
    return found[0] if found else None


entry_lists = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from((V1, V2, V3))), min_size=1, max_size=7, unique=True
).map(lambda pairs: settled(*(known(p, v, stamp) for stamp, (p, v) in enumerate(pairs))))
subsets = st.frozensets(st.sampled_from(CLASSES), min_size=1)
acts = st.tuples(st.none() | st.sampled_from(CLASSES), st.frozensets(st.sampled_from((V1, V2, V3))))


@given(entry_lists, acts, subsets)
def test_each_reader_sees_its_last_version_and_is_fed_what_changed_for_it(entries, act, reader):
    to, exact = act
    result, plan = plan_change(change(*sorted(exact), to=to), entries)
    if result != "done":
        return
    before = [Row(e.policy, e.version, e.stamp, e.heads, None) for e in entries]
    after = applied(entries, plan)
    versions = {row.version for row in after if row.policy in reader}
    was, now = last(before, reader), last(after, reader)
    assert (now.version if now else None) == max(versions, default=None)
    new = now is not None and now.stamp >= LAST - 1000
    if was is not None and now is not None and now.version < was.version:
        assert new, "the version that became the last is fed"
    if now is not None and to in reader and now.version in {e.version for e in plan.taken}:
        assert new, "what was moved is fed to those who read its new class"
    if not reader & {1, to}:
        assert was == now or (was and now and (was.version, was.stamp) == (now.version, now.stamp))
        assert not [r for r in after if r.policy in with_copies(reader) and r.stamp >= LAST - 1000]


@given(entry_lists, acts)
def test_heads_are_those_of_what_is_left(entries, act):
    to, exact = act
    result, plan = plan_change(change(*sorted(exact), to=to), entries)
    if result != "done":
        return
    rows = applied(entries, plan)
    plain = [replace(known(r.policy, r.version, r.stamp), copy_of=r.copy_of) for r in rows]
    assert [row.heads for row in rows] == heads_of(plain)
