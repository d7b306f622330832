"""What a process knows of the ends of feeds, so that "nothing new" needs no query.

A *mark* says of one set of policy classes what a snapshot read found: the newest visible stamp, and after
which position a filter found nothing. It stands for a read that was done again now, because a mark goes the
moment that a commit touches one of its classes (``following.py`` hears of every commit, and the feed tells
of those that its own process answers for before they are answered):

* What it was read from: a read notes itself before it begins, and what is touched meanwhile is not learnt
  from it. So a mark misses no commit that came after its snapshot, but those still on their way here.
* Those on their way: the marks answer only while the last word of the change stream is less than
  :data:`SILENCE` old; a stream that ended takes all marks with it.
* Why a late word loses nothing: the answer is the one that a snapshot would have given a moment ago. It
  names a stamp only where that is the newest that exactly these classes had, so whatever is still to come
  has a greater one (rule R1), and a client that goes on from there gets it. To a position beyond that
  stamp the answer comes from here only where it is so old (:data:`SETTLED`) that no other process can have
  given a stamp before it that this one has not heard of: nobody is sent back to get things twice.
* Why it tells nothing (rule R4): a commit to classes that a reader does not read leaves his mark alone. He
  neither waits for a query because of it, nor does it alter his headers.

What expires disappears without a commit: then the newest stamp is read anew.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from taxii_hub.model import ObjectQuery, Page, VersionFilter, Visibility
from taxii_hub.store.queries import start_of

SILENCE: Final = 2.0
"""Seconds without a word from the change stream after which nothing is known."""
SETTLED: Final = 2_000_000
"""Microseconds that no commit takes: what was stamped so long before the stream's last word is heard of. Were
one slower, a reader who asks two processes in turn might get it twice. The stream tells the time of what a
majority holds, so on the word of a dethroned primary nothing settles."""
MOST_CLASSES: Final = 200_000
"""Of all marks together; those not asked for longest go first."""
MOST_FILTERS: Final = 64
"""That one mark remembers; beyond them it begins anew."""

Key = tuple[int, tuple[int, ...]]
Filter = tuple[tuple[str, ...], tuple[str, ...], VersionFilter]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest visible stamp (None: nothing is visible), and when its entry expires (microseconds)."""

    stamp: int | None
    expires: int | None = None


@dataclass(slots=True)
class Mark:
    """``at``: the moment it was read for; ``quiet``: by filter the position after which there is nothing."""

    newest: Newest
    at: int
    classes: frozenset[int]
    quiet: dict[Filter, int] = field(default_factory=dict)

    def holds_at(self, moment: int) -> bool:
        """Whether nothing has expired, or is alive again because a clock was set back."""
        return self.at <= moment and (self.newest.expires is None or moment < self.newest.expires)


@dataclass(slots=True, eq=False)
class Read:
    """A read that has begun. ``spoilt``: something was touched that it may have missed."""

    key: Key
    classes: frozenset[int]
    spoilt: bool = False


class Marks:
    """The marks of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: OrderedDict[Key, Mark] = OrderedDict()
        self._reads: set[Read] = set()
        self._weight = 0
        self._heard = float("-inf")
        self._present = 0

    @property
    def alive(self) -> bool:
        """Whether the change stream was heard of a moment ago."""
        return self._clock() - self._heard < SILENCE

    def heard(self, present: int = 0) -> None:
        """The change stream has said all that there was to say until ``present``, by the database's clock."""
        if not self.alive:
            self.forget()
        self._heard = self._clock()
        self._present = present

    def lost(self) -> None:
        """The change stream ended: what happens from now on is heard of by nobody."""
        self._heard = float("-inf")
        self.forget()

    def forget(self) -> None:
        """Know nothing any more, and learn nothing from reads under way."""
        self._marks.clear()
        self._weight = 0
        for read in self._reads:
            read.spoilt = True

    def touched(self, collection: int, classes: Collection[int] | None) -> None:
        """Entries of these classes came, went or moved; None: nobody knows of which classes."""
        changed = None if classes is None else frozenset(classes)
        for key, mark in list(self._marks.items()):
            if key[0] == collection and (changed is None or not changed.isdisjoint(mark.classes)):
                self._drop(key)
        for read in self._reads:
            if read.key[0] == collection and (changed is None or not changed.isdisjoint(read.classes)):
                read.spoilt = True

    def nothing_new(self, visibility: Visibility, query: ObjectQuery) -> Page | None:
        """The empty page that a snapshot read would give; None where only the read can tell."""
        position = start_of(query)
        key = (visibility.collection, visibility.classes)
        mark = self._marks.get(key)
        if position is None or mark is None or not self.alive:
            return None
        if not mark.holds_at(visibility.at):
            self._drop(key)
            return None
        newest = mark.newest.stamp
        if newest is not None and newest > position:
            quiet = mark.quiet.get(_filter(query))
            if quiet is None or quiet > position:
                return None
        elif newest is not None and newest < position and position > self._present - SETTLED:
            return None  # another process may know more: nobody is sent back on the word of this one
        self._marks.move_to_end(key)
        return Page((), mark=position if newest is None else min(position, newest))

    @contextmanager
    def reading(self, visibility: Visibility) -> Iterator[Read | None]:
        """A read from before it begins to after it was learnt from; None where nothing can be learnt."""
        if not self.alive:
            yield None
            return
        key = (visibility.collection, visibility.classes)
        mark = self._marks.get(key)
        read = Read(key, frozenset(visibility.classes) if mark is None else mark.classes)
        self._reads.add(read)
        try:
            yield read
        finally:
            self._reads.discard(read)

    def learn(self, read: Read | None, at: int, query: ObjectQuery, newest: Newest) -> None:
        """The read found nothing after the query's position, and that newest stamp, in one snapshot."""
        position = start_of(query)
        if read is None or read.spoilt or position is None:
            return
        mark = self._marks.get(read.key)
        if mark is None or not mark.holds_at(at):
            self._drop(read.key)
            mark = self._marks[read.key] = Mark(newest, at, read.classes)
            self._weight += len(mark.classes) + 1
        if newest.stamp is not None and position < newest.stamp:
            if len(mark.quiet) >= MOST_FILTERS:
                mark.quiet.clear()
            known = mark.quiet.get(_filter(query), position)
            mark.quiet[_filter(query)] = min(known, position)
        while self._weight > MOST_CLASSES:
            self._drop(next(iter(self._marks)))

    def _drop(self, key: Key) -> None:
        mark = self._marks.pop(key, None)
        if mark is not None:
            self._weight -= len(mark.classes) + 1


def _filter(query: ObjectQuery) -> Filter:
    return query.ids, query.types, query.versions
