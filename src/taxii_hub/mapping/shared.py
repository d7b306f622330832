"""Elements to which records refer by a key: places, programmes. They stand outside of records, before them; their
leaves are counted once, however many records use them, and what no record uses is kept with the edition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from taxii_hub.mapping.accounting import Fate, Fates
from taxii_hub.mapping.record import Record, Value
from taxii_hub.mapping.tables import unlisted
from taxii_hub.mapping.view import Fault, Reading, View

FIRST: Final = 1 << 32
"""Positions of shared leaves begin here: those of a record's own are smaller."""


class Shared:
    """``keys``: kind of element → the path of its key."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys
        self._readings: list[Reading] = []
        self._found: dict[tuple[str, str], View] = {}
        self._fates = Fates(Fate())
        self.next = FIRST

    def __contains__(self, kind: str) -> bool:
        return kind in self._keys

    def take(self, reading: Reading) -> None:
        """Keep it for the records; of two with one key the first counts."""
        self._readings.append(reading)
        self.next += len(reading.record.leaves)
        view = View(reading)
        for key in view.all(self._keys[reading.record.kind]):
            self._found.setdefault((reading.record.kind, str(key.data)), view)

    def find(self, kind: str, key: Value) -> View | None:
        """The element of that kind that ``key`` names."""
        return self._found.get((kind, str(key.data)))

    def use(self, fates: Mapping[int, Fate]) -> None:
        """A record has used leaves (see Emitter.fates)."""
        for leaf, fate in fates.items():
            if leaf >= FIRST and fate.bucket is not None:
                for target in fate.targets:
                    self._fates.use(leaf, fate.bucket, target)

    def settled(self) -> Iterator[tuple[Record, list[Fate], list[int], list[Fault]]]:
        """Each element with the fate of every leaf, the leaves that are left for the edition, and faults."""
        for reading in self._readings:
            fates, left = [], []
            for position, leaf in enumerate(reading.record.leaves):
                fate = self._fates.get(reading.base + position, self._fates.untold)
                if position in reading.hidden:
                    fate = fate.after(("minimised", reading.told(position)))
                elif fate.bucket is None and position in reading.nothing:
                    fate = fate.after(("ignored", reading.nothing[position]))
                elif fate.bucket is None and leaf.pattern in reading.spec.ignore:
                    fate = fate.after(("ignored", reading.spec.ignore[leaf.pattern]))
                elif fate.bucket is None:
                    listed = reading.spec.lists(leaf.pattern)
                    fate = fate.after(("carried" if listed else "unlisted", "report.edition.residual"))
                    left.append(position)
                    if not listed:
                        reading.fault(unlisted(position))
                fates.append(fate)
            yield reading.record, fates, left, sorted(reading.faults.values(), key=lambda f: f.leaf or 0)
