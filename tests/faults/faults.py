"""The faults: each one is injected, held for seconds, and always healed before its function ends."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from taxii_hub.store.engine_files import socket_for, uri_of
from tests.faults.lists import interrupted_ingest
from tests.faults.processes import START, Node, primary_of, until
from tests.faults.sites import Site

HOUR = 3600
UN_LIST = "un_sc_consolidated_xml"


@dataclass(frozen=True)
class Times:
    """How long faults are held, in seconds."""

    gone: float = 30.0
    frozen: tuple[float, float] = (5.0, 12.0)
    cut: float = 8.0
    full: float = 8.0
    step: float = 4.0
    records: int = 1500


@dataclass(frozen=True)
class Strike:
    """One fault about to happen. Functions return what else was seen, in words."""

    site: Site
    times: Times
    chance: random.Random


async def worker_killed(strike: Strike) -> str:
    """kill -9 of a web process, three times, each time another one."""
    hub = strike.site.hub
    for turn in range(3):
        workers = hub.workers()
        os.kill(workers[turn % len(workers)], signal.SIGKILL)
        # Sometimes before the next one has come up to the work.
        await asyncio.sleep(strike.chance.uniform(0.5, 4))
        await until("the killed worker is replaced", lambda: len(hub.workers()) == hub.wanted)
    return ""


async def hub_killed(strike: Strike) -> str:
    """kill -9 of the supervisor, or of it and all its children in one go; started again."""
    hub = strike.site.hub
    whole = strike.chance.random() < 0.5
    victims = [*hub.workers(), hub.mongod()] if whole else []
    try:
        hub.kill()
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(strike.chance.uniform(0, 1))
    finally:
        await hub.start()
    return "supervisor, workers and mongod" if whole else "the supervisor alone"


async def mongod_killed(strike: Strike) -> str:
    """kill -9 of the embedded MongoDB; its supervisor starts it again."""
    hub = strike.site.hub
    for _ in range(2):
        before = hub.mongod()
        os.kill(before, signal.SIGKILL)
        await until("there is another mongod", lambda before=before: _another(strike, before))  # type: ignore[misc]
        await asyncio.sleep(strike.chance.uniform(0.5, 2))
    return ""


def _another(strike: Strike, before: int) -> bool:
    try:
        return strike.site.hub.mongod() != before
    except IndexError:
        return False


async def disk_full(strike: Strike) -> str:
    """Not a byte is left on MongoDB's disk until it aborts, and for a while longer; then there is room again."""
    site = strike.site
    before = site.hub.mongod()
    filler = site.folder / "filler"
    try:
        began = time.monotonic()
        _fill(site, filler)
        while Path(f"/proc/{before}").exists():
            assert time.monotonic() - began < 2 * START, "mongod does not abort"
            await _checkpoint(site)
        seconds = time.monotonic() - began
        # One that finds some room when it recovers goes on for a while.
        until_healed = time.monotonic() + strike.times.full
        while time.monotonic() < until_healed:
            _fill(site, filler)
            await asyncio.sleep(0.2)
    finally:
        filler.unlink(missing_ok=True)
    await site.hub.answers("/health/ready", 200)
    return f"mongod ended after {seconds:.1f} s"


async def _checkpoint(site: Site) -> None:
    """MongoDB writes its files once a minute by itself, its journal into room that it took before."""
    socket = socket_for(site.hub.data)
    with suppress(PyMongoError, TimeoutError):
        async with asyncio.timeout(3), AsyncMongoClient[dict[str, Any]](uri_of(str(socket))) as client:
            await client.admin.command("fsync")
    await asyncio.sleep(0.3)


def _fill(site: Site, filler: Any) -> None:
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)


async def primary_killed(strike: Strike) -> str:
    """kill -9 of the primary, which is started again some seconds later."""
    primary = await primary_of(strike.site.nodes)
    try:
        primary.kill()
        await asyncio.sleep(strike.chance.uniform(1, 5))
    finally:
        primary.spawn()
    return ""


async def primary_frozen(strike: Strike) -> str:
    """The primary stands still (SIGSTOP) for so long that another one is elected."""
    primary = await primary_of(strike.site.nodes)
    seconds = strike.chance.uniform(*strike.times.frozen)
    try:
        primary.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
    finally:
        primary.send(signal.SIGCONT)
    return f"{seconds:.1f} s"


async def secondaries_frozen_primary_killed(strike: Strike) -> str:
    """Both secondaries stand still for long, then the primary is killed before they have caught up."""
    primary = await primary_of(strike.site.nodes)
    others = [each for each in strike.site.nodes if each is not primary]
    seconds = strike.chance.uniform(*strike.times.frozen)
    try:
        for each in others:
            each.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        primary.kill()
    finally:
        for each in others:
            each.send(signal.SIGCONT)
        await asyncio.sleep(1)
        if not primary.alive:
            primary.spawn()
    return f"{seconds:.1f} s"


async def primary_steps_down(strike: Strike) -> str:
    """replSetStepDown, twice."""
    for _ in range(2):
        primary = await primary_of(strike.site.nodes)
        async with _asked(primary) as client:
            with suppress(PyMongoError):
                await client.admin.command("replSetStepDown", 5, secondaryCatchUpPeriodSecs=3)
        await asyncio.sleep(strike.chance.uniform(1, 3))
    return ""


async def database_gone(strike: Strike) -> str:
    """All nodes are killed and come back later: 503 and not ready meanwhile, and no storm afterwards."""
    site = strike.site
    try:
        for each in site.nodes:
            each.kill()
        for hub in site.hubs:
            await hub.answers("/health/ready", 503, 20)
        await asyncio.sleep(strike.times.gone)
        assert [hub.status_of("/health/live") for hub in site.hubs] == [200] * len(site.hubs)
    finally:
        for each in site.nodes:
            if not each.alive:
                each.spawn()
    for hub in site.hubs:
        await hub.answers("/health/ready", 200)
    return await _calm(site.nodes)


async def database_silent(strike: Strike) -> str:
    """All nodes stand still: connections stay open and nothing is answered on them."""
    site = strike.site
    try:
        for each in site.nodes:
            each.send(signal.SIGSTOP)
        for hub in site.hubs:
            await hub.answers("/health/ready", 503, 30)
        await asyncio.sleep(strike.times.cut)
    finally:
        for each in site.nodes:
            each.send(signal.SIGCONT)
    for hub in site.hubs:
        await hub.answers("/health/ready", 200)
    return await _calm(site.nodes)


async def _calm(nodes: Sequence[Node]) -> str:
    """Connections and commands of the primary after a recovery; far more than usual is a storm."""
    primary = await primary_of(nodes)
    async with _asked(primary) as client:
        first = await client.admin.command("serverStatus")
        await asyncio.sleep(2)
        second = await client.admin.command("serverStatus")
    rate = sum(second["opcounters"].values()) - sum(first["opcounters"].values())
    connections: int = second["connections"]["current"]
    assert connections < 300, f"{connections} connections after the recovery"
    return f"{connections} connections and {rate / 2:.0f} operations/s afterwards"


def _asked(of: Node) -> AsyncMongoClient[dict[str, Any]]:
    uri = f"mongodb://{of.address}/?directConnection=true"
    return AsyncMongoClient(uri, serverSelectionTimeoutMS=5000)


async def clock_steps(strike: Strike) -> str:
    """The clock of one hub of two jumps an hour ahead, an hour back, and home."""
    clock = strike.site.clock
    assert clock is not None
    steps = [HOUR, -HOUR]
    strike.chance.shuffle(steps)
    try:
        for seconds in steps:
            clock.write_text(f"{seconds:+}")
            await asyncio.sleep(strike.times.step)
    finally:
        clock.write_text("+0")
    await asyncio.sleep(1.5)
    return ""


async def database_cut_off(strike: Strike) -> str:
    """Connections to MongoDB are reset, and new ones refused."""
    under = _under(strike)
    try:
        await under.stop()
        await asyncio.sleep(strike.times.cut)
    finally:
        await under.start()
    return ""


async def database_cable_pulled(strike: Strike) -> str:
    """Nothing gets through to MongoDB, and nobody is told; then all of it at once."""
    under = _under(strike)
    under.deaf = True
    try:
        await asyncio.sleep(strike.times.cut)
    finally:
        under.deaf = False
    return ""


async def database_far_away(strike: Strike) -> str:
    """Every packet to and from MongoDB takes a tenth of a second longer."""
    under = _under(strike)
    under.delay = 0.1
    try:
        await asyncio.sleep(strike.times.cut)
    finally:
        under.delay = 0.0
    return ""


def _under(strike: Strike) -> Any:
    assert strike.site.under is not None
    return strike.site.under


async def answers_lost(strike: Strike) -> str:
    """One answer in four never reaches its client, who sends the request again."""
    before = strike.site.before

    def lost() -> int:
        return sum(proxy.lost for proxy in before)

    already = lost()
    try:
        for proxy in before:
            proxy.losing = 0.25
        await asyncio.sleep(strike.times.cut)
        for _ in range(300):  # a loud machine gives few answers in that time
            if lost() > already + 3:
                break
            await asyncio.sleep(0.2)
    finally:
        for proxy in before:
            proxy.losing = 0.0
    assert lost() > already + 3, "hardly an answer was lost"
    return f"{lost()} answers lost so far"


async def primary_cut_off(strike: Strike) -> str:
    """The primary's network cable is pulled and put back."""
    net, number = await _primary_number(strike)
    net.cut(number, cut=True)
    try:
        await asyncio.sleep(strike.times.cut)
    finally:
        net.cut(number, cut=False)
    return ""


async def primary_without_majority(strike: Strike) -> str:
    """The primary loses the other nodes, but hubs still reach it, and the new one."""
    net, number = await _primary_number(strike)
    net.cut_from_nodes(number, cut=True)
    try:
        await asyncio.sleep(strike.times.cut)
    finally:
        net.cut_from_nodes(number, cut=False)
    return ""


async def every_node_cut_off(strike: Strike) -> str:
    """All cables are pulled: hubs reach no node, and no node another one."""
    net = strike.site.network
    assert net is not None
    numbers = range(len(strike.site.nodes))
    try:
        for number in numbers:
            net.cut(number, cut=True)
        await asyncio.sleep(strike.times.cut)
    finally:
        for number in numbers:
            net.cut(number, cut=False)
    return ""


async def packets_lost(strike: Strike) -> str:
    """One packet in twenty never arrives."""
    net = strike.site.network
    assert net is not None
    net.losing(losing=True)
    try:
        await asyncio.sleep(strike.times.cut)
    finally:
        net.losing(losing=False)
    return ""


async def _primary_number(strike: Strike) -> tuple[Any, int]:
    assert strike.site.network is not None
    primary = await primary_of(strike.site.nodes)
    return strike.site.network, strike.site.nodes.index(primary)


async def hub_restarted(strike: Strike) -> str:
    """Hubs are ended in order and started again, one after the other."""
    seen: list[str] = []
    for hub in strike.site.hubs:
        began = time.monotonic()
        try:
            await hub.end()
        finally:
            ended = time.monotonic()
            await hub.start()
        seen.append(f"ended in {ended - began:.1f} s, there again in {time.monotonic() - ended:.1f} s")
    return "; ".join(seen)


async def ingest_killed(strike: Strike) -> str:
    """kill -9 of an ingest of a national list, again and again; the last run ends by itself."""
    hub = strike.site.hub
    runs: list[asyncio.subprocess.Process] = []

    async def ingest(path: str) -> Any:
        words = ("ingest", path, "--to", "un-gcts/designations", "--agency", "un-lists", "--mapping", UN_LIST)
        runs.append(await hub.begin(*words))
        return runs[-1]

    try:
        return await interrupted_ingest(strike, ingest)
    finally:
        for run in runs:
            if run.returncode is None:
                run.kill()
                await asyncio.wait_for(run.wait(), START)


Fault = Callable[[Strike], Awaitable[str]]

FAULTS: dict[str, tuple[Fault, ...]] = {
    "embedded": (worker_killed, hub_killed, mongod_killed, ingest_killed),
    "replica set": (
        primary_killed,
        primary_frozen,
        secondaries_frozen_primary_killed,
        primary_steps_down,
        database_gone,
        database_silent,
        hub_restarted,
    ),
    "one node": (
        clock_steps,
        database_cut_off,
        database_cable_pulled,
        database_far_away,
        answers_lost,
    ),
    "network": (primary_cut_off, primary_without_majority, every_node_cut_off, packets_lost),
    "small disk": (disk_full,),
}
