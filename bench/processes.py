"""What processes use, from /proc: CPU seconds (in hundredths) and resident bytes, children included."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Use:
    """Of a group of processes at one moment."""

    cpu: float
    resident: int


def use(pids: Iterable[int]) -> Use:
    """Of those processes and all that descend from them; those that ended count nothing."""
    cpu, resident = 0.0, 0
    stats = _stats()
    for pid in _with_descendants(set(pids), stats):
        fields = stats[pid]
        cpu += (int(fields[11]) + int(fields[12])) / _TICK
        resident += int(fields[21]) * _PAGE
    return Use(cpu, resident)


def uses(groups: Mapping[str, list[int]]) -> dict[str, Use]:
    """Of each group."""
    return {name: use(pids) for name, pids in groups.items()}


def _stats() -> dict[int, list[str]]:
    """The fields of /proc/PID/stat behind the name, by PID."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
    return found


def _with_descendants(pids: set[int], stats: Mapping[int, list[str]]) -> set[int]:
    found = {pid for pid in pids if pid in stats}
    while more := {pid for pid, fields in stats.items() if int(fields[1]) in found} - found:
        found |= more
    return found
