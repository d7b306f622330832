"""Thousands of requests against a hub that starts for them, and what must hold meanwhile and afterwards.

    python -m tests.hostile.fuzz [REQUESTS [SEED [SECONDS]]]     (100,000; a seed of its own, which is printed; at most 1800 s)

Never a 5xx (503 only while the database is away, and it never is), HTML, an internal name, a hang; others are
served in 3 s; memory grows by less than 200 MB; afterwards every collection can be walked, and each object is
there by its id.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.generator import Generator, Shot
from tests.hostile.oracle import Reply, faults
from tests.hostile.wire import Target, parse_head
from tests.support.hubs import RunningHub, running_hub

CONNECTIONS = 8
HANG = 10.0
"""Seconds: an answer that takes longer is none."""
PROMPT = 3.0
GROWTH = 200
USERS = ("hub-lab", "gb-heron", "us-kite", "demo-liaison", "demo-auditor", "demo-admin")
MAPPINGS = Path(__file__).parents[2] / "mappings"
EXPENSIVE = {"upload": 60.0}


@dataclass
class Outcome:
    """What a run found. ``wrong``: (kind, what, request) of everything that may not be."""

    sent: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[tuple[str, str, bytes]] = field(default_factory=list)
    slowest: float = 0.0
    slowest_of_others: float = 0.0
    grown: int = 0
    walked: int = 0
    unanswered: int = 0

    def text(self) -> str:
        """For people and for docs/security.md."""
        lines = [
            f"{self.sent} requests in {self.seconds:.0f} s ({self.sent / self.seconds:.0f} a second)",
            "kinds: " + ", ".join(f"{kind} {n}" for kind, n in sorted(self.kinds.items())),
            "statuses: " + ", ".join(f"{status} {n}" for status, n in sorted(self.statuses.items())),
            f"without an answer, the connection closed (no HTTP): {self.unanswered}",
            f"slowest answer {self.slowest:.2f} s; of others meanwhile {self.slowest_of_others:.2f} s",
            f"memory grew by {self.grown} MB; {self.walked} objects walked and read by id afterwards",
            f"faults: {len(self.wrong)}",
        ]
        lines += [f"  {kind}: {what}\n    {request[:600]!r}" for kind, what, request in self.wrong[:20]]
        return "\n".join(lines)


class Fuzz:
    """One run against one hub."""

    def __init__(self, hub: RunningHub, seed: int, seconds: float = 1800) -> None:
        self._until = time.monotonic() + seconds
        self._hub = hub
        self._people = {user: Target.of(hub.url, hub.credentials(user)) for user in USERS}
        self._generator = Generator(random.Random(seed), self._people, _samples())
        self.outcome = Outcome()
        self._left = 0
        self._over = False

    async def run(self, requests: int) -> Outcome:
        """Send them, look after the others, then walk."""
        await self._warm()
        began = time.monotonic()
        await self._shoot(min(requests, 300))  # what is loaded once is no growth
        before = self._megabytes()
        other = asyncio.create_task(self._other())
        await self._shoot(requests - self.outcome.sent)
        self._over = True
        await other
        self.outcome.seconds = time.monotonic() - began
        self.outcome.grown = self._megabytes() - before
        if self.outcome.grown > GROWTH:
            self.outcome.wrong.append(("memory", f"grew by {self.outcome.grown} MB", b""))
        await self._walk()
        return self.outcome

    async def _warm(self) -> None:
        """Let it read its mappings, which it does when they are first asked for."""
        target = self._people["hub-lab"]
        line = await _Line.to(target)
        assert (await line.ask(Shot("warm", target.get(b"/api/v1/mappings"))))[0].status == 200
        line.close()

    async def _shoot(self, count: int) -> None:
        self._left = max(0, count)
        await asyncio.gather(*(self._worker() for _ in range(CONNECTIONS)))

    async def _worker(self) -> None:
        line: _Line | None = None
        while self._left > 0 and time.monotonic() < self._until:
            self._left -= 1
            shot = self._generator.shot()
            if line is None:
                line = await _Line.to(self._people["hub-lab"])
            if not await self._fired(line, shot):
                line.close()
                line = None
        if line is not None:
            line.close()

    async def _fired(self, line: _Line, shot: Shot) -> bool:
        """Whether the connection can be used again."""
        outcome = self.outcome
        outcome.sent += 1
        outcome.kinds[shot.kind] += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(EXPENSIVE.get(shot.kind, HANG)):
                replies = await line.ask(shot)
        except TimeoutError:
            outcome.wrong.append((shot.kind, "no answer: a hang", shot.data))
            return False
        except (EOFError, ConnectionError):
            replies = []
        if shot.kind not in EXPENSIVE:
            outcome.slowest = max(outcome.slowest, time.monotonic() - began)
        if not replies:
            outcome.unanswered += 1
            if shot.framed:
                outcome.wrong.append((shot.kind, "closed without an answer", shot.data))
        for reply in replies:
            self._judge(shot, reply)
        return shot.framed and bool(replies) and replies[-1].headers.get("connection") != "close"

    def _judge(self, shot: Shot, reply: Reply) -> None:
        self.outcome.statuses[reply.status] += 1
        found = faults(reply, head_only=shot.head_only)
        if reply.status == 503:
            found.append("503 with a database that is there")
        self.outcome.wrong += [(shot.kind, f"{what} (status {reply.status})", shot.data) for what in found]
        if reply.status in (200, 202):
            self._generator.learn(reply.body)

    async def _other(self) -> None:
        """Somebody else, who polls and publishes, and must not notice."""
        target = self._people["gb-heron"]
        paths = (b"/sandbox/collections/scratch/objects/?limit=20", b"/un-gcts/collections/", b"/taxii2/")
        while not self._over:
            for path in paths:
                line = await _Line.to(target)
                began = time.monotonic()
                replies = await line.ask(Shot("other", target.get(path)))
                took = time.monotonic() - began
                self.outcome.slowest_of_others = max(self.outcome.slowest_of_others, took)
                if took > PROMPT or replies[0].status != 200:
                    self.outcome.wrong.append(("other", f"{replies[0].status} after {took:.1f} s", path))
                line.close()
            await asyncio.sleep(0.1)

    def _megabytes(self) -> int:
        pids = self._hub.worker_pids()
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * 4096 >> 20

    async def _walk(self) -> None:
        target = self._people["hub-lab"]
        line = await _Line.to(target)
        path, query = b"/sandbox/collections/scratch/objects/", b"?limit=1000"
        wanted: deque[tuple[str, object]] = deque()
        while query:
            page = (await line.ask(Shot("walk", target.get(path + query))))[0]
            try:
                document = json.loads(page.body)
            except ValueError as error:
                self.outcome.wrong.append(("walk", f"a page that is no JSON: {error}", query))
                return
            wanted += [(thing["id"], thing) for thing in document.get("objects", [])]
            query = b"?limit=1000&next=" + document["next"].encode() if document.get("more") else b""
        line.close()
        await asyncio.gather(*(self._by_id(target, path, wanted) for _ in range(CONNECTIONS)))

    async def _by_id(self, target: Target, path: bytes, wanted: deque[tuple[str, object]]) -> None:
        line = await _Line.to(target)
        while wanted:
            name, thing = wanted.popleft()
            request = target.get(path + name.encode() + b"/?match[version]=all")
            reply = (await line.ask(Shot("walk", request)))[0]
            if reply.status != 200 or thing not in json.loads(reply.body).get("objects", []):
                self.outcome.wrong.append(("walk", f"{reply.status}: not readable by its id", request))
            self.outcome.walked += 1
        line.close()


@dataclass
class _Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, target: Target) -> _Line:
        return cls(*await asyncio.open_connection(target.host, target.port, limit=2**20))

    async def ask(self, shot: Shot) -> list[Reply]:
        """The answer; to what is no HTTP all that come until the hub closes, which it does at our end of file."""
        self.writer.write(shot.data)
        if shot.framed:
            return [await self._reply(shot.head_only)]
        self.writer.write_eof()
        replies = []
        try:
            while True:
                replies.append(await self._reply(head_only=False))
        except (EOFError, ConnectionError):
            return replies

    async def _reply(self, head_only: bool) -> Reply:
        while True:
            head = parse_head((await self.reader.readuntil(b"\r\n\r\n"))[:-4])
            if head.status != 100:
                break
        length = 0 if head_only else int(head.headers.get("content-length", "0"))
        return Reply(head.status, head.headers, await self.reader.readexactly(length), head.head)

    def close(self) -> None:
        self.writer.close()


def _samples() -> tuple[bytes, ...]:
    """Sample reports of the mappings, the small ones: what is bent before it is uploaded."""
    files = (file for file in sorted(MAPPINGS.glob("*/samples/*")) if not file.name.endswith(".json.gz"))
    return tuple(file.read_bytes() for file in files if file.is_file() and file.stat().st_size < 60_000)


def main(requests: int, seed: int, seconds: int) -> int:
    """Run against a demo of its own. 1 where anything was wrong."""
    sys.stdout.write(f"{requests} requests, seed {seed}\n")
    sys.stdout.flush()
    with running_hub(settings={"TAXII_HUB_WORKERS": "1", "TAXII_HUB_LOG_LEVEL": "warning"}) as hub:
        outcome = asyncio.run(Fuzz(hub, seed, seconds).run(requests))
    sys.stdout.write(outcome.text() + "\n")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    defaults = [100_000, random.SystemRandom().randrange(1_000_000), 1800]
    sys.exit(main(*given, *defaults[len(given) :]))
