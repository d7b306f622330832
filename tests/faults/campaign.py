"""Rounds: a load, a fault in its middle, the recovery, the sums."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pymongo.errors import PyMongoError

from tests.faults.faults import FAULTS, Fault, Strike, Times
from tests.faults.sites import SITES, MissingError, Opened, Site, healthy
from tests.support.probe import Probe, Sums

LONGEST = 300.0
"""Seconds after which a round has failed, whatever it waits for."""
RECOVERY = 60.0
"""Seconds after which a hub that still refuses has not recovered."""
BEFORE, AFTER = 1.5, 1.5
"""Seconds of undisturbed load."""
WRITERS, BATCH, PACE = 8, 5, 0.2


@dataclass
class Outcome:
    """One round. ``recovered``: seconds from the end of the fault until writes and polls succeeded again."""

    number: int
    site: str
    fault: str
    seconds: float = 0.0
    seen: str = ""
    recovered: float = 0.0
    sums: Sums | None = None
    error: str | None = None

    @property
    def clean(self) -> bool:
        """Everything promised held."""
        return self.error is None and self.sums is not None and self.sums.clean

    def line(self) -> str:
        """For the terminal."""
        text = f"round {self.number:2} {self.site}, {self.fault.replace('_', ' ')}, {self.seconds:.0f} s: "
        if self.sums is not None:
            s = self.sums
            text += (
                f"{s.acknowledged} acknowledged, lost {s.lost}, missed {s.worst('missed')},"
                f" duplicated {s.worst('duplicated')}, reordered {s.worst('reordered')}, wrong {len(s.wrong)};"
                f" gaps {s.write_gap:.1f} s writing {s.poll_gap:.1f} s polling, slowest answer {s.slowest:.1f} s,"
                f" recovered in {self.recovered:.1f} s {self.seen} {s.answers}"
            )
        return text + ("" if self.clean else f"  FAILED {self.error or (self.sums and self.sums.wrong[:3])}")


@dataclass
class Campaign:
    """``tell`` gets every outcome. ``skipped``: sites the machine cannot give, with the reason."""

    times: Times = field(default_factory=Times)
    seed: int = 1
    workers: int = 2
    tell: Callable[[Outcome], None] = lambda outcome: print(outcome.line(), flush=True)  # noqa: T201
    outcomes: list[Outcome] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    logs: Path | None = None

    async def run(self, plan: Mapping[str, list[Fault]]) -> None:
        """All faults of a site one after the other, then the next site."""
        for name, faults in plan.items():
            with tempfile.TemporaryDirectory(prefix="thf") as folder:
                try:
                    left = list(faults)
                    while left:
                        await self._tried(name, Path(tempfile.mkdtemp(dir=folder)), left)
                except MissingError as error:
                    self.skipped[name] = str(error)

    async def _tried(self, name: str, folder: Path, left: list[Fault]) -> None:
        """A site that cannot be started, or stopped, fails the round that is next."""
        before = len(left)
        try:
            await self._at(name, SITES[name], folder, left)
        except (AssertionError, OSError, PyMongoError, subprocess.SubprocessError) as error:
            fault = left.pop(0) if len(left) == before else None
            named = fault.__name__ if fault else "stopping"
            self._tell(Outcome(len(self.outcomes) + 1, name, named, error=f"{type(error).__name__} {error}"))

    def _tell(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.tell(outcome)

    async def _at(self, name: str, opened: Opened, folder: Path, left: list[Fault]) -> None:
        """Until nothing is left, or something failed: what is left then finds a fresh site."""
        async with AsyncExitStack() as stack:
            site = await stack.enter_async_context(opened(folder, self.workers))
            while left:
                fault = left.pop(0)
                outcome = Outcome(len(self.outcomes) + 1, name, fault.__name__)
                chance = random.Random(f"{self.seed} {outcome.number}")
                await self._round(outcome, Strike(site, self.times, chance), fault)
                self._tell(outcome)
                if not outcome.clean:
                    self.keep_logs(site)
                if outcome.error is not None:
                    return

    def keep_logs(self, site: Site) -> None:
        """What the hubs said in a round that failed, for whoever looks into it."""
        if self.logs is not None:
            self.logs.mkdir(parents=True, exist_ok=True)
            for hub in site.hubs:
                shutil.copy(hub.log, self.logs / f"round{len(self.outcomes)}-{hub.log.name}")

    async def _round(self, outcome: Outcome, strike: Strike, fault: Fault) -> None:
        probe = Probe(*strike.site.targets(), writers=WRITERS, batch=BATCH, pace=PACE)

        async def disturb() -> None:
            await asyncio.sleep(BEFORE)
            began = time.monotonic()
            outcome.seen = await fault(strike)
            healed = time.monotonic()
            outcome.seconds = healed - began
            outcome.recovered = await _recovered(probe, healed) - healed
            await asyncio.sleep(AFTER)

        try:
            async with asyncio.timeout(LONGEST):
                outcome.sums = await probe.run(None, disturb)
                await healthy(strike.site)
        except ExceptionGroup as group:
            outcome.error = "; ".join(f"{type(each).__name__} {each}" for each in group.exceptions)
        except (AssertionError, TimeoutError) as error:
            outcome.error = f"{type(error).__name__} {error}"


async def _recovered(probe: Probe, healed: float) -> float:
    """The moment at which both a write and a poll had succeeded after the fault."""
    while time.monotonic() < healed + RECOVERY:
        moments = [probe.watched.first_good(method, healed) for method in ("GET", "POST")]
        if None not in moments:
            return max(moment for moment in moments if moment is not None)
        await asyncio.sleep(0.05)
    raise AssertionError(f"not recovered {RECOVERY:.0f} s after the fault: {dict(probe.watched.answers)}")


def plan_of(rounds: int, sites: Mapping[str, tuple[Fault, ...]] | None = None) -> dict[str, list[Fault]]:
    """Every fault as often as any other, or once more, grouped by site."""
    every = [(name, fault) for name, faults in (sites or FAULTS).items() for fault in faults]
    chosen = [every[number % len(every)] for number in range(rounds)]
    return {
        name: [fault for where, fault in chosen if where == name]
        for name in dict.fromkeys(n for n, _ in chosen)
    }


def failures(outcomes: list[Outcome]) -> Iterator[str]:
    """The lines of those that broke a promise."""
    return (outcome.line() for outcome in outcomes if not outcome.clean)


__all__ = ("Campaign", "Outcome", "Site", "failures", "plan_of")
