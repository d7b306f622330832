"""What a commit decides: pure cases, and the heads held against the definition by brute force."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from taxii_hub.model import Outcome
from taxii_hub.stix import timestamps
from taxii_hub.store.base import Offer, Publication
from taxii_hub.store.plan import STEP, Heads, Known, Planner, heads_of

LAST = 1_800_000_000_000_000
V1, V2, V3 = (1_700_000_000_000_000 + 1000 * n for n in range(3))


def known(policy: int, version: int, stamp: int, digest: bytes = b"d", creator: str | None = None) -> Known:
    return Known(f"{policy}/{version}", "x--1", policy, version, stamp, digest, creator, Heads())


def settled(*entries: Known) -> list[Known]:
    for entry, heads in zip(entries, heads_of(entries), strict=True):
        entry.heads = heads
    return list(entries)


def offer(
    position: int = 0, version: int | None = V1, policy: int = 1, digest: bytes = b"d", **more: object
) -> Offer:
    text = None if version is None else timestamps.canonical(version)
    made = Offer(position, "x--1", "x", version, text, digest, b"{}", policy)
    return replace(made, **more)  # type: ignore[arg-type]


def publication(*offers: Offer, agency: str = "gb", readable: tuple[int, ...] = (1,)) -> Publication:
    return Publication("s1", 7, "c", "root", agency, "acc", 1, 5, readable, tuple(offers))


def outcomes(planner: Planner) -> tuple[Outcome, ...]:
    return planner.finish().outcomes[0]


# --- heads -------------------------------------------------------------------------------------

entry_lists = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=9, unique=True
).map(lambda pairs: [known(p, v, stamp) for stamp, (p, v) in enumerate(pairs)])
readers = st.frozensets(st.integers(1, 4), min_size=1)


def shown(entries: list[Known], reader: frozenset[int]) -> list[Known]:
    """What a reader may see: of two equal versions the later stamp."""
    mine = [e for e in entries if e.policy in reader]
    return [e for e in mine if not any(o.version == e.version and o.stamp > e.stamp for o in mine)]


@given(entry_lists, readers)
def test_heads_give_every_reader_its_own_last_first_and_all(
    entries: list[Known], reader: frozenset[int]
) -> None:
    heads = heads_of(entries)
    visible = [(e, h) for e, h in zip(entries, heads, strict=True) if e.policy in reader]
    expected = shown(entries, reader)
    last = [e for e, h in visible if h.l and not reader & set(h.u)]
    first = [e for e, h in visible if h.f and not reader & set(h.g)]
    every = [e for e, h in visible if not reader & set(h.d)]
    assert every == expected
    assert last == [e for e in expected if e.version == max(x.version for x in expected)]
    assert first == [e for e in expected if e.version == min(x.version for x in expected)]


# --- publishing --------------------------------------------------------------------------------


def test_new_entries_end_at_last_ten_microseconds_apart() -> None:
    planner = Planner([], LAST)
    planner.publish(publication(*(offer(n, V1 + n * 1000) for n in range(3))))
    plan = planner.finish()
    assert [d["s"] for d in plan.inserts] == [LAST - 2 * STEP, LAST - STEP, LAST]
    assert [(d["l"], d["f"]) for d in plan.inserts] == [(0, 1), (0, 0), (1, 0)]
    assert all(o.ok and o.stored for o in plan.outcomes[0])


def test_the_same_object_again_is_a_success_and_no_copy() -> None:
    """T-5.5-02, R2."""
    planner = Planner(settled(known(1, V1, 1)), LAST)
    planner.publish(publication(offer()))
    plan = planner.finish()
    assert plan.outcomes[0][0] == Outcome("x--1", timestamps.canonical(V1), ok=True)
    assert plan.inserts == []
    assert plan.updates == {}


def test_twice_in_one_envelope_is_stored_once() -> None:
    planner = Planner([], LAST)
    planner.publish(publication(offer(0), offer(1)))
    plan = planner.finish()
    assert len(plan.inserts) == 1
    assert [(o.ok, o.stored) for o in plan.outcomes[0]] == [(True, True), (True, False)]


def test_other_content_under_a_visible_version_is_a_failure() -> None:
    planner = Planner(settled(known(1, V1, 1, b"other")), LAST)
    planner.publish(publication(offer()))
    (outcome,) = outcomes(planner)
    assert not outcome.ok
    assert "another content" in (outcome.message or "")


def test_other_content_under_a_hidden_version_is_stored_as_new() -> None:
    """R4: what the publisher may not see does not exist for him."""
    planner = Planner(settled(known(9, V1, 1, b"other")), LAST)
    planner.publish(publication(offer()))
    plan = planner.finish()
    assert plan.outcomes[0][0].stored
    assert plan.updates == {"9/" + str(V1): {"l": 1, "f": 1, "u": [1], "g": [1], "d": [1]}}


def test_a_newer_version_supersedes_in_its_class_only() -> None:
    planner = Planner(settled(known(1, V1, 1), known(2, V1 + 1, 2)), LAST)
    planner.publish(publication(offer(0, V2), readable=(1, 2)))
    plan = planner.finish()
    assert plan.updates[f"1/{V1}"] == {"l": 0, "f": 1, "u": [2], "g": None, "d": None}
    assert plan.updates[f"2/{V1 + 1}"] == {"l": 1, "f": 1, "u": [1], "g": [1], "d": None}


def test_an_older_version_added_later_is_not_the_last() -> None:
    """T-3.4.1-06: `last` is the greatest modified, whatever arrived last."""
    planner = Planner(settled(known(1, V2, 1)), LAST)
    planner.publish(publication(offer(0, V1)))
    (document,) = planner.finish().inserts
    assert (document["l"], document["f"]) == (0, 1)


def test_only_the_creating_member_agency_adds_versions() -> None:
    planner = Planner(settled(known(1, V1, 1, creator="us")), LAST)
    planner.publish(publication(offer(0, V2)))
    (outcome,) = outcomes(planner)
    assert not outcome.ok
    assert "us" in (outcome.message or "")


def test_nobody_publishes_under_the_identity_of_another_member() -> None:
    planner = Planner([], LAST)
    planner.publish(publication(offer(creator="us")))
    assert not outcomes(planner)[0].ok


def test_relaying_the_same_bytes_of_a_member_is_a_success() -> None:
    planner = Planner(settled(known(1, V1, 1, creator="us")), LAST)
    planner.publish(publication(offer(creator="us")))
    assert outcomes(planner)[0].ok


def test_an_object_without_version_is_named_by_its_first_acceptance() -> None:
    planner = Planner([], LAST)
    planner.publish(publication(offer(version=None)))
    plan = planner.finish()
    assert plan.outcomes[0][0].version == timestamps.format(LAST)
    assert plan.inserts[0]["a"] == LAST
    again = known(1, 0, LAST)
    again.accepted = LAST
    planner = Planner([again], LAST + 1000)
    planner.publish(publication(offer(version=None)))
    assert outcomes(planner)[0].version == timestamps.format(LAST)


def test_an_uncommon_spelling_of_the_version_is_kept() -> None:
    planner = Planner([], LAST)
    planner.publish(publication(offer(version_text="2023-11-14T22:13:20Z"), offer(1, V2)))
    plan = planner.finish()
    assert plan.inserts[0]["w"] == "2023-11-14T22:13:20Z"
    assert "w" not in plan.inserts[1]


def test_outcomes_keep_the_order_of_the_request() -> None:
    bad = Outcome("x--2", None, ok=False, message="no")
    planner = Planner([], LAST)
    planner.publish(replace(publication(offer(0), offer(2, V2)), settled=((1, bad),)))
    assert [o.ok for o in outcomes(planner)] == [True, False, True]
