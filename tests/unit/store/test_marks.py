"""What a process remembers of the ends of feeds, against a feed in memory that is always asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from taxii_hub.model import ObjectQuery, Page, Visibility
from taxii_hub.store import marks
from taxii_hub.store.following import touched_classes, touched_text
from taxii_hub.store.marks import Marks, Newest, Read

CLASSES = 4
LOW, BOTH = (1,), (1, 2, 3)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def visibility(classes: tuple[int, ...] = BOTH, at: int = 50) -> Visibility:
    return Visibility(1, "gb", classes, 1, at)


def after(position: int, *types: str) -> ObjectQuery:
    return ObjectQuery(added_after=position, types=types)


def alive() -> tuple[Marks, Watch]:
    watch = Watch()
    known = Marks(watch)
    known.heard()
    return known, watch


def learnt(known: Marks, seen: Visibility, query: ObjectQuery, newest: Newest) -> None:
    with known.reading(seen) as read:
        known.learn(read, seen.at, query, newest)


# --- one rule each -----------------------------------------------------------------------------


def test_an_answer_names_what_the_snapshot_read_found() -> None:
    """DESIGN section 3: the position is echoed unless it lies after the newest visible stamp."""
    known, _ = alive()
    assert known.nothing_new(visibility(), after(9)) is None
    learnt(known, visibility(), after(90), Newest(70))
    assert known.nothing_new(visibility(), after(80)) is None
    assert known.nothing_new(visibility(), after(70)) == Page((), mark=70)
    assert known.nothing_new(visibility(), after(69)) is None
    assert known.nothing_new(visibility(), ObjectQuery()) is None
    assert known.nothing_new(visibility(), ObjectQuery(position=70, added_after=3)) == Page((), mark=70)


def test_a_position_beyond_the_end_is_told_so_once_everything_before_it_is_heard_of() -> None:
    """Else another process may have given what this one has not heard of."""
    known, _ = alive()
    learnt(known, visibility(), after(90), Newest(70))
    known.heard(80 + marks.SETTLED - 1)
    assert known.nothing_new(visibility(), after(80)) is None
    known.heard(80 + marks.SETTLED)
    assert known.nothing_new(visibility(), after(80)) == Page((), mark=70)
    assert known.nothing_new(visibility(), after(81)) is None


def test_where_nothing_is_visible_every_position_is_echoed() -> None:
    known, _ = alive()
    learnt(known, visibility(), after(5), Newest(None))
    assert known.nothing_new(visibility(), after(3)) == Page((), mark=3)


def test_a_filter_that_found_nothing_is_remembered_by_itself() -> None:
    known, _ = alive()
    learnt(known, visibility(), after(10, "tool"), Newest(70))
    assert known.nothing_new(visibility(), after(12, "tool")) == Page((), mark=12)
    assert known.nothing_new(visibility(), after(9, "tool")) is None
    assert known.nothing_new(visibility(), after(12)) is None
    learnt(known, visibility(), after(8, "tool"), Newest(70))
    assert known.nothing_new(visibility(), after(9, "tool")) == Page((), mark=9)
    for number in range(marks.MOST_FILTERS):
        learnt(known, visibility(), after(10, f"x-{number}"), Newest(70))
    assert known.nothing_new(visibility(), after(12, "tool")) is None


def test_what_is_touched_is_asked_for_again_and_nothing_else() -> None:
    """R4: a commit to what a reader may not see leaves his mark alone."""
    known, _ = alive()
    for seen in (visibility(LOW), visibility(BOTH)):
        learnt(known, seen, after(90), Newest(70))
    known.touched(2, {1, 2})
    known.touched(1, set())
    known.touched(1, {2, 9})
    assert known.nothing_new(visibility(LOW), after(70)) is not None
    assert known.nothing_new(visibility(BOTH), after(70)) is None
    known.touched(1, None)
    assert known.nothing_new(visibility(LOW), after(70)) is None


def test_a_read_learns_nothing_that_was_touched_meanwhile() -> None:
    known, _ = alive()
    with known.reading(visibility(LOW)) as low, known.reading(visibility(BOTH)) as both:
        known.touched(1, {3})
        known.learn(low, 50, after(90), Newest(70))
        known.learn(both, 50, after(90), Newest(70))
    assert known.nothing_new(visibility(LOW), after(70)) is not None
    assert known.nothing_new(visibility(BOTH), after(70)) is None


def test_silence_and_an_ended_stream_leave_nothing() -> None:
    known, watch = alive()
    learnt(known, visibility(), after(90), Newest(70))
    watch.now += marks.SILENCE - 0.1
    assert known.nothing_new(visibility(), after(70)) is not None
    watch.now += 0.2
    assert known.nothing_new(visibility(), after(70)) is None
    with known.reading(visibility()) as read:
        assert read is None
    known.heard()
    assert known.nothing_new(visibility(), after(70)) is None
    learnt(known, visibility(), after(90), Newest(70))
    with known.reading(visibility()) as read:
        known.lost()
        known.heard()
        known.learn(read, 50, after(90), Newest(70))
    assert known.nothing_new(visibility(), after(70)) is None


def test_what_expires_is_read_anew_and_so_it_is_where_a_clock_was_set_back() -> None:
    known, _ = alive()
    learnt(known, visibility(at=50), after(90), Newest(70, expires=60))
    assert known.nothing_new(visibility(at=59), after(70)) is not None
    assert known.nothing_new(visibility(at=60), after(70)) is None
    learnt(known, visibility(at=60), after(90), Newest(40))
    assert known.nothing_new(visibility(at=59), after(70)) is None


def test_the_marks_have_bounds() -> None:
    known, _ = alive()
    many = marks.MOST_CLASSES // 1000
    for number in range(many + 5):
        learnt(known, visibility(tuple(range(number, number + 1000))), after(90), Newest(70))
    assert known.nothing_new(visibility(tuple(range(1000))), after(70)) is None
    assert known.nothing_new(visibility(tuple(range(many, many + 1000))), after(70)) is not None


def test_a_clock_says_what_was_touched() -> None:
    assert touched_classes(touched_text({12, 3})) == {3, 12}
    assert touched_classes(touched_text(())) == frozenset()
    assert touched_text({1}) != touched_text({1})
    assert touched_classes(None) is None
    assert touched_classes("12") is None


# --- against a model ---------------------------------------------------------------------------


@dataclass
class World:
    """A feed (stamp → class, type), commits whose word is still under way, and the marks of one process."""

    known: Marks
    watch: Watch
    feed: dict[int, tuple[int, str]] = field(default_factory=dict)
    clock: int = 0
    unheard: list[set[int]] = field(default_factory=list)
    reads: list[tuple[Read | None, Visibility, ObjectQuery, Page, Newest]] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)
    history: list[dict[int, tuple[int, str]]] = field(default_factory=list)

    def snapshot(
        self, feed: dict[int, tuple[int, str]], seen: Visibility, query: ObjectQuery
    ) -> tuple[Page, Newest]:
        stamps = sorted(s for s, (c, _) in feed.items() if c in seen.classes)
        start = query.added_after or 0
        found = [s for s in stamps if s > start and (not query.types or feed[s][1] in query.types)]
        newest = stamps[-1] if stamps else None
        page = Page((), mark=start if newest is None else min(start, newest))
        return (Page((), more=True) if found else page), Newest(newest)


queries = st.builds(after, st.integers(1, 14)) | st.builds(after, st.integers(1, 14), st.just("tool"))
readers = st.sampled_from([LOW, BOTH]).map(visibility)
adding = st.tuples(st.just("add"), st.integers(0, CLASSES - 1), st.sampled_from(["tool", "malware"]))
hearing = st.just(("hear", None, None))
asking = st.tuples(st.just("ask"), readers, queries)
beginning = st.tuples(st.just("begin"), readers, queries)
ending = st.tuples(st.just("end"), st.integers(0, 3), st.none())
steps = st.lists(
    adding
    | st.tuples(st.just("drop"), st.integers(0, 2), st.none())
    | (hearing | hearing | st.just(("cut", None, None)))
    | (beginning | beginning)
    | ending
    | asking,
    min_size=12,
    max_size=40,
)


def played(world: World, moves: list[tuple[str, object, object]]) -> Iterator[tuple[Visibility, ObjectQuery]]:
    for word, one, other in moves:
        world.history.append(dict(world.feed))
        if word == "add" and isinstance(one, int):
            world.clock += 2
            world.feed[world.clock] = (one, str(other))
            world.unheard.append({one})
        elif word == "drop" and isinstance(one, int) and world.feed:
            stamp = sorted(world.feed)[-1 - one % len(world.feed)]
            world.unheard.append({world.feed.pop(stamp)[0]})
        elif word == "hear":
            for classes in world.unheard:
                world.known.touched(1, classes)
            world.unheard.clear()
            world.known.heard()
        elif word == "cut":
            world.known.lost()
            world.unheard.clear()  # the next stream begins behind them
            world.known.heard()
        elif word == "begin" and isinstance(one, Visibility) and isinstance(other, ObjectQuery):
            read = world.stack.enter_context(world.known.reading(one))
            world.reads.append((read, one, other, *world.snapshot(world.feed, one, other)))
        elif word == "end" and isinstance(one, int) and world.reads:
            read, seen, query, page, newest = world.reads.pop(one % len(world.reads))
            if not page.more:
                world.known.learn(read, seen.at, query, newest)
        elif word == "ask" and isinstance(one, Visibility) and isinstance(other, ObjectQuery):
            yield one, other


@settings(max_examples=300, deadline=None)
@given(steps)
def test_an_answer_is_that_of_a_snapshot_no_older_than_what_was_heard(
    moves: list[tuple[str, object, object]],
) -> None:
    """Whatever is added or taken away, read slowly and heard late: as soon as it was heard, the answer from
    memory is the one that the feed gives now; and before, what the header says was there at some time, so
    that nobody who goes on from it misses what comes."""
    known, watch = alive()
    world = World(known, watch)
    with world.stack:
        for seen, query in played(world, moves):
            page = known.nothing_new(seen, query)
            if page is None:
                continue
            if not any(classes & set(seen.classes) for classes in world.unheard):
                assert page == world.snapshot(world.feed, seen, query)[0]
            else:
                assert any(page == world.snapshot(then, seen, query)[0] for then in world.history)
