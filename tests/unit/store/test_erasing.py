"""What an erasing run does to the entries of one object: pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.store.erasing import plan_expiry
from taxii_hub.store.plan import Known, heads_of

NOW = 100


def known(*rows: tuple[int, int, int | None]) -> list[Known]:
    """(version, class, expires), in the order of their stamps, with the heads that they have."""
    entries = [
        Known(n, "indicator--x", policy, version, n, b"d" * 16, None, heads=None, expires=expires)  # type: ignore[arg-type]
        for n, (version, policy, expires) in enumerate(rows)
    ]
    return [replace(e, heads=h) for e, h in zip(entries, heads_of(entries), strict=True)]


def test_what_hides_nothing_that_lives_is_gone_at_once() -> None:
    plan = plan_expiry(known((1, 1, 50), (2, 1, 50)), NOW)
    assert plan.deletes == [0, 1]
    assert len(plan.erased) == 2
    assert not plan.updates


def test_an_older_version_that_lives_leaves_a_tombstone_of_the_newer_one() -> None:
    plan = plan_expiry(known((1, 1, None), (2, 1, 50)), NOW)
    assert plan.deletes == []
    assert plan.updates == {1: {"x": b"", "b": b""}}


def test_a_tombstone_that_hides_nothing_any_more_goes_without_being_erased_again() -> None:
    tomb = replace(known((2, 1, 50))[0], digest=b"")
    plan = plan_expiry([tomb], NOW)
    assert plan.deletes == [0]
    assert plan.erased == []
    assert plan_expiry([], NOW).deletes == []


def test_what_is_not_over_stays() -> None:
    plan = plan_expiry(known((1, 1, None), (2, 1, NOW + 1)), NOW)
    assert (plan.deletes, plan.updates, plan.erased) == ([], {}, [])


ROWS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from([None, 50, 150])),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=200)
@given(ROWS, st.sets(st.integers(1, 3), min_size=1))
def test_no_reader_sees_another_version_as_the_last_after_a_run_than_before(
    rows: list[tuple[int, int, int | None]], readable: set[int]
) -> None:
    before = known(*rows)
    plan = plan_expiry(before, NOW)
    after = [e for e in before if e.key not in plan.deletes]
    after = [replace(e, heads=h) for e, h in zip(after, heads_of(after), strict=True)]

    def last(entries: list[Known]) -> list[int]:
        alive = [e for e in entries if e.expires is None or e.expires > NOW]
        return [
            e.key for e in alive if e.policy in readable and e.heads.l and not set(e.heads.u) & set(readable)
        ]

    assert last(after) == last(before)
    for entry in after:
        changed = plan.updates.get(entry.key, {})
        stored = next(e for e in before if e.key == entry.key).heads
        if "l" in changed or stored != entry.heads:
            assert changed["l"] == entry.heads.l
    erased = {e.key for e in plan.erased}
    assert erased == {e.key for e in before if e.expires == 50}
    for one, other in pairwise(plan.deletes):
        assert one < other
