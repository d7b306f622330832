"""Where faults happen: hubs, the MongoDB under them, and what lies between, started for some rounds."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.processes import (
    Child,
    Node,
    ServedHub,
    free_port,
    initiated,
    is_root,
    node,
    served_hub,
    until,
)
from tests.faults.proxy import Proxy
from tests.support.probe import Probe
from tests.support.watched import Target

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
MEMBERS = 3


@dataclass
class Site:
    """What a fault may break. ``before``: proxies in the order of the hubs, which clients ask through."""

    folder: Path
    hubs: list[ServedHub]
    auth: tuple[str, str] = ("", "")
    nodes: list[Node] = field(default_factory=list)
    under: Proxy | None = None
    before: list[Proxy] = field(default_factory=list)
    clock: Path | None = None
    network: Network | None = None

    @property
    def hub(self) -> ServedHub:
        """The first one."""
        return self.hubs[0]

    def targets(self) -> tuple[Target, ...]:
        """Where the load goes."""
        if not self.before:
            return tuple(hub.target(self.auth) for hub in self.hubs)
        path = "/sandbox/collections/scratch"
        return tuple(Target(f"http://127.0.0.1:{proxy.port}{path}", self.auth) for proxy in self.before)


Opened = Callable[[Path, int], AbstractAsyncContextManager[Site]]


class MissingError(Exception):
    """The machine lacks what a site needs; the text says what."""


def _require_root(why: str) -> None:
    if not is_root():
        raise MissingError(f"{why} needs root")


async def _serving(site: Site, stack: AsyncExitStack) -> None:
    """Make the account, start the hubs, and let the classes settle."""
    for hub in site.hubs:
        stack.push_async_callback(hub.end)
    site.auth = await site.hub.account()
    for hub in site.hubs:
        await hub.start()
    # The first use of a policy class waits until every process knows it.
    await Probe(*site.targets(), writers=1, pace=0.2).run(0.5)


@asynccontextmanager
async def embedded(folder: Path, workers: int) -> AsyncIterator[Site]:
    """One hub with two workers on its embedded MongoDB."""
    async with AsyncExitStack() as stack:
        site = Site(folder, [served_hub(folder, "hub", _workers(workers), {})])
        await _serving(site, stack)
        yield site


@asynccontextmanager
async def small_disk(folder: Path, workers: int) -> AsyncIterator[Site]:
    """The same on a disk of 600 MB that is all its own."""
    _require_root("a disk of its own (tmpfs)")
    disk = folder / "disk"
    disk.mkdir()
    _run("mount", "-t", "tmpfs", "-o", "size=600m", "tmpfs", str(disk))
    async with AsyncExitStack() as stack:
        stack.callback(_run, "umount", "--lazy", str(disk))
        hub = served_hub(disk, "hub", _workers(workers), {})
        hub.log = folder / "hub.log"  # nobody writes logs on the database's disk
        site = Site(disk, [hub])
        await _serving(site, stack)
        yield site


@asynccontextmanager
async def replica_set(folder: Path, workers: int) -> AsyncIterator[Site]:
    """Two hubs on a replica set of three nodes."""
    async with AsyncExitStack() as stack:
        nodes = [node(folder, f"node{n}", ("127.0.0.1", free_port())) for n in range(MEMBERS)]
        _started(stack, nodes)
        await initiated(nodes, [each.address for each in nodes])
        site = Site(
            folder, _two_hubs(folder, _settings([each.address for each in nodes], workers), {}), nodes=nodes
        )
        await _serving(site, stack)
        yield site


@asynccontextmanager
async def one_node(folder: Path, workers: int) -> AsyncIterator[Site]:
    """Two hubs, the first with a clock of its own, with proxies before them and before the database."""
    if not FAKETIME.exists():
        raise MissingError(f"a clock of its own needs libfaketime ({FAKETIME})")
    async with AsyncExitStack() as stack:
        member = node(folder, "node", ("127.0.0.1", free_port()))
        _started(stack, [member])
        under = await _proxy(stack, (member.host, member.port))
        address = f"127.0.0.1:{under.port}"
        await initiated([member], [address])
        clock = folder / "clock"
        clock.write_text("+0")
        hubs = _two_hubs(folder, _settings([address], workers), _faked(clock))
        site = Site(folder, hubs, nodes=[member], under=under, clock=clock)
        site.before = [await _proxy(stack, ("127.0.0.1", hub.port)) for hub in hubs]
        await _serving(site, stack)
        yield site


@asynccontextmanager
async def network(folder: Path, workers: int) -> AsyncIterator[Site]:
    """Two hubs, and a replica set whose nodes stand in network namespaces of their own."""
    _require_root("a network of its own")
    async with AsyncExitStack() as stack:
        net = Network(folder.name[-6:])
        stack.callback(net.remove)
        net.make()
        nodes = [
            node(folder, f"node{n}", (net.host(n), 27017), ("ip", "netns", "exec", net.space(n)))
            for n in range(MEMBERS)
        ]
        _started(stack, nodes)
        await initiated(nodes, [each.address for each in nodes])
        hubs = _two_hubs(folder, _settings([each.address for each in nodes], workers), {})
        site = Site(folder, hubs, nodes=nodes, network=net)
        await _serving(site, stack)
        yield site


SITES: Mapping[str, Opened] = {
    "embedded": embedded,
    "small disk": small_disk,
    "replica set": replica_set,
    "one node": one_node,
    "network": network,
}


def _started(stack: AsyncExitStack, children: list[Node]) -> None:
    for each in children:
        each.spawn()
        stack.callback(_ended, each)


def _ended(child: Child) -> None:
    child.kill()  # nobody reads its data any more


async def _proxy(stack: AsyncExitStack, upstream: tuple[str, int]) -> Proxy:
    proxy = Proxy(upstream, free_port())
    await proxy.start()
    stack.push_async_callback(proxy.stop)
    return proxy


def _workers(number: int) -> dict[str, str]:
    return {"TAXII_HUB_WORKERS": str(number)}


def _settings(addresses: list[str], workers: int) -> dict[str, str]:
    uri = f"mongodb://{','.join(addresses)}/?replicaSet=faults"
    return {"TAXII_HUB_MONGODB_URI": uri, **_workers(workers)}


def _two_hubs(folder: Path, settings: Mapping[str, str], first: Mapping[str, str]) -> list[ServedHub]:
    """``first``: more of the first one's environment."""
    return [served_hub(folder, name, settings, more) for name, more in (("one", first), ("two", {}))]


def _faked(clock: Path) -> dict[str, str]:
    """The wall clock goes by the file, the monotonic one is left alone."""
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=20)


class Network:
    """A bridge on this machine, and one network namespace for each node with a cable to it."""

    def __init__(self, name: str) -> None:
        self._name = f"thf{name}"
        self._net = "10.213.77"

    def space(self, number: int) -> str:
        """The namespace's name."""
        return f"{self._name}{number}"

    def host(self, number: int) -> str:
        """The node's address."""
        return f"{self._net}.{10 + number}"

    def make(self) -> None:
        """Lay the cables."""
        _run("ip", "link", "add", self._name, "type", "bridge")
        _run("ip", "address", "add", f"{self._net}.1/24", "dev", self._name)
        _run("ip", "link", "set", self._name, "up")
        for number in range(MEMBERS):
            space, here = self.space(number), self._cable(number)
            _run("ip", "netns", "add", space)
            _run("ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", space)
            _run("ip", "link", "set", here, "master", self._name, "up")
            for words in (
                ("address", "add", f"{self.host(number)}/24", "dev", "eth0"),
                ("link", "set", "eth0", "up"),
                ("link", "set", "lo", "up"),
            ):
                _run("ip", "-n", space, *words)

    def remove(self) -> None:
        """Also what was only half made."""
        for number in range(MEMBERS):
            subprocess.run(["ip", "netns", "del", self.space(number)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._name], capture_output=True, check=False)

    def cut(self, number: int, *, cut: bool) -> None:
        """Pull a node's cable, or put it back."""
        _run("ip", "link", "set", self._cable(number), "down" if cut else "up")

    def cut_from_nodes(self, number: int, *, cut: bool) -> None:
        """Let a node no longer reach the others, while hubs still reach it; or heal that."""
        for other in range(MEMBERS):
            if other != number:
                for chain, side in (("INPUT", "-s"), ("OUTPUT", "-d")):
                    rule = [chain, side, self.host(other), "-j", "DROP"]
                    _run("ip", "netns", "exec", self.space(number), "iptables", "-A" if cut else "-D", *rule)

    def losing(self, *, losing: bool) -> None:
        """Lose one packet in twenty of every node; or heal that."""
        for number in range(MEMBERS):
            rule = ["INPUT", "-m", "statistic", "--mode", "random", "--probability", "0.05", "-j", "DROP"]
            _run("ip", "netns", "exec", self.space(number), "iptables", "-A" if losing else "-D", *rule)

    def _cable(self, number: int) -> str:
        return f"{self._name}v{number}"


async def healthy(site: Site) -> None:
    """Every node is a member in working order, and every hub serves."""
    for hub in site.hubs:
        await hub.answers("/health/ready", 200)
        await until("all workers are there", lambda hub=hub: len(hub.workers()) == hub.wanted)  # type: ignore[misc]
