"""The account of fields (rule R5): every non-empty leaf of the source ends in exactly one bucket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Literal

from taxii_hub.errors import ReportError
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


Use = tuple[Bucket, str]
"""One thing that a leaf is used for: bucket and property (or rule)."""


class Fate:
    """What became of one leaf: its bucket and the properties it went to. Leaves of the same fate share it:
    a list has many leaves and few fates, so they are counted, and not kept, for each leaf."""

    __slots__ = ("_after", "_known", "bucket", "targets")

    def __init__(self) -> None:
        self.bucket: Bucket | None = None
        self.targets: frozenset[str] = frozenset()
        self._after: dict[Use, Fate] = {}
        self._known: dict[tuple[Bucket | None, frozenset[str]], Fate] = {(None, self.targets): self}

    def after(self, use: Use) -> Fate:
        """The fate of a leaf that went there too; the strongest bucket stays."""
        return self._after.get(use) or self._following(use)

    def settled(self, use: Use) -> Fate:
        """The same; wherever else it went, this bucket counts."""
        bucket, target = use
        return self._being(bucket, self.targets | {target})

    def _following(self, use: Use) -> Fate:
        bucket, target = use
        if self.bucket is not None and _RANK[self.bucket] < _RANK[bucket]:
            bucket = self.bucket
        fate = self._after[use] = self._being(bucket, self.targets | {target})
        return fate

    def _being(self, bucket: Bucket, targets: frozenset[str]) -> Fate:
        if (fate := self._known.get((bucket, targets))) is None:
            fate = self._known[bucket, targets] = Fate()
            fate.bucket, fate.targets, fate._known = bucket, targets, self._known
        return fate


class Fates(dict[int, Fate]):
    """The fates of the leaves of one record, by their positions; ``untold`` is that of all others."""

    def __init__(self, untold: Fate) -> None:
        super().__init__()
        self.untold = untold

    def use(self, leaf: int, bucket: Bucket, target: str) -> None:
        """The leaf went there."""
        self.use_all((leaf,), (bucket, target))

    def use_all(self, leaves: Iterable[int], use: Use) -> None:
        """They all went there."""
        for leaf in leaves:
            self[leaf] = self.get(leaf, self.untold).after(use)

    def all(self, leaves: int) -> list[Fate]:
        """The fate of each of so many leaves."""
        return [self.get(leaf, self.untold) for leaf in range(leaves)]


MAX_PROBLEMS: Final = 100_000
"""Of one report: each costs about a kilobyte until the account is written."""


class Problems(list[Problem]):
    """A report's problems. Raises ReportError where there are so many that it is no report of this format."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def append(self, problem: Problem) -> None:
        """The next one."""
        if len(self) >= MAX_PROBLEMS:
            told = f"more than {MAX_PROBLEMS} problems, the first: {self[0].message}"
            raise ReportError(f"{self._name}:{problem.line or 1}: {told}; is it a file of this format?")
        super().append(problem)


class Account:
    """Adds up the fates of leaves. ``untold``: where every leaf begins."""

    def __init__(self) -> None:
        self.untold = Fate()
        self._paths: dict[str, dict[Fate, int]] = {}
        self.leaves = 0

    def add(self, leaves: Sequence[Leaf], fates: Iterable[Fate]) -> None:
        """Count one record. Every leaf must have its fate: that is the promise."""
        paths = self._paths
        for leaf, fate in zip(leaves, fates, strict=True):
            if fate.bucket is None:
                raise AssertionError(f"{leaf.path}: no bucket")
            counts = paths.get(leaf.pattern)
            if counts is None:
                counts = paths[leaf.pattern] = {}
            counts[fate] = counts.get(fate, 0) + 1
        self.leaves += len(leaves)

    def add_all(self, leaves: Sequence[Leaf], bucket: Bucket, target: str) -> None:
        """Count one record whose leaves share one fate."""
        self.add(leaves, [self.untold.after((bucket, target))] * len(leaves))

    def totals(self) -> dict[str, int]:
        """Leaves per bucket, all seven."""
        return _buckets(pair for counts in self._paths.values() for pair in counts.items())

    def as_json(self, head: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, Any]:
        """``head`` (format, format_version, records …), then leaves, buckets, paths, problems."""
        paths = [
            {
                "path": path,
                "leaves": sum(counts.values()),
                "buckets": {bucket: count for bucket, count in _buckets(counts.items()).items() if count},
                "targets": sorted(frozenset().union(*(fate.targets for fate in counts))),
            }
            for path, counts in sorted(self._paths.items())
        ]
        return {
            **head,
            "leaves": self.leaves,
            "buckets": self.totals(),
            "paths": paths,
            "problems": [problem_as_json(problem) for problem in problems],
        }


def _buckets(counts: Iterable[tuple[Fate, int]]) -> dict[str, int]:
    found: dict[str, int] = dict.fromkeys(BUCKETS, 0)
    for fate, count in counts:
        found[fate.bucket or ""] += count
    return found


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """Without what it does not say."""
    return {key: value for key, value in asdict(problem).items() if value not in (None, "")}
