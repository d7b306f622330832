"""A TCP proxy that can be slow, deaf, or dead: it stands before a MongoDB node or before a hub."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass
class Proxy:
    """Between ``127.0.0.1:port`` and ``upstream``; what it does to the bytes may be changed at any time.

    ``delay``: seconds for each chunk and direction. ``deaf``: nothing goes through either way, and nobody is
    told (a cable that was pulled; what waits is delivered when it is put back, as TCP would). ``losing``:
    the share of answers for which the connection ends before the client has got any of it.
    """

    upstream: tuple[str, int]
    port: int
    delay: float = 0.0
    deaf: bool = False
    losing: float = 0.0
    lost: int = 0
    opened: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _random: random.Random = field(default_factory=lambda: random.Random(7))

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Refuse new connections and end the others; ``start`` heals it."""
        if self._server is not None:
            self._server.close()
        self.drop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)

    def drop(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            there, back = await asyncio.open_connection(*self.upstream)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, back}
        self._writers |= both
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer, answers=True))
        finally:
            self._tasks.discard(task)
            self._writers -= both
            for each in both:
                each.transport.abort()

    async def _pipe(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                while self.deaf:  # noqa: ASYNC110 - whoever heals it sets the flag
                    await asyncio.sleep(0.05)
                if answers and self._random.random() < self.losing:
                    self.lost += 1
                    sink.transport.abort()
                sink.write(data)
                await sink.drain()
        sink.close()
