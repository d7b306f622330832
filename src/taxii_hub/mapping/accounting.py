"""The account of fields (rule R5): every non-empty leaf of the source ends in exactly one bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from taxii_hub.mapping.record import Leaf
from taxii_hub.model import Problem

Bucket = Literal["mapped", "carried", "derived", "minimised", "ignored", "dropped", "unlisted"]

BUCKETS: Final[tuple[Bucket, ...]] = (
    "mapped", "carried", "derived", "minimised", "ignored", "dropped", "unlisted",
)  # fmt: skip
"""mapped: spelt by a STIX property; carried: by our extension or its ``residual``; derived: a computed
value depends on it; minimised: taken out by a named profile; ignored: by a rule with a reason; dropped:
lost, with a problem; unlisted: the mapping does not know the path (kept in ``residual``, with a problem).
Where a leaf goes to several places the first of these counts."""


_RANK: Final = {bucket: rank for rank, bucket in enumerate(BUCKETS)}


@dataclass(slots=True)
class Fate:
    """What became of one leaf: its bucket and the properties it went to."""

    bucket: Bucket | None = None
    targets: set[str] = field(default_factory=set)

    def use(self, bucket: Bucket, target: str) -> None:
        """The leaf went there; the strongest bucket stays."""
        if self.bucket is None or _RANK[bucket] < _RANK[self.bucket]:
            self.bucket = bucket
        self.targets.add(target)

    def settle(self, bucket: Bucket, target: str) -> None:
        """Wherever else it went, this bucket counts."""
        self.bucket = bucket
        self.targets.add(target)


@dataclass(slots=True)
class _Path:
    leaves: int = 0
    buckets: Counter[str] = field(default_factory=Counter)
    targets: set[str] = field(default_factory=set)


class Account:
    """Adds up the fates of leaves."""

    def __init__(self) -> None:
        self._paths: dict[str, _Path] = {}
        self.leaves = 0
        self.buckets: Counter[str] = Counter(dict.fromkeys(BUCKETS, 0))

    def add(self, leaves: Iterable[Leaf], fates: Iterable[Fate]) -> None:
        """Count one record. Every leaf must have its fate: that is the promise."""
        for leaf, fate in zip(leaves, fates, strict=True):
            if fate.bucket is None:
                raise AssertionError(f"{leaf.path}: no bucket")
            entry = self._paths.setdefault(leaf.pattern, _Path())
            entry.leaves += 1
            entry.buckets[fate.bucket] += 1
            entry.targets |= fate.targets
            self.leaves += 1
            self.buckets[fate.bucket] += 1

    def add_all(self, leaves: Iterable[Leaf], bucket: Bucket, target: str) -> None:
        """Count one record whose leaves share one fate."""
        shared = Fate()
        shared.use(bucket, target)
        found = list(leaves)
        self.add(found, [shared] * len(found))

    def totals(self) -> dict[str, int]:
        """Leaves per bucket, all seven."""
        return {bucket: self.buckets[bucket] for bucket in BUCKETS}

    def as_json(self, head: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, Any]:
        """``head`` (format, format_version, records …), then leaves, buckets, paths, problems."""
        paths = [
            {
                "path": path,
                "leaves": entry.leaves,
                "buckets": {bucket: entry.buckets[bucket] for bucket in BUCKETS if entry.buckets[bucket]},
                "targets": sorted(entry.targets),
            }
            for path, entry in sorted(self._paths.items())
        ]
        return {
            **head,
            "leaves": self.leaves,
            "buckets": self.totals(),
            "paths": paths,
            "problems": [problem_as_json(problem) for problem in problems],
        }


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """Without what it does not say."""
    return {key: value for key, value in asdict(problem).items() if value not in (None, "")}
